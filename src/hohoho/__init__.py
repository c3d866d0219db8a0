"""Intracranial hemorrhage in head CT.

OpenMP reads its settings once, when torch is loaded, and this package is loaded before it.
"""

import os

# How often a thread looks for work (1000 times: some 20 µs) before it sleeps. GNU OpenMP's own 300,000 keep a core from
# the thread that is waited for, wherever another process uses a core too: a training step takes 16 times as long.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

PARENT_AT_START = os.getppid()  # of a stage, mostly DVC, which may be gone before the stage has loaded torch
CODE_AT_START: dict[str, str] = {}

if "DVC_STAGE" in os.environ:  # a stage of the pipeline: what it loads from here on is compared at its end
    from hohoho.stage.environment import code_hashes, require_pinned_packages

    require_pinned_packages()
    CODE_AT_START |= code_hashes()
