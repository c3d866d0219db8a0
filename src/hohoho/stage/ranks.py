"""A training on several devices: DVC starts its stage once, and the stage starts one process per device by torchrun.

The stage itself does not train. It holds the lock, watches the inputs, handles signals and writes the cost, as ever.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hohoho.errors import InputError
from hohoho.params import Record, runtime
from hohoho.ranks import RESTARTS, STAGE_PID, is_rank, stage_pid
from hohoho.stage.agent import RANKS_FAILED
from hohoho.stage.checkpoint import claimed
from hohoho.stage.stop import REQUEUE, Stopped

REPORTS = Path(".checkpoints/ranks")  # of the working folder, which all nodes see
LOOK_EVERY_S = 0.1


def in_ranks(work: Callable[[], None]) -> None:
    """Do `work` in this process, or in the ranks that runtime.devices and runtime.nodes ask for, and wait for them.

    Each rank runs the stage's script anew, up to here. A rank that is killed makes all of them start again, RESTARTS
    times at most. Raises InputError for what there is not, and what a rank raised: InputError, Stopped or its crash.
    """
    machine = runtime()
    if is_rank() or machine.devices * machine.nodes == 1:
        work()
        return
    refuse_impossible(machine)
    path = report_path()
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(command(machine), env=environment()) as agent:
        try:
            while agent.poll() is None and not (path.exists() and "claimed" not in read_report(path)):
                time.sleep(LOOK_EVERY_S)
        finally:
            agent.terminate()  # it passes the signal on, and kills what is still there half a minute later
    take(read_report(path), agent.returncode)


def refuse_impossible(machine: Record) -> None:
    """Raise InputError where there are fewer devices or nodes than are asked for."""
    import torch

    on_gpu = machine.accelerator != "cpu" and torch.cuda.is_available()
    there = torch.cuda.device_count() if on_gpu else os.cpu_count() or 1
    if machine.devices > there:
        here = f"this machine has {there} {'GPUs' if on_gpu else 'processors'}"
        raise InputError(f"runtime.devices is {machine.devices}, but {here}: ask for at most that many")
    if machine.nodes > 1:
        nodes = int(os.environ.get("SLURM_JOB_NUM_NODES", 0))
        if machine.nodes > nodes or not shutil.which("srun"):
            here = f"this SLURM job has {nodes}" if nodes else "this is no SLURM job"
            raise InputError(
                f"runtime.nodes is {machine.nodes}, but {here}: submit docs/slurm/row.sbatch with that many --nodes "
                "(docs/scaling.md), or leave it 1"
            )


def command(machine: Record) -> list[str]:
    """The command line that starts all ranks; with srun one torchrun on each node."""
    start, meet = [], ["--standalone"]
    if machine.nodes > 1:
        from lightning.fabric.plugins.environments import SLURMEnvironment

        first = SLURMEnvironment.resolve_root_node_address(os.environ["SLURM_JOB_NODELIST"])
        start = ["srun", f"--nodes={machine.nodes}", f"--ntasks={machine.nodes}", "--ntasks-per-node=1"]
        start += ["--kill-on-bad-exit=1"]
        if cpus := os.environ.get("SLURM_CPUS_PER_TASK"):  # srun takes it from its own variable only
            start.append(f"--cpus-per-task={cpus}")
        endpoint = f"{first}:{20000 + os.getpid() % 20000}"
        meet = [f"--nnodes={machine.nodes}", "--rdzv-backend=c10d", f"--rdzv-endpoint={endpoint}"]
        meet += [f"--rdzv-id={os.environ['SLURM_JOB_ID']}-{os.getpid()}"]
    agent = [sys.executable, "-m", "hohoho.stage.agent", *meet, f"--nproc-per-node={machine.devices}"]
    return [*start, *agent, f"--max-restarts={RESTARTS}", *sys.argv]


def environment() -> dict[str, str]:
    """Of the ranks: whose they are; without torch's warnings and torchrun's advice on the number of threads."""
    quiet = {"OMP_NUM_THREADS": "1", "TORCH_CPP_LOG_LEVEL": "ERROR"}
    return {**quiet, **os.environ, STAGE_PID: str(os.getpid())}


def report_path() -> Path:
    """Where the first rank that ends for good says so; for stage and ranks the same."""
    return REPORTS / f"{os.environ.get('DVC_STAGE') or Path(sys.argv[0]).stem}-{stage_pid()}.json"


def report(**said: str | list[str]) -> None:
    """Say for the stage how a rank has ended; the first word counts. After it, nothing is started again."""
    path = report_path()
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(FileExistsError, FileNotFoundError):  # an earlier word; a stage that is gone
        temporary.write_text(json.dumps(said))
        os.link(temporary, path)
    temporary.unlink(missing_ok=True)


def read_report(path: Path) -> dict:
    """What a rank reported; {} where none did."""
    return json.loads(path.read_text()) if path.exists() else {}


def take(said: dict, code: int) -> None:
    """Make of the ranks' end the stage's own."""
    report_path().unlink(missing_ok=True)
    if "error" in said:
        raise InputError(said["error"])
    if "stopped" in said or (not said and code == REQUEUE):
        raise Stopped(said.get("stopped", "SIGTERM"))
    if "crash" in said:
        sys.exit(said["crash"])
    if not said and code != RANKS_FAILED:
        sys.exit(f"ERROR: torchrun, which starts the ranks, ended with the code {code}")
    if not said:
        raise InputError(
            f"the ranks were killed {RESTARTS + 1} times, as it happens where memory runs out: take a smaller "
            "batch_size or fewer runtime.devices. The same command goes on from what is kept"
        )
    claimed.extend(map(Path, said["claimed"]))
