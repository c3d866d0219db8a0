"""Why DVC would run a recorded experiment anew: the source files of its stages that are others now."""

import subprocess

from hohoho.stage.inputs import is_code, stage_blocks

CODE = ("src", "stages")


def changed_code(rev: str) -> tuple[str, ...]:
    """Source files that are not as in a commit, each with the first stage that uses it: "stages/embed.py (embed)".

    Of dvc.yaml's stages as they are now; files that no stage uses do not count. Empty where Git knows no such commit.
    """
    if not rev:
        return ()
    listed = (["diff", "--name-only", "--relative", rev], ["ls-files", "--others", "--exclude-standard"])
    changed = sorted({path for words in listed for path in lines_of_git(*words, "--", *CODE)})
    users = [(first_user(path), path) for path in changed]
    return tuple(f"{path} ({stage})" for stage, path in users if stage)


def first_user(path: str) -> str | None:
    """The first stage of dvc.yaml that names a file or a folder above it; None where none does."""
    for stage, block in stage_blocks().items():
        if any(f"{path}/".startswith(f"{dep}/") for dep in block.get("deps", []) if is_code(dep)):
            return stage
    return None


def lines_of_git(*words: str) -> list[str]:
    """What a command of Git prints; nothing where it fails."""
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []
