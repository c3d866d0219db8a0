"""What a recorded run would be on this machine: composed and looked at, not run."""

from collections.abc import Mapping

import torch

from hohoho.errors import InputError
from hohoho.models.devices import resolve_precision
from hohoho.reproduce.source import hydra_text, own_overrides
from hohoho.rows.runs import composed
from hohoho.stage.environment import code_hashes, package_versions
from hohoho.stage.inputs import stage_blocks, stage_code
from hohoho.stage.record import computed_on


def overrides_of(record: Mapping, given: list[str]) -> list[str]:
    """The overrides of a run that repeats a record, in the order of `dvc exp run`. given: the user's own, which count.

    The number of threads is the recorded one: it rounds differently. Raises `InputError` where they cannot be composed.
    """
    params = record["params"]
    taken = [override.lstrip("+~").partition("=")[0] for override in given]
    if "row" in taken:
        raise InputError("-S row=… is what the record says; leave it out")
    group = [f"row={params['row']}", f"data={params['data']['source']}"]
    if params["data"]["source"] != "phantom" and "data.root" not in taken:  # without one no other source is composed
        group.append(f"data.root={hydra_text(params['data'].get('root'))}")
    own = own_overrides(record, composed([*group, *given]), taken)
    threads = threads_of(record)
    if threads and not {"runtime.threads", "runtime.devices"} & set(taken):
        own.append(f"runtime.threads={threads}")
    return [*group, *own, *given]


def threads_of(record: Mapping) -> int | None:
    """With how many threads most of a recorded run computed: those of train_cnn, else of any stage that is recorded."""
    runs = [record["stages"].get("train_cnn"), *record["stages"].values()]
    return next((run["threads"] for run in runs if run and run.get("threads")), None)


def expected(record: Mapping, overrides: list[str]) -> dict:
    """The parts of a record that can be known before the run: params, packages, stages, code.

    Raises `InputError` where this machine cannot compute what is asked for.
    """
    params, code, blocks = composed(overrides), code_hashes(), stage_blocks()
    used = {path: digest for block in blocks.values() for path, digest in stage_code(block, code).items()}
    stages = {stage: stage_here(stage, record["stages"].get(stage) or {}, params) for stage in blocks}
    return {"params": params, "packages": package_versions(), "stages": stages, "code": used}


def stage_here(stage: str, recorded: Mapping, params: Mapping) -> dict:
    """On what a stage would run here; without device and threads where the recorded one used no torch."""
    run = computed_on(params["runtime"]) | {"precision": None}
    if recorded.get("device") is None:
        run |= dict.fromkeys(("device", "threads", "ranks"))
    if recorded.get("precision") is not None:
        on_gpu = params["runtime"]["accelerator"] != "cpu" and torch.cuda.is_available()
        run["precision"] = resolve_precision(precision_of(stage, params), "cuda" if on_gpu else "cpu")
    return run


def precision_of(stage: str, params: Mapping) -> str:
    """The precision that a training stage is asked for."""
    if stage == "train_lstm" and params["train_lstm"]["training"] == "frozen":
        return "32-true"
    return params["simclr" if stage == "simclr_pretrain" else "train_cnn"]["precision"]
