"""The tables, pictures, links and code of README and docs tell the truth."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
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
        sections = {param.split(".")[0] for param in stage.get("params", [])}
        assert named(knobs) == (sections if name != "evaluate" else {"evaluate"}), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_picture_and_page_that_is_named_exists(page):
    text = page.read_text()
    for path in re.findall(r"`((?:src|conf|stages|tests|benchmarks)/[\w/.-]+)`", text):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"\]\((?!http|#)([^)]+)\)", text):
        assert (page.parent / path).exists(), path


def test_the_readme_is_a_door_and_leads_to_every_page():
    assert len(README.splitlines()) <= 170
    linked = {path for page in PAGES for path in re.findall(r"\]\(([^)#]+\.md)\)", page.read_text())}
    assert {page.name for page in PAGES[1:]} == {Path(path).name for path in linked}


def test_the_example_for_python_runs(tmp_path, monkeypatch):
    from ct_files import ct_study, save_all

    page = (ROOT / "docs/develop.md").read_text()
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    save_all(ct_study(3), tmp_path / "STUDY_FOLDER")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code, "docs/develop.md", "exec"), names)
    assert names["hu"].shape == (512, 512)
    assert len(names["scan"].images) == 3
