"""DVC's own records of experiments: which row each one ran, with which parameters, and what it scored."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from hohoho.errors import InputError
from hohoho.params import flat, value_at
from hohoho.stage.inputs import read_lock, used_parameters

PARAMS, SCORES = "params.yaml", "metrics/scores.json"
DONE = "done"


class Experiment(NamedTuple):
    """One experiment as DVC recorded it, on whatever commit it lives."""

    name: str
    state: str  # done | queued | running | failed | mixed: its stages ran with other parameters than it records
    created: datetime | None
    params: dict  # all of params.yaml
    f2: dict[str, float | None]  # train, val, test; empty where there is no score
    val_interval: tuple[float, float] | None = None  # 95 %, of F2 on validation over patients; None where it is unknown
    rev: str = ""  # its commit

    @property
    def row(self) -> str | None:
        """The row that it ran: its recorded parameter, whatever its name is."""
        return self.params.get("row")

    @property
    def source(self) -> str | None:
        """The data it ran on."""
        return self.params.get("data", {}).get("source")


def read_experiments() -> list[Experiment]:
    """Every experiment of the repository, of all commits, finished or not; oldest first, unfinished last."""
    from dvc.exceptions import NotDvcRepoError  # takes a second to import
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            commits = repo.experiments.show(revs=commits_with_experiments(repo), hide_workspace=True)
            # The commits themselves are none: their parameters and scores need not belong together.
            ranges = [ranged for commit in commits for ranged in commit.experiments or []]
            experiments = [_read(r, r.revs[0], repo) for r in ranges if r.revs and r.revs[0].data]
    except NotDvcRepoError:
        raise InputError("no DVC repository here: run this in the repository's root folder") from None
    return sorted(experiments, key=lambda experiment: (experiment.created is None, experiment.created or 0))


def commits_with_experiments(repo: Any) -> list[str]:
    """The commits that experiments started from, finished or not: DVC would read each of all commits."""
    from dvc.repo.experiments.utils import exp_refs

    experiments = repo.experiments
    queue = experiments.celery_queue
    entries = [*queue.iter_queued(), *(result.entry for result in queue.iter_failed())]
    entries += [*queue.iter_active(), *experiments.tempdir_queue.iter_active()]
    begun = {repo.scm.get_rev()}  # by what runs in the workspace
    return sorted(begun | {ref.baseline_sha for ref in exp_refs(repo.scm)} | {each.baseline_rev for each in entries})


def _read(ranged: Any, tip: Any, repo: Any) -> Experiment:
    params = tip.data.params.get(PARAMS, {}).get("data") or {}
    scores = tip.data.metrics.get(SCORES, {}).get("data") or {}
    f2, interval = scores.get("f2") or {}, scores.get("f2_val_interval") or {}
    ends = (interval.get("low"), interval.get("high"))
    state = ranged.executor.state if ranged.executor else "success"
    if state == "success":
        state = DONE if f2 else "failed"
    if state == DONE and not stages_agree(read_lock(repo.scm.get_fs(tip.rev).open("dvc.lock").read()), params):
        state, f2 = "mixed", {}
    val_interval = None if None in ends else ends
    return Experiment(tip.name or tip.rev[:7], state, tip.data.timestamp, params, f2, val_interval, tip.rev)


def stages_agree(lock: Mapping[str, Mapping], params: Mapping) -> bool:
    """Whether every stage of a dvc.lock (`read_lock`) ran with these parameters, on what the stages before it wrote.

    DVC commits params.yaml and dvc.lock when an experiment has ended, whoever rewrote them meanwhile.
    """
    used = [item for stage in lock.values() for item in used_parameters(stage).items()]
    written = {out["path"]: out.get("md5") for stage in lock.values() for out in stage.get("outs", [])}
    read = [dep for stage in lock.values() for dep in stage.get("deps", []) if dep["path"] in written]
    return all(value_at(params, name) == value for name, value in used) and all(
        written[dep["path"]] == dep.get("md5") for dep in read
    )


def result_params(params: Mapping) -> dict[str, Any]:
    """Dotted key → value of everything that can change a result; nulls are left out, as DVC's records may."""
    values = flat({key: value for key, value in params.items() if key not in ("edit", "runtime")})
    return {key: value for key, value in values.items() if value is not None}
