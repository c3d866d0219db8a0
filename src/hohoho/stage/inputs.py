"""What a stage is made of, so that two looks at it can be compared: parameters, source code, input data, dvc.yaml."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hohoho.params import PARAMS, PIPELINE, Loader, flat, parse, value_at

CONF, LOCK = Path("conf"), Path("dvc.lock")
MISSING = "missing"
OUTPUTS = ("outs", "metrics", "plots")


class LockLoader(Loader):
    """YAML 1.2, as DVC writes dvc.lock: 1e-05 is a number, and `no` is text."""

    yaml_implicit_resolvers = {}


FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
for tag, first, pattern in (  # YAML 1.2.2, 10.3.2; but the octal and hexadecimal numbers that DVC never writes
    ("bool", "tTfF", "true|True|TRUE|false|False|FALSE"),
    ("null", ["~", "n", "N", ""], "~|null|Null|NULL|"),
    ("int", "-+0123456789", "[-+]?[0-9]+"),
    ("float", "-+.0123456789", FLOAT),
):
    LockLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"(?:{pattern})$"), list(first))


def stage_blocks() -> dict[str, dict]:
    """dvc.yaml's stages; {} where it cannot be read."""
    blocks = read_yaml(PIPELINE).get("stages") or {}
    return {name: block for name, block in blocks.items() if isinstance(block, Mapping)}


def inputs(stage: str, block: Mapping, code: Mapping[str, str]) -> dict[str, Any]:
    """Everything that a stage depends on: name, as messages give it → value or fingerprint.

    block: what dvc.yaml said of the stage when it began. code: path → hash, of all source files.
    """
    blocks, params, recorded = stage_blocks(), read_yaml(PARAMS), read_yaml(LOCK, read_lock)
    state = {f"{PIPELINE}: {stage}": blocks.get(stage, MISSING)}
    state |= {f"{LOCK}: {name}": recorded.get(name, MISSING) for name in stages_before(stage, blocks)}
    for place, values in ((PARAMS, params), (f"{CONF}/", composed_conf(params))):
        leaves = _leaves(values, block.get("params", []))
        state |= {f"{place}: {name}": value for name, value in leaves.items()}
    return state | stage_code(block, code) | {dep: _files(Path(dep)) for dep in block["deps"] if not is_code(dep)}


def is_code(dep: str) -> bool:
    """Whether a dependency in dvc.yaml is code of ours, else data."""
    return dep.startswith(("src/", "stages/"))


def stage_code(block: Mapping, code: Mapping[str, str]) -> dict[str, str]:
    """Path → hash of the source files that a stage uses. code: of all source files."""
    sources = tuple(f"{dep}/" for dep in block["deps"] if is_code(dep))
    return {path: digest for path, digest in code.items() if f"{path}/".startswith(sources)}


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """One line for each input that differs, with the values of a parameter."""
    lines = []
    for name in {**before, **after}:
        old, new = before.get(name, MISSING), after.get(name, MISSING)
        if old != new:
            is_parameter = name.startswith((f"{PARAMS}:", f"{CONF}/:"))
            lines.append(f"{name} was {old}, is {new}" if is_parameter else f"{name} was changed")
    return lines


def composed_conf(params: Mapping) -> dict:
    """What conf/ composes to for the data set and row of `params`, overrides aside; {} where it cannot be read."""
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
    params, recorded, lines = read_yaml(PARAMS), read_yaml(LOCK, read_lock), []
    for earlier in stages_before(stage, stage_blocks()):
        names = used_parameters(recorded.get(earlier, {}))
        used, now = flat(names), _leaves(params, names)
        other = {name: now.get(name, MISSING) for name in used if used[name] != now.get(name, MISSING)}
        lines += [f"{earlier} ran with {name}={used[name]}, now it is {value}" for name, value in other.items()]
    return lines


def read_lock(text: str) -> dict[str, dict]:
    """Stage → what a dvc.lock says of it."""
    content = yaml.load(text, LockLoader)
    return (content.get("stages") or {}) if isinstance(content, Mapping) else {}


def used_parameters(recorded: Mapping) -> dict[str, Any]:
    """The parameters and sections that a stage ran with, by its block of a dvc.lock."""
    return recorded.get("params", {}).get(str(PARAMS), {})


def stages_before(stage: str, blocks: Mapping[str, Mapping]) -> list[str]:
    """The stages whose outputs a stage reads, directly or through others, in the order of `blocks`; no frozen ones."""
    maker = {path: name for name, block in blocks.items() for path in outputs(block)}
    needed, waiting = set(), [stage]
    while waiting:
        reads = blocks.get(waiting.pop(), {}).get("deps") or []
        earlier = {maker[path] for path in reads if path in maker} - needed
        needed |= earlier
        waiting += earlier
    return [name for name in blocks if name in needed and not blocks[name].get("frozen")]


def outputs(block: Mapping) -> list[str]:
    """The paths that a stage of dvc.yaml writes."""
    entries = [entry for kind in OUTPUTS for entry in block.get(kind) or []]
    return [next(iter(entry)) if isinstance(entry, Mapping) else entry for entry in entries]


def _leaves(params: Mapping, names: Iterable[str]) -> dict[str, Any]:
    """Dotted name → value of these parameters and of all in these sections."""
    return flat({name: value_at(params, name, MISSING) for name in names})


def _files(path: Path) -> Any:
    """Names, sizes and times of a file or of all files below a folder: enough to notice that one was written."""
    files = [file for file in (sorted(path.rglob("*")) if path.is_dir() else [path]) if file.is_file()]
    return [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files] or MISSING


def read_yaml(path: Path, parse: Callable[[str], Any] = parse) -> dict:
    """The mapping in a file; {} where there is none."""
    try:
        content = parse(path.read_text())
    except (OSError, yaml.YAMLError):  # not there, or somebody is writing it: unlike any whole one
        return {}
    return content if isinstance(content, Mapping) else {}
