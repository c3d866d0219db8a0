"""Working trees of one Git repository (`git worktree`): DVC notes a run in the folder once for all of them."""

import subprocess

from hohoho.stage.workspace import own_processes, runs_before

EXPERIMENT = "dvc exp run"


def experiment_elsewhere() -> str | None:
    """The older `dvc exp run` that is at work in another working tree of this Git repository, as text.

    DVC keeps the baseline of a run in refs/exps/exec, which working trees share: of two runs, the first to end would be
    recorded on the other's commit, and the other not at all. Queued and --temp runs have a Git repository of their own.
    """
    listed = subprocess.run(["git", "worktree", "list", "--porcelain"], capture_output=True, text=True, check=False)
    folders = [line.removeprefix("worktree ") for line in listed.stdout.splitlines() if line.startswith("worktree ")]
    pid = runs_before(own_processes(), folders).get(EXPERIMENT) if len(folders) > 1 else None
    return f"{EXPERIMENT} (PID {pid}) in another working tree of this Git repository" if pid else None


def is_experiment_in_the_folder(words: list[str]) -> bool:
    """Whether a command line of DVC runs an experiment in the folder itself: neither queued nor in a copy."""
    return words[1:3] == EXPERIMENT.split()[1:] and not {"--temp", "--queue"} & set(words)
