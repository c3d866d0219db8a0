"""What a stage is made of, so that two looks at it can be compared: parameters, source code, input data, dvc.yaml."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hohoho.params import PARAMS, PIPELINE, flat, value_at

CONF, LOCK = Path("conf"), Path("dvc.lock")
MISSING = "missing"
OUTPUTS = ("outs", "metrics", "plots")


def stage_blocks() -> dict[str, dict]:
    """dvc.yaml's stages; {} where it cannot be read."""
    return _read(PIPELINE).get("stages", {})


def inputs(stage: str, block: Mapping, code: Mapping[str, str]) -> dict[str, Any]:
    """Everything that a stage depends on: name, as messages give it → value or fingerprint.

    block: what dvc.yaml said of the stage when it began. code: path → hash, of all source files.
    """
    names = block.get("params", [])
    params, conf = _read(PARAMS), composed_conf()
    state = {f"{PIPELINE}: {stage}": stage_blocks().get(stage, MISSING)}
    recorded = _lock_blocks()
    state |= {f"{LOCK}: {name}": recorded.get(name, MISSING) for name in stages_before(stage)}
    state |= {f"{PARAMS}: {name}": value for name, value in _leaves(params, names).items()}
    state |= {f"{CONF}/: {name}": value for name, value in _leaves(conf, names).items()}
    state |= {path: content for path, content in code.items() if any(_covers(dep, path) for dep in block["deps"])}
    return state | {dep: _files(Path(dep)) for dep in block["deps"] if not dep.startswith(("src/", "stages/"))}


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """One line for each input that differs, with the values of a parameter."""
    names = [name for name in {**before, **after} if before.get(name, MISSING) != after.get(name, MISSING)]
    return [_line(name, before.get(name, MISSING), after.get(name, MISSING)) for name in names]


def _line(name: str, before: Any, after: Any) -> str:
    is_parameter = name.startswith((f"{PARAMS}:", f"{CONF}/:"))
    return f"{name} was {before}, is {after}" if is_parameter else f"{name} was changed"


def composed_conf() -> dict:
    """What conf/ composes to for the data set and row of params.yaml, overrides aside; {} where it cannot be read."""
    params = _read(PARAMS)
    names = ["config", f"data/{value_at(params, 'data.source', '')}", f"row/{value_at(params, 'row', '')}"]
    paths = [CONF / f"{name}.yaml" for name in names]
    try:
        composed = OmegaConf.merge({}, *(OmegaConf.load(path) for path in paths if path.is_file()))
        composed.edit = ""  # its resolver checks a composition, and is not needed here
        return OmegaConf.to_container(composed, resolve=True)
    except (OmegaConfBaseException, yaml.YAMLError, ValueError):
        return {}


def other_parameters(stage: str) -> list[str]:
    """One line for each parameter that made an input of `stage` and has another value in params.yaml now.

    By dvc.lock, of all stages before this one but frozen ones.
    """
    params, recorded, lines = _read(PARAMS), _lock_blocks(), []
    for earlier in stages_before(stage):
        names = used_parameters(recorded.get(earlier, {}))
        used, now = flat(names), _leaves(params, names)
        other = {name: now.get(name, MISSING) for name in used if used[name] != now.get(name, MISSING)}
        lines += [f"{earlier} ran with {name}={used[name]}, now it is {value}" for name, value in other.items()]
    return lines


def read_lock(text: str) -> dict[str, dict]:
    """Stage → what a dvc.lock says of it. That is YAML 1.2, where 1e-05 is a number."""
    return (YAML(typ="safe", pure=True).load(text) or {}).get("stages", {})


def used_parameters(recorded: Mapping) -> dict[str, Any]:
    """The parameters and sections that a stage ran with, by its block of a dvc.lock."""
    return recorded.get("params", {}).get(str(PARAMS), {})


def _lock_blocks() -> dict[str, dict]:
    try:
        return read_lock(LOCK.read_text())
    except (OSError, YAMLError):  # none yet, or somebody is writing it
        return {}


def stages_before(stage: str) -> list[str]:
    """The stages whose outputs a stage reads, directly or through others, in dvc.yaml's order; no frozen ones."""
    blocks = stage_blocks()
    writes = {
        name: {_path(entry) for kind in OUTPUTS for entry in block.get(kind, [])} for name, block in blocks.items()
    }
    needed, waiting = set(), [stage]
    while waiting:
        reads = set(blocks[waiting.pop()]["deps"])
        makers = {name for name in blocks if writes[name] & reads} - needed
        needed |= makers
        waiting += makers
    return [name for name in blocks if name in needed and not blocks[name].get("frozen")]


def _leaves(params: Mapping, names: Iterable[str]) -> dict[str, Any]:
    """Dotted name → value of these parameters and of all in these sections."""
    return flat({name: value_at(params, name, MISSING) for name in names})


def _path(entry: str | Mapping) -> str:
    return next(iter(entry)) if isinstance(entry, Mapping) else entry


def _covers(dep: str, path: str) -> bool:
    return path == dep or path.startswith(f"{dep}/")


def _files(path: Path) -> Any:
    """Names, sizes and times of a file or of all files below a folder: enough to notice that one was written."""
    files = [file for file in (sorted(path.rglob("*")) if path.is_dir() else [path]) if file.is_file()]
    return [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files] or MISSING


def _read(path: Path) -> dict:
    try:
        return yaml.safe_load(path.read_text()) or {}
    except (OSError, yaml.YAMLError):  # somebody is writing it: another state than any whole one
        return {}
