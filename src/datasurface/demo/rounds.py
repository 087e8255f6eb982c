"""Batches: every stream is run once, as a job would, and must find exactly what happened to the source."""

import time

from datasurface.demo.records import RoundRun, SourceChanged, StreamRun
from datasurface.demo.source import SourceChanges
from datasurface.demo.stage import Stage
from datasurface.errors import StateError
from datasurface.yellow.engine.batch import run
from datasurface.yellow.engine.batch.looking import LookOutcome
from datasurface.yellow.engine.batch.run import RunRequest
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.engine.links import Links
from datasurface.yellow.plan.streams import StreamPlan


def change_source(stage: Stage) -> SourceChanged:
    """Change the source's rows."""
    return _noted(stage, stage.source.change(stage.installation, stage.progress))


def evolve_source(stage: Stage) -> SourceChanged:
    """Change the source's schema, and rows that use it."""
    return _noted(stage, stage.source.evolve(stage.installation, stage.progress))


def run_streams(stage: Stage) -> RoundRun:
    """Run every stream once. Raises StateError if a count is not what happened to the source."""
    stage.rounds += 1
    runs = []
    for number, stream in enumerate(stage.streams, start=1):
        runs.append(_run(stage, stream))
        stage.progress(number, len(stage.streams))
    stage.expected = {table: Counts(total=counts.total) for table, counts in stage.expected.items()}
    return RoundRun(number=stage.rounds, runs=runs)


def compare_in_full(stage: Stage) -> None:
    """Run every stream with every checksum computed from every row; raises StateError if anything had changed."""
    for number, stream in enumerate(stage.streams, start=1):
        compared = _run(stage, stream, in_full=True)
        if compared.batch_id is not None:
            raise StateError(f"{stream.platform}/{stream.stream_key}: a batch was made though nothing had changed")
        stage.progress(number, len(stage.streams))


def _noted(stage: Stage, changes: SourceChanges) -> SourceChanged:
    """Keep what the next batch must count."""
    stage.expected = {
        table: _expected(before, changes.counts.get(table, Counts())) for table, before in stage.expected.items()
    }
    return SourceChanged(text=changes.text, counts=changes.counts)


def _expected(before: Counts, changes: Counts) -> Counts:
    """The net change with the rows that there are then."""
    return changes + Counts(total=before.total + changes.inserted - changes.deleted)


def _run(stage: Stage, stream: StreamPlan, *, in_full: bool = False) -> StreamRun:
    outcomes: list[LookOutcome] = []
    request = RunRequest(
        platform=stream.platform, store=stream.store, dataset=stream.dataset, in_full=in_full, budget_seconds=0
    )
    links = Links(stage.connections, application_name="datasurface demo")
    began = time.perf_counter()
    result = run.run(request, links, lambda _, outcome: outcomes.append(outcome))
    seconds = time.perf_counter() - began
    for table in stream.tables:
        _compare_counts(
            f"{stream.platform}/{table.dataset}", outcomes, table.dataset, stage.expected[table.source_table]
        )
    return StreamRun(
        platform=stream.platform,
        stream_key=stream.stream_key,
        batch_id=result.batch_id,
        counts=Counts(inserted=result.inserted, updated=result.updated, deleted=result.deleted, total=result.total),
        seconds=seconds,
    )


def _compare_counts(where: str, outcomes: list[LookOutcome], dataset: str, expected: Counts) -> None:
    for outcome in outcomes:
        counted = outcome.datasets[dataset]
        if counted != expected:
            raise StateError(f"{where}: the batch counted {_text(counted)}, the source's changes are {_text(expected)}")


def _text(counts: Counts) -> str:
    return f"+{counts.inserted} ~{counts.updated} -{counts.deleted} of {counts.total} rows"
