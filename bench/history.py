"""A long history: what a batch and an unchanged look cost after a hundred batches, against a copy without a past.

Both copies are compared with the same source, by turns. The source keeps its size, so that all that grows is the past.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from psycopg2 import sql

from bench import cost, findings, floor, ground, made_up_rows, right_or_wrong, source_data, statements
from bench.arena import Arena
from bench.cost import Cost
from bench.findings import Findings, Goal
from bench.ground import Column, Landscape
from bench.made_up_rows import key, varchar
from bench.options import Kind, Options
from bench.records import Target
from datasurface.connections import load_connections
from datasurface.yellow.engine.batch import run
from datasurface.yellow.engine.batch.run import RunRequest
from datasurface.yellow.engine.links import Links

NAME: Final = "history"
BATCHES: Final = 100
_SHARE: Final = 0.01
#: How many batches at the end are measured on both copies.
_MEASURED: Final = 5
_FRESH: Final = "datasurface_merge_fresh"
_QUERIES: Final = statements.load("experiments.sql")
_CHANGING: Final = {"customers": "email", "addresses": "city"}
LANDSCAPE: Final = Landscape(
    datasets={
        "customers": [
            key("id", "VarChar:20", "varchar(20)"),
            varchar("firstname"),
            varchar("lastname"),
            Column(name="dob", model_type="Date", sql_type="date"),
            varchar("email"),
            varchar("phone"),
            varchar("primaryaddressid", 20),
            varchar("billingaddressid", 20),
        ],
        "addresses": [
            key("id", "VarChar:20", "varchar(20)"),
            varchar("customerid", 20),
            varchar("streetname"),
            varchar("city"),
            varchar("state"),
            varchar("zipcode", 30),
        ],
    },
    kinds=list(Kind),
)


def goals() -> Mapping[tuple[Kind, str], Goal]:
    """What a look may cost after a hundred batches, by kind and phase."""
    return {
        (kind, phase): Goal(name=f"{kind}, {phase} after {BATCHES} batches of 1% ÷ without a past", limit=1.2)
        for kind in Kind
        for phase in ("nochange", "1%")
    }


def measured(options: Options) -> Findings:
    """Make the history, then look at the same source from it and from a fresh copy, by turns."""
    batches = BATCHES if findings.is_full(options) else BATCHES // 20
    with ground.opened(LANDSCAPE) as place:
        with place.admin(place.source_database) as session:
            source_data.fill(session, findings.sized(options))
        _copy_merge(place)
        rows = list(_past(place, batches))
        for kind in Kind:
            _look(place, _FRESH, kind)
        for database in (place.merge_database, _FRESH):
            made_up_rows.vacuum_as_autovacuum(place, database)
        costs = _by_turns(place, batches)
        floor.make_staging(place)
        floor.run(place)
        wrong = right_or_wrong.problems(place, list(Kind), NAME)
    rows += [
        findings.as_row(NAME, spent, kind=kind, phase=phase, copy=copy, round=number)
        for (kind, phase, copy), several in costs.items()
        for number, spent in enumerate(several, start=1)
    ]
    return Findings(
        experiment=NAME,
        targets=list(_judged(options, batches, costs)),
        measurements=rows,
        problems=wrong,
    )


_Costs = dict[tuple[Kind, str, str], list[Cost]]


def _judged(options: Options, batches: int, costs: _Costs) -> Iterator[Target]:
    for (kind, phase), goal in goals().items():
        old, fresh = costs[kind, phase, "old"], costs[kind, phase, "fresh"]
        if batches == BATCHES:
            yield findings.compared(goal, options, old, fresh)
        else:
            yield goal.judged(options, None, reason=f"need {BATCHES} batches")


def _past(place: Arena, batches: int) -> Iterator[Mapping[str, Any]]:
    """The first load and the batches, each with what it cost and how large the tables are then."""
    for number in range(batches + 1):
        if number:
            made_up_rows.change(place, LANDSCAPE, _CHANGING, number, _SHARE)
            made_up_rows.vacuum_as_autovacuum(place, place.source_database)
        spent = {kind: _look(place, place.merge_database, kind) for kind in Kind}
        made_up_rows.vacuum_as_autovacuum(place, place.merge_database)
        for kind, each in spent.items():
            yield findings.as_row(NAME, each, kind=kind, phase="past", batch=number, **_sizes(place, kind))


def _by_turns(place: Arena, batches: int) -> _Costs:
    costs: _Costs = {}
    copies = {"old": place.merge_database, "fresh": _FRESH}
    for number in range(1, _MEASURED + 1):
        order = list(copies.items()) if number % 2 else list(copies.items())[::-1]
        for phase in ("1%", "nochange"):
            if phase == "1%":
                made_up_rows.change(place, LANDSCAPE, _CHANGING, batches + number, _SHARE)
            for kind in Kind:
                for copy, database in order:
                    costs.setdefault((kind, phase, copy), []).append(_look(place, database, kind))
    return costs


def _look(place: Arena, database: str, kind: Kind) -> Cost:
    stream = place.stream(kind.platform)
    request = RunRequest(platform=stream.platform, store=stream.store, budget_seconds=0)
    links = _links(place, database)
    made_up_rows.touch(place)
    return cost.of_call(place, lambda: run.run(request, links, lambda _plan, _outcome: None))


def _links(place: Arena, database: str) -> Links:
    """The job's connections with another merge database."""
    path = place.installation.connections_path
    document = json.loads(path.read_text(encoding="utf-8"))
    document["merge"]["database"] = database
    other = path.with_name(f"connections-{database}.json")
    other.write_text(json.dumps(document), encoding="utf-8")
    return Links(load_connections(other))


def _copy_merge(place: Arena) -> None:
    with place.admin() as session, session.raw.cursor() as cursor:
        places = {"name": sql.Identifier(_FRESH), "template": sql.Identifier(place.merge_database)}
        cursor.execute(_QUERIES["copy_merge"].format(**places))
        cursor.execute(_QUERIES["copy_rights"], {"name": _FRESH, "template": place.merge_database})


def _sizes(place: Arena, kind: Kind) -> Mapping[str, int]:
    total = {"table_bytes": 0, "index_bytes": 0, "open_rows": 0, "closed_rows": 0}
    is_open = "true" if kind is Kind.LIVE else "ds_surf_batch_out = 2147483647"
    with place.admin(place.merge_database) as session, session.raw.cursor() as cursor:
        for table in place.stream(kind.platform).tables:
            name = sql.Identifier("public", table.merge_table)
            text_of_name = sql.Literal(name.as_string(session.raw))
            cursor.execute(_QUERIES["sizes"].format(name=text_of_name, merge=name, is_open=sql.SQL(is_open)))
            for key_of_total, value in zip(total, cursor.fetchone() or (), strict=True):
                total[key_of_total] += int(value)
    return total
