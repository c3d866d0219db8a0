"""The command `hohoho study`: the poster's claims, run over seeds and judged by a rule that was written down before."""

import argparse
import sys

from hohoho.errors import InputError

DESCRIPTION = """The claims, arms, scale and rule stand in conf/study. `run` makes each run by `dvc exp run`, skips what
is recorded, and writes docs/results/study_*.csv and docs/claims.md anew; interrupted, the same command goes on."""
ONLY_RUNTIME = "runtime."  # what changes no result


def add_commands(commands) -> None:
    """Hang `study`, `study run` and `study report` into the command line. commands: of `parser.add_subparsers()`."""
    study = commands.add_parser("study", help="the poster's claims, answered with seeds", description=DESCRIPTION)
    study.set_defaults(run=_list)
    below = study.add_subparsers(metavar="run | report")

    run = below.add_parser("run", help="run what is not recorded, then report", description=DESCRIPTION)
    run.add_argument("claims", nargs="*", metavar="CLAIM", help="of conf/study, e.g. stacked; all without one")
    run.add_argument("--seeds", type=int, nargs="+", metavar="K", help="instead of the plan's, e.g. a sixth: --seeds 5")
    overrides = f"{ONLY_RUNTIME}… only: everything else is the plan's"
    run.add_argument("-S", dest="overrides", action="append", default=[], metavar="KEY=VALUE", help=overrides)
    run.set_defaults(run=_run)

    report = below.add_parser("report", help="collect what is recorded, write docs/claims.md")
    report.set_defaults(run=_report)


def _list(options: argparse.Namespace) -> None:
    from hohoho.study.plan import read_plan
    from hohoho.study.records import known_runs, read_tables
    from hohoho.study.runs import Run

    plan, known = read_plan(), known_runs(read_tables()[0])
    seeds = sorted({*plan.seeds, *(run.seed for run in known)})
    for claim in plan.claims:
        print(f"{claim.key}: {claim.text}")
        for arm in claim.needed:
            done = [str(seed) for seed in seeds if Run(arm, seed) in known]
            left = [str(seed) for seed in plan.seeds if Run(arm, seed) not in known]
            print(f"  {arm:12} seeds {' '.join(done) or 'none'}{'; not run: ' + ' '.join(left) if left else ''}")


def _run(options: argparse.Namespace) -> None:
    from hohoho.stage.workspace import alone
    from hohoho.study.plan import plan_commit, read_plan
    from hohoho.study.records import known_runs
    from hohoho.study.runs import run_all, runs_of

    foreign = [each for each in options.overrides if not each.startswith(ONLY_RUNTIME)]
    if foreign:
        raise InputError(f"-S {foreign[0]}: the plan says what is compared; only {ONLY_RUNTIME}… may be set")
    plan = read_plan()
    plan_commit()
    runs = runs_of(plan.chosen(options.claims), options.seeds or plan.seeds)
    try:
        with alone("hohoho study run"):
            failed = run_all(plan, runs, known_runs(collected(plan)[0]), options.overrides)
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on from here")
    _report(options)
    if failed:
        sys.exit(f"{len(failed)} of {len(runs)} failed: {', '.join(failed)}")


def _report(options: argparse.Namespace) -> None:
    from hohoho.study.plan import read_plan
    from hohoho.study.records import PATIENTS, RUNS, write_tables
    from hohoho.study.report import PAGE, PICTURE, write_report

    plan = read_plan()
    tables = collected(plan)
    write_tables(tables)
    write_report(plan, tables)
    print(f"{RUNS}, {PATIENTS}, {PAGE}, {PICTURE}")


def collected(plan) -> tuple:
    """The committed tables, with what DVC has recorded beyond them."""
    from hohoho.rows.records import read_experiments
    from hohoho.study.records import add_run, known_runs, read_tables
    from hohoho.study.runs import recorded, runs_of

    tables = read_tables()
    experiments = [each for each in read_experiments() if each.name.startswith("study-")]
    seeds = sorted({int(each.name.rsplit("-", 1)[1]) for each in experiments if each.name.rsplit("-", 1)[1].isdigit()})
    for run in runs_of(plan.claims, seeds):
        if run not in known_runs(tables[0]) and (found := recorded(plan, run, experiments)):
            tables = add_run(tables, run, found)
    return tables
