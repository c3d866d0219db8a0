"""Loaded before any test: hohoho before torch, as the stages do it, so that its threads do not spin."""

import os

import hohoho  # noqa: F401

WORKER, WORKERS = os.environ.get("PYTEST_XDIST_WORKER"), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))

if WORKER and hasattr(os, "sched_setaffinity"):  # each of pytest's processes, and what it starts, on cores of its own
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[int(WORKER.removeprefix("gw")) :: WORKERS] or cores)
