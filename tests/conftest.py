"""Loaded before any test: hohoho before torch, as the stages do it, so that its threads do not spin."""

import os

import fake_pipeline
import pytest

import hohoho  # noqa: F401

WORKER, WORKERS = os.environ.get("PYTEST_XDIST_WORKER"), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))

if WORKER and hasattr(os, "sched_setaffinity"):  # each of pytest's processes, and what it starts, on cores of its own
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[int(WORKER.removeprefix("gw")) :: WORKERS] or cores)


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
    """The fake pipeline, run once; its folder has a space in its name."""
    folder = fake_pipeline.make(tmp_path_factory.mktemp("stage") / "a repository")
    ran = fake_pipeline.command(folder, "dvc repro")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder


@pytest.fixture
def repository(fake_repository, monkeypatch):
    """The test runs in it, as `dvc repro` left it, whatever the last test did to it."""
    monkeypatch.chdir(fake_repository)
    files = [path for path in fake_repository.rglob("*") if path.is_file() and ".git" not in path.parts]
    kept = {path: path.read_bytes() for path in files}
    yield fake_repository
    for path, content in kept.items():
        path.write_bytes(content)
