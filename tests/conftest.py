"""Loaded before any test: hohoho before torch, as the stages do it, so that its threads do not spin."""

import os
import shutil

import fake_pipeline
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

import hohoho  # noqa: F401

os.environ["DVC_TEST"] = "true"  # DVC sends no statistics and looks for no newer version: a process each
WORKER, WORKERS = os.environ.get("PYTEST_XDIST_WORKER"), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))

if WORKER and hasattr(os, "sched_setaffinity"):  # each of pytest's processes, and what it starts, on cores of its own
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[int(WORKER.removeprefix("gw")) :: WORKERS] or cores)

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # machines are shared
settings.load_profile("here")

LONG = (  # files of a minute and more; they come first, so that none is left to one of pytest's processes at the end
    "test_end_to_end.py",
    "test_runs_beside.py",
    "test_sources_end_to_end.py",
    "test_parameter_values.py",
    "test_sharing.py",
    "test_privacy.py",
    "test_runs_at_once.py",
)


def pytest_collection_modifyitems(items):
    """The long files first, the others as they are."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture
def folder(tmp_path):
    """An empty folder for images, with room for a store beside it."""
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def in_the_repository(monkeypatch):
    """The test runs in the repository's root folder."""
    monkeypatch.chdir(fake_pipeline.ROOT)


@pytest.fixture(scope="session")
def fake_repository(tmp_path_factory):
    """The fake pipeline, run once for all of pytest's processes; its folder has a space in its name."""
    base = tmp_path_factory.getbasetemp()
    first = (base.parent if WORKER else base) / "first"
    with FileLock(f"{first}.lock"):
        if not first.exists():
            made = fake_pipeline.make(base / "made")
            ran = fake_pipeline.command(made, "dvc repro")
            assert ran.returncode == 0, ran.stdout + ran.stderr
            made.rename(first)
    return shutil.copytree(first, base / "a repository", ignore=shutil.ignore_patterns("tmp"))


@pytest.fixture(scope="session")
def begun_repository(fake_repository, tmp_path_factory):
    """The fake pipeline, run up to train_cnn: to be copied."""
    return fake_pipeline.begun(fake_repository, tmp_path_factory.mktemp("begun") / "repository")


@pytest.fixture
def begun(begun_repository, tmp_path):
    """A copy of it of the test's own, which a test may run on and change."""
    return shutil.copytree(begun_repository, tmp_path / "repository")


@pytest.fixture
def repository(fake_repository, monkeypatch):
    """The test runs in it, as `dvc repro` left it, whatever the last test did to it."""
    monkeypatch.chdir(fake_repository)
    files = [path for path in fake_repository.rglob("*") if path.is_file() and ".git" not in path.parts]
    kept = {path: path.read_bytes() for path in files}
    yield fake_repository
    for path, content in kept.items():
        path.write_bytes(content)
