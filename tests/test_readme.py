"""The README's tables and code tell the truth."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def flow_rows():
    """Stage → the cells of its row in the flow table."""
    rows = [line.strip("|").split(" | ") for line in README.splitlines() if re.match(r"\| `\w+` \| ", line)]
    return {cells[0].strip(" `"): cells for cells in rows if cells[0].strip(" `") in STAGES}


def named(cell):
    return set(re.findall(r"`([^`]+)`", cell))


def written(stage):
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, [])]
    return {next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries}


def test_the_flow_table_says_what_dvc_yaml_says():
    assert list(flow_rows()) == list(STAGES)
    for name, (_, _, reads, writes, script, knobs) in flow_rows().items():
        stage = STAGES[name]
        assert named(reads) == {dep for dep in stage["deps"] if dep.startswith(("data/", "models/", "metrics/"))}, name
        assert named(writes) == written(stage), name
        assert named(script) <= set(stage["deps"]), name
        assert named(knobs) <= {param.split(".")[0] for param in stage.get("params", [])}, name


def test_every_path_that_is_named_for_changing_exists():
    table = README[README.index("## Where to change what") : README.index("## Your own data")]
    for path in re.findall(r"`((?:src|conf)/[^`*]+)`", table):
        assert (ROOT / path).exists(), path


def test_every_picture_exists():
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file(), path


def test_the_example_for_python_runs(tmp_path, monkeypatch):
    from ct_files import ct_study, save_all

    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    save_all(ct_study(3), tmp_path / "STUDY_FOLDER")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["hu"].shape == (512, 512)
    assert len(names["scan"].images) == 3
