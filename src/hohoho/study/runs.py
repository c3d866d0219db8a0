"""The plan's runs → `dvc exp run`, once each: what DVC or the committed table has recorded is not run again."""

import shlex
from collections.abc import Iterable
from typing import NamedTuple

from hohoho.rows.records import DONE, Experiment, result_params
from hohoho.rows.runs import Runner, composed, run_command
from hohoho.study.plan import Claim, Plan, plan_hash


class Run(NamedTuple):
    """One arm with one seed."""

    arm: str
    seed: int

    @property
    def name(self) -> str:
        """Of its experiment."""
        return f"study-{self.arm.replace('_', '-')}-{self.seed}"


def runs_of(claims: Iterable[Claim], seeds: Iterable[int]) -> list[Run]:
    """All that these claims need, seed by seed, each once."""
    arms = dict.fromkeys(arm for claim in claims for arm in claim.needed)
    return [Run(arm, seed) for seed in seeds for arm in arms]


def recorded(plan: Plan, run: Run, experiments: list[Experiment]) -> Experiment | None:
    """The newest experiment of this very run: its name, the plan in its commit, and every parameter as composed now."""
    done = [e for e in experiments if e.name == run.name and e.state == DONE and plan_hash(e.rev) == plan_hash()]
    wanted = result_params(composed(plan.overrides(*run))) if done else None
    return next((e for e in reversed(done) if result_params(e.params) == wanted), None)


def run_all(plan: Plan, runs: list[Run], known: set[Run], extra: list[str], execute: Runner = run_command) -> list[str]:
    """Run what is not known yet; returns the names of those that failed. extra: overrides that change no result."""
    failed = []
    for number, run in enumerate(runs, 1):
        progress = f"[{number}/{len(runs)}] {run.name}"
        if run in known:
            print(f"{progress}: recorded already", flush=True)
            continue
        options = [part for override in [*plan.overrides(*run), *extra] for part in ("-S", override)]
        words = ["dvc", "exp", "run", "-n", run.name, *options]
        print(f"{progress}: {shlex.join(words)}", flush=True)
        if execute(words):
            failed.append(run.name)
    return failed
