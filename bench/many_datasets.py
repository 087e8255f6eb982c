"""Thousands of small datasets in one stream: a look of all of them in one snapshot, without and with a change."""

from typing import Any, Final

from psycopg2 import sql

from bench import findings, ground, ours, shapes, statements, targets
from bench.arena import Arena
from bench.findings import Findings, Goal
from bench.ground import Column, Landscape
from bench.made_up_rows import key, varchar
from bench.options import Kind, Options

NAME: Final = "many-datasets"
_QUERIES: Final = statements.load("experiments.sql")
_DATASETS: Final = 5_000
_ROWS: Final = 50
_CHANGED: Final = 10
_ROUNDS: Final = 3


def goals() -> dict[str, Goal]:
    """What the job of so many datasets may take."""
    return {
        "memory": Goal(name=f"{_DATASETS:,} datasets, peak memory of the job", limit=256, unit=" MiB", worst=True),
        "nochange": Goal(name=f"{_DATASETS:,} datasets, CPU of a look per dataset", limit=2.0, unit=" ms"),
        "changed": Goal(name=f"{_DATASETS:,} datasets, {_CHANGED} changed, CPU per dataset", limit=2.5, unit=" ms"),
    }


def measured(options: Options) -> Findings:
    """Load them, look at them unchanged, change some and look again."""
    count = _DATASETS if findings.is_full(options) else _DATASETS // 50
    columns = [
        key("id", "Integer", "integer"),
        varchar("name", 50),
        Column(name="amount", model_type="Decimal:12,2", sql_type="numeric(12,2)"),
    ]
    names = [f"small_{number:04}" for number in range(count)]
    landscape = Landscape(datasets=dict.fromkeys(names, columns), kinds=[Kind.LIVE])
    with ground.opened(landscape) as place:
        _execute(place, names, "fill_small", rows=_ROWS)
        loaded = ours.run(place, Kind.LIVE)
        unchanged = [shapes.look(place, Kind.LIVE) for _ in range(_ROUNDS)]
        changed = []
        for number in range(_ROUNDS):
            _execute(place, names[:: max(1, count // _CHANGED)][:_CHANGED], "change_small", step=number)
            changed.append(shapes.look(place, Kind.LIVE))
        last = ours.run(place, Kind.LIVE)
        wrong = [f"{NAME}: {each.result.message}" for each in (loaded, last) if each.reading.exit_status]
        wrong += _wrong_rows(place)
    wanted = goals()
    peaks = targets.spread([each.reading.tree_bytes / (1 << 20) for each in (loaded, last)])
    return Findings(
        experiment=NAME,
        targets=[
            wanted["memory"].judged(options, peaks),
            wanted["nochange"].judged(options, targets.spread([each.cpu_seconds / count * 1000 for each in unchanged])),
            wanted["changed"].judged(options, targets.spread([each.cpu_seconds / count * 1000 for each in changed])),
        ],
        measurements=[
            findings.as_row(NAME, spent, phase=phase, datasets=count, round=number)
            for phase, several in (("nochange", unchanged), (f"{_CHANGED} changed", changed))
            for number, spent in enumerate(several, start=1)
        ],
        problems=wrong,
    )


def _execute(place: Arena, names: list[str], statement: str, **parameters: Any) -> None:
    """Run a statement for each table, a hundred per transaction: each takes locks."""
    with place.admin(place.source_database) as session, session.raw.cursor() as cursor:
        for number, name in enumerate(names, start=1):
            cursor.execute(_QUERIES[statement].format(table=sql.Identifier("public", name)), parameters)
            if number % 100 == 0:
                session.commit()
        session.commit()


def _wrong_rows(place: Arena) -> list[str]:
    """Tables whose rows differ from the source's, by the sum of all hashes of each."""
    tables = place.stream(Kind.LIVE.platform).tables
    sums = []
    for database, names in (
        (place.source_database, [table.source_table for table in tables]),
        (place.merge_database, [table.merge_table for table in tables]),
    ):
        found = []
        with place.admin(database) as session, session.raw.cursor() as cursor:
            for number, name in enumerate(names, start=1):
                cursor.execute(_QUERIES["sum_small"].format(table=sql.Identifier("public", name)))
                found.append(cursor.fetchone())
                if number % 100 == 0:
                    session.rollback()
        sums.append(found)
    wrong = sum(source != merge for source, merge in zip(*sums, strict=True))
    return [f"{NAME}: {wrong} datasets differ from their source"] if wrong else []
