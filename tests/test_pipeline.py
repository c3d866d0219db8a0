"""dvc.yaml tells the truth: every module a stage uses, every path it reads and writes, every parameter it takes."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.schema import COMPILED_MULTI_STAGE_SCHEMA

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
NAMES = ["ingest", "stack", "simclr_pretrain", "train_cnn", "embed", "train_lstm", "evaluate"]
IMPORTS = ("import ", "from ")
NOT_TRACKED = {"data/raw/phantom", ".checkpoints/ingest"}  # a data set like any other; work in progress


def imported(path):
    """Files of this package that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for module in modules:
            file = SOURCE.joinpath(*module.split(".")).with_suffix(".py")
            if file.is_file():
                yield file


def reached(path):
    """Every file of this package that a script uses, directly or through another."""
    found, waiting = set(), [path]
    while waiting:
        for file in imported(waiting.pop()):
            if file not in found:
                found.add(file)
                waiting.append(file)
    return found


def paths(entries):
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


def script(stage):
    """The stage's script as a module."""
    spec = importlib.util.spec_from_file_location(f"stage_{stage}", ROOT / f"stages/{stage}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def path_constants(module):
    """The paths a stage knows, alone or in lists."""
    values = [part for value in vars(module).values() for part in (value if isinstance(value, list) else [value])]
    found = {str(value) for value in values if isinstance(value, Path)}
    assert all(not Path(path).is_absolute() for path in found)
    return found


def test_dvc_accepts_every_stage_and_plot():
    COMPILED_MULTI_STAGE_SCHEMA(yaml.safe_load((ROOT / "dvc.yaml").read_text()))


def test_there_are_exactly_the_seven_stages_in_their_order():
    assert list(STAGES) == NAMES


def source_deps(stage):
    """The lines that dvc.yaml should have: every file that the stage uses, or its folder where dvc.yaml names that."""
    used = {str(path.relative_to(ROOT)) for path in reached(ROOT / f"stages/{stage}.py")}
    folders = {f"{dep}/" for dep in STAGES[stage]["deps"] if dep.startswith("src/") and (ROOT / dep).is_dir()}
    needed = {next((folder[:-1] for folder in folders if path.startswith(folder)), path) for path in used}
    return [f"stages/{stage}.py", *sorted(needed)]


@pytest.mark.parametrize("stage", NAMES)
def test_a_stage_depends_on_its_script_and_exactly_the_modules_it_uses(stage):
    code = [dep for dep in STAGES[stage]["deps"] if dep.startswith(("src/", "stages/"))]
    expected = source_deps(stage)
    assert code == expected, f"deps of {stage} in dvc.yaml should be:\n" + "".join(f"      - {d}\n" for d in expected)


@pytest.mark.parametrize("stage", NAMES)
def test_a_stage_names_in_dvc_yaml_every_path_it_reads_or_writes(stage):
    deps = {dep for dep in STAGES[stage]["deps"] if dep.startswith(("data/", "models/", "metrics/"))}
    kinds = ("outs", "metrics", "plots")
    outs = {path for kind in kinds for path in paths(STAGES[stage].get(kind, []))}
    assert path_constants(script(stage)) - NOT_TRACKED == deps | outs


def used_parameters(stage):
    """What a stage's script asks its `params` for: params.loss.clip, and params.loss where it hands that on."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / f"stages/{stage}.py").read_text())):
        chain = []
        while isinstance(node, ast.Attribute):
            chain.insert(0, node.attr)
            node = node.value
        if chain and isinstance(node, ast.Name) and node.id == "params":
            names.add(".".join(chain))
    return names


@pytest.mark.parametrize("stage", NAMES)
def test_a_stage_declares_exactly_the_parameters_that_it_uses(stage):
    declared, used = set(STAGES[stage].get("params", [])), used_parameters(stage)
    shown = declared if stage == "evaluate" else set()  # its report shows them all
    undeclared = {name for name in used if not any(name == d or name.startswith(f"{d}.") for d in declared)}
    undeclared -= {name for name in used if any(d.startswith(f"{name}.") for d in declared)}  # a section, in part
    unused = {d for d in declared if not any(name == d or name.startswith(f"{d}.") for name in used)} - shown
    assert not undeclared and not unused
    assert not any(name.startswith(("runtime", "row", "edit")) for name in declared)


def test_the_report_gets_every_parameter_of_every_stage():
    elsewhere = {name.split(".")[0] for stage in NAMES[:-1] for name in STAGES[stage].get("params", [])}
    assert {name.split(".")[0] for name in STAGES["evaluate"]["params"]} == elsewhere | {"evaluate"}


def downstream(stage):
    """The stage and all that follow from what it writes."""
    written = {path for kind in ("outs", "metrics", "plots") for path in paths(STAGES[stage].get(kind, []))}
    following = [name for name in NAMES if written & set(STAGES[name]["deps"])]
    return {stage}.union(*(downstream(name) for name in following))


@pytest.mark.parametrize(
    ("knob", "first"),
    [
        ("ingest.image_size", "ingest"),
        ("stack.normalization", "stack"),
        ("simclr.enabled", "simclr_pretrain"),
        ("loss.gamma_neg", "train_cnn"),
        ("train_lstm.units", "train_lstm"),
        ("evaluate.threshold", "train_cnn"),  # which epoch is kept depends on it
        ("evaluate.smoothing", "evaluate"),
    ],
)
def test_a_knob_runs_its_first_stage_and_what_follows_and_nothing_else(knob, first):
    declared = {stage: STAGES[stage].get("params", []) for stage in NAMES}
    users = [stage for stage in NAMES if {knob, knob.split(".")[0]} & set(declared[stage])]
    runs = set().union(*(downstream(stage) for stage in users))
    assert [name for name in NAMES if name in runs] == NAMES[NAMES.index(first) :]


def test_packages_import_nothing_of_their_own():
    assert all(not path.read_text().strip() for path in SOURCE.glob("hohoho/*/__init__.py"))


STARTED = ["stages/train_cnn.py", "stages/train_lstm.py", "stages/evaluate.py", "src/hohoho/cli.py"]


def started(code, *words):
    """Run code in a new Python, in the repository."""
    subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, check=True, env={"PYTHONPATH": str(SOURCE)})


@pytest.mark.parametrize("script", STARTED)
def test_threads_are_told_not_to_spin_before_openmp_is_loaded(script):
    started(
        "import os, runpy, sys\n"
        "class Told:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name in ('torch', 'lightning', 'sklearn'):\n"
        "            sys.exit(os.environ.get('GOMP_SPINCOUNT') != '1000')\n"
        "sys.meta_path.insert(0, Told())\n"
        "runpy.run_path(sys.argv[1], run_name='imported')\n",
        script,
    )


@pytest.mark.parametrize("scripts", [STARTED[:2], STARTED[2:]], ids=["trainings", "others"])
def test_there_is_one_openmp_at_most(scripts):
    started(
        "import runpy, sys\n"
        "for script in sys.argv[1:]:\n"
        "    runpy.run_path(script, run_name='imported')\n"
        "from threadpoolctl import threadpool_info\n"
        "assert sum(pool['user_api'] == 'openmp' for pool in threadpool_info()) <= 1\n",
        *scripts,
    )


def test_source_never_imports_a_stage():
    assert not [path for path in SOURCE.rglob("*.py") if "from stages" in path.read_text()]


@pytest.mark.parametrize("command", [["-m", "hohoho.cli", "--help"], ["stages/ingest.py"], ["stages/stack.py"]])
def test_the_command_line_ingest_and_stack_start_without_torch(command):
    code = (
        "import runpy, sys; sys.argv = sys.argv[1:]\n"
        "try:\n    runpy.run_module(sys.argv[1], run_name='imported') if sys.argv[0] == '-m' "
        "else runpy.run_path(sys.argv[0], run_name='imported')\n"
        "finally:\n    assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    started(code, *command)


def test_no_pickle_is_written_or_read():
    """But the checkpoints of a running training, which are read as tensors, numbers and text alone."""
    banned = ("import pickle", "torch.save", "torch.load", "joblib", "allow_pickle=True", "save_hyperparameters")
    found = []
    for path in [*SOURCE.rglob("*.py"), *(ROOT / "stages").glob("*.py")]:
        found += [(path.name, word) for word in banned if word in path.read_text()]
    assert found == [("checkpoint.py", "torch.save")]
    assert "ckpt_path=last, weights_only=True" in (SOURCE / "hohoho/training/fit.py").read_text()


def test_a_clone_with_windows_line_endings_has_the_same_bytes(tmp_path):
    """Git for Windows turns LF into CRLF by default; DVC would then find every stage changed."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    for name in (".gitattributes", "params.yaml", "dvc.yaml", "stages/embed.py", "docs/img/phantom.png"):
        (origin / name).parent.mkdir(parents=True, exist_ok=True)
        (origin / name).write_bytes((ROOT / name).read_bytes())
    for command in ("init -q", "add -A", "-c user.name=test -c user.email=test@example.org commit -qm test"):
        subprocess.run(["git", *command.split()], cwd=origin, check=True)
    subprocess.run(["git", "-c", "core.autocrlf=true", "clone", "-q", str(origin), str(clone)], check=True)
    for path in [path for path in origin.rglob("*") if path.is_file() and ".git" not in path.parts]:
        assert (clone / path.relative_to(origin)).read_bytes() == path.read_bytes(), path


NUMPY_ONLY = ["check", "dicom", "ingest", "phantom", "report", "rows", "scans", "scores", "sources", "stage"]
NUMPY_ONLY += [f"slices/{name}.py" for name in ("label_patterns", "split", "stacks", "store")]
NUMPY_ONLY += ["params.py", "predict/answers.py", "inference/store.py", "inference/table.py", "inference/submission.py"]


@pytest.mark.parametrize("room", NUMPY_ONLY)
def test_what_needs_no_torch_never_imports_it(room):
    start = SOURCE / "hohoho" / room
    files = set(start.rglob("*.py") if start.is_dir() else [start])
    for file in files | set().union(*map(reached, files)):
        top = [line.split()[1].split(".")[0] for line in file.read_text().splitlines() if line.startswith(IMPORTS)]
        assert not {"torch", "torchvision", "lightning", "lightly", "captum"} & set(top), file


def rooms_used():
    """Room of the package → the rooms that it imports. A room is a folder, or a module that lies in none."""
    used = {}
    for path in (SOURCE / "hohoho").rglob("[!_]*.py"):
        room = path.relative_to(SOURCE / "hohoho").parts[0].removesuffix(".py")
        others = {file.relative_to(SOURCE / "hohoho").parts[0].removesuffix(".py") for file in imported(path)}
        used.setdefault(room, set()).update(others - {room})
    return used


def test_the_rooms_stand_one_above_the_other_and_no_import_goes_in_a_circle():
    used = rooms_used()
    while ground := [room for room, others in used.items() if not others & set(used)]:
        for room in ground:
            del used[room]
    assert not used
