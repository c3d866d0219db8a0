"""reproduce.json: what it takes to repeat a run, and what came out. The last stage writes it.

It is no output of DVC's: it differs from machine to machine, and outputs must not. Git ignores it; in an experiment it
is put into Git's index all the same, and DVC commits it with the experiment. Where each stage ran is kept in RUNS, by
all that the stage depends on, because DVC may take a stage from its cache.
"""

import hashlib
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

import hohoho
from hohoho.files import write_json
from hohoho.machine import cores, cpu
from hohoho.params import PARAMS, flat, load, value_at
from hohoho.stage.costs import COSTS
from hohoho.stage.environment import code_hashes, package_versions
from hohoho.stage.inputs import LOCK, is_code, outputs, read_lock, read_yaml, stage_blocks, stage_code
from hohoho.stage.workspace import is_dvc

RECORD, SCORES, RUNS = Path("reproduce.json"), Path("metrics/scores.json"), COSTS / "runs"
EXPERIMENT, BASELINE = "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV"  # what DVC tells the stages of an experiment


def write_run(stage: str, cost: Mapping) -> None:
    """Keep on what this process has run a stage, and what that cost, in the repository that DVC was started in."""
    block = stage_blocks().get(stage, {})
    run = computed_on(load()["runtime"]) | {"precision": trained_in(block), "minutes": round(cost["seconds"] / 60, 2)}
    write_json(run_path(stage, block), run | {"finished": cost["finished"]})


def computed_on(runtime: Mapping) -> dict[str, Any]:
    """Processor, system, device, threads and ranks; the last three are None in a process that has not loaded torch."""
    torch = sys.modules.get("torch")
    cuda = torch and runtime["accelerator"] != "cpu" and torch.cuda.is_available()
    device = torch and (torch.cuda.get_device_name(0) if cuda else "cpu")
    threads = torch and (runtime["threads"] or max(1, cores() // (1 if cuda else runtime["devices"])))
    ranks = torch and runtime["devices"] * runtime["nodes"]
    system = f"{platform.system()} {platform.machine()}"
    return cpu() | {"system": system, "device": device, "threads": threads, "ranks": ranks}


def trained_in(block: Mapping) -> str | None:
    """The precision that is recorded with the models that a stage writes; None where it trains none."""
    folders = [Path(path) for path in outputs(block) if path.startswith("models/")]
    written = [json.loads(path.read_text()) for folder in folders for path in sorted(folder.rglob("*.json"))]
    return ", ".join(dict.fromkeys(model["precision"] for model in written if "precision" in model)) or None


def run_path(stage: str, block: Mapping) -> Path:
    """Where the run of a stage is kept: by its parameters, code and inputs, as they are now."""
    params, written = read_yaml(PARAMS), recorded_hashes()
    leaves = flat({name: value_at(params, name) for name in block.get("params", [])})
    data = {dep: written.get(dep) for dep in block.get("deps", []) if not is_code(dep)}
    state = [leaves, stage_code(block, code()) if block else {}, data]
    digest = hashlib.sha256(json.dumps(state, sort_keys=True, default=str).encode()).hexdigest()[:32]
    return Path(os.environ.get("DVC_ROOT", ".")).absolute() / RUNS / f"{stage}-{digest}.json"


def code() -> dict[str, str]:
    """Path → hash of all source files, as this process has loaded them."""
    return hohoho.CODE_AT_START or code_hashes()


def recorded_hashes() -> dict[str, str]:
    """Path → MD5 of every output in dvc.lock."""
    outs = [out for entry in read_yaml(LOCK, read_lock).values() for out in entry.get("outs", [])]
    return {out["path"]: out.get("md5") for out in outs}


def write_record() -> None:
    """Write RECORD of the run that ends with this stage; in an experiment, DVC commits it with it."""
    blocks, params = stage_blocks(), load()
    *earlier, last = blocks
    paths = {stage: run_path(stage, block) for stage, block in blocks.items()}
    used = {path: digest for block in blocks.values() for path, digest in stage_code(block, code()).items()}
    written = recorded_hashes()
    hashes = {path: written.get(path) for stage in earlier for path in outputs(blocks[stage])}
    hashes |= {path: md5(Path(path)) for path in outputs(blocks[last]) if Path(path).exists()}
    content = {
        "command": command_line(),
        "experiment": os.environ.get(EXPERIMENT),
        "baseline": os.environ.get(BASELINE),
        "params": {key: value for key, value in params.items() if key != "edit"},
        "packages": package_versions(),
        "stages": {stage: json.loads(path.read_text()) if path.is_file() else None for stage, path in paths.items()},
        "hashes": hashes,
        "scores": flat(json.loads(SCORES.read_text())) if SCORES.is_file() else {},
        "code": dict(sorted(used.items())),
    }
    write_json(RECORD, content)
    if EXPERIMENT in os.environ:
        added = subprocess.run(["git", "add", "--force", RECORD], capture_output=True, text=True, check=False)
        if added.returncode:
            print(f"WARNING: {RECORD} is not kept with the experiment: {added.stderr.strip()}", file=sys.stderr)


def command_line() -> str | None:
    """What was typed; of what DVC's queue runs, only that. None without DVC."""
    words = next((process.cmdline() for process in psutil.Process().parents() if is_dvc(process.pid)), None)
    if words is None:
        return None
    if "exec-run" in words:  # with a path of its own behind it
        return "dvc queue start"
    start = next((number for number, word in enumerate(words) if Path(word).name == "dvc"), 0)
    return shlex.join(["dvc", *words[start + 1 :]])


def md5(path: Path) -> str:
    """The hash that DVC gives an output: of a file's bytes, or of a folder's list of files and theirs."""
    if path.is_dir():
        files = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
        listed = [{"md5": md5(file), "relpath": name} for name, file in sorted(files.items())]
        return f"{hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest()}.dir"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
