"""`python -m bench`: builds its data, measures, checks, prints a table and writes bench/results/latest.json."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from bench import (
    arena,
    curve,
    document,
    experiments,
    options,
    peers,
    progress,
    rounds,
    statements,
    surroundings,
    tables,
    targets,
)
from bench.findings import Findings
from bench.options import Options
from bench.records import Measurement, Target, Verdict
from datasurface.errors import DatasurfaceError, ExitStatus

#: The results that are kept in the repository.
KEPT: Final = statements.FOLDER / "results" / "latest.json"


@click.command()
@click.option("--customers", type=click.IntRange(min=100), default=1_000_000, show_default=True)
@click.option("--rounds", "round_count", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--kinds", default="live,forensic", show_default=True)
@click.option("--phases", default="initial,nochange,1%,20%", show_default=True)
@click.option("--peers", "peer_names", default="all", show_default=True, help="all, none or names with commas.")
@click.option("--experiments", "experiment_names", default="all", show_default=True, help="all, none or names.")
@click.option("--dsn", help="A superuser's DSN; default: DATASURFACE_TEST_DSN, else an embedded server.")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=KEPT,
    help="Where the JSON goes, and a picture beside it. Default: bench/results/latest.json and docs/growth.svg.",
)
def main(**given: Any) -> None:
    """Time this engine beside COPY|COPY and dlt with the same rows, and check every row and every count.

    Targets are judged from 1,000,000 customers and 3 rounds on; below that ratios are shown and correctness decides.
    Exit status 1 if a merge table, a count or an experiment is wrong, or a target is missed.
    """
    try:
        sys.exit(run(_options(**given)))
    except DatasurfaceError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_status)


def _options(*, round_count: int, peer_names: str, experiment_names: str, **given: Any) -> Options:
    return Options(
        customers=given["customers"],
        rounds=round_count,
        kinds=options.kinds(given["kinds"]),
        phases=options.phases(given["phases"]),
        peers=[peer.name for peer in peers.chosen(peer_names)],
        experiments=options.experiments(experiment_names, list(experiments.EXPERIMENTS)),
        results=given["results"],
        picture=curve.KEPT if given["results"] == KEPT else given["results"].with_suffix(".svg"),
        dsn=given["dsn"] or os.environ.get("DATASURFACE_TEST_DSN") or None,
    )


def run(asked: Options) -> ExitStatus:
    """One run of the benchmark: the rounds, then the experiments, each on a server of its own."""
    found = peers.available() if asked.peers else peers.NOT_ASKED
    chosen = replace(asked, peers=[] if found.reason else asked.peers)
    with progress.shown() as announce:
        with arena.opened(chosen) as place:
            measurements = list(rounds.measured(place, chosen, announce))
            facts = {**surroundings.described(place), **document.of_peers(found)}
        findings = list(experiments.measured(chosen.experiments, chosen, announce))
    judged = [
        *targets.judged(chosen, measurements, found.reason),
        *(target for each in findings for target in each.targets),
    ]
    tables.show(chosen, measurements, findings, judged)
    tables.show_peers(found)
    chosen.results.parent.mkdir(parents=True, exist_ok=True)
    text = document.written(chosen, facts, measurements, findings, judged)
    chosen.results.write_text(text, encoding="utf-8")
    if chosen.picture is not None and (problem := curve.drawn(chosen.results, chosen.picture)):
        click.echo(f"no picture was drawn: {problem}")
    return _status(measurements, findings, judged)


def _status(measurements: Sequence[Measurement], findings: Sequence[Findings], judged: Sequence[Target]) -> ExitStatus:
    """A peer may be wrong, we may not."""
    is_wrong = any(each.problems for each in measurements if each.contender not in peers.KNOWN)
    is_wrong = is_wrong or any(each.problems for each in findings)
    is_missed = any(target.verdict is Verdict.MISSED for target in judged)
    return ExitStatus.FINDINGS if is_wrong or is_missed else ExitStatus.DONE


if __name__ == "__main__":
    main()
