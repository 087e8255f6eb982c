"""`python -m bench`: builds its data, measures, checks, prints a table and writes bench/results/latest.json."""

import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from bench import arena, options, rounds, statements, surroundings, tables, targets
from bench.options import Options
from bench.records import Measurement, Target, Verdict
from datasurface.errors import DatasurfaceError, ExitStatus


@click.command()
@click.option("--customers", type=click.IntRange(min=100), default=100_000, show_default=True)
@click.option("--rounds", "round_count", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--kinds", default="live,forensic", show_default=True)
@click.option("--phases", default="initial,nochange,1%,20%", show_default=True)
@click.option("--dsn", help="A superuser's DSN; default: DATASURFACE_TEST_DSN, else an embedded server.")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=statements.FOLDER / "results" / "latest.json",
    help="Where the JSON goes. Default: bench/results/latest.json.",
)
def main(customers: int, round_count: int, kinds: str, phases: str, dsn: str | None, results: Path) -> None:
    """Time this engine beside COPY|COPY of the same rows, and check every row and every count.

    Targets are judged from 1,000,000 customers and 3 rounds on; below that ratios are shown and correctness decides.
    Exit status 1 if a merge table or a count is wrong or a target is missed.
    """
    try:
        chosen = Options(
            customers=customers,
            rounds=round_count,
            kinds=options.kinds(kinds),
            phases=options.phases(phases),
            results=results,
            dsn=dsn or os.environ.get("DATASURFACE_TEST_DSN") or None,
        )
        sys.exit(run(chosen))
    except DatasurfaceError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_status)


def run(chosen: Options) -> ExitStatus:
    """One run of the benchmark."""
    console = Console(stderr=True)
    with arena.opened(chosen) as place, console.status("building the data") as status:
        measurements = list(rounds.measured(place, chosen, status.update))
        facts = surroundings.described(place)
    judged = targets.judged(chosen, measurements)
    tables.show(chosen, measurements, judged)
    chosen.results.parent.mkdir(parents=True, exist_ok=True)
    chosen.results.write_text(_document(chosen, facts, measurements, judged), encoding="utf-8")
    is_wrong = any(each.problems for each in measurements)
    is_missed = any(target.verdict is Verdict.MISSED for target in judged)
    return ExitStatus.FINDINGS if is_wrong or is_missed else ExitStatus.DONE


def _document(chosen: Options, facts: Any, measurements: Sequence[Measurement], judged: Sequence[Target]) -> str:
    document = {
        "v": 1,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "options": {
            "customers": chosen.customers,
            "addresses": chosen.addresses,
            "rounds": chosen.rounds,
            "kinds": chosen.kinds,
            "phases": [phase.name for phase in chosen.phases],
        },
        **facts,
        "measurements": [dataclasses.asdict(each) for each in measurements],
        "targets": [dataclasses.asdict(each) for each in judged],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
