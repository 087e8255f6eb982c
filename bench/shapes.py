"""Other shapes of rows than the rounds have: a hundred columns, a kilobyte, a key of many columns, another order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg2 import sql

from bench import cost, findings, floor, ground, made_up_rows, ours, right_or_wrong, statements, targets
from bench.arena import Arena
from bench.cost import Cost
from bench.findings import Findings, Goal
from bench.ground import Column, Landscape
from bench.made_up_rows import key, varchar
from bench.options import Kind, Options
from datasurface.errors import ModelError

_QUERIES: Final = statements.load("experiments.sql")
_ROUNDS: Final = 3
_MEBIBYTE: Final = 1 << 20
_WIDTH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A table of made-up rows. `filling` is the statement that fills it, `share` its rows by those of an experiment."""

    name: str
    columns: Sequence[Column]
    filling: str
    changing: str
    kinds: Sequence[Kind] = tuple(Kind)
    share: float = 1.0

    @property
    def landscape(self) -> Landscape:
        """One dataset, named `rows`."""
        return Landscape(datasets={"rows": self.columns}, kinds=self.kinds)


WIDE: Final = Shape(
    name="wide-rows",
    columns=[key("id", "VarChar:20", "varchar(20)"), *(varchar(f"c{n:03}", 40) for n in range(1, _WIDTH))],
    filling="fill_wide",
    changing="c050",
)
LONG: Final = Shape(
    name="long-rows",
    columns=[
        key("id", "VarChar:20", "varchar(20)"),
        varchar("title"),
        Column(name="body", model_type="Text", sql_type="text"),
    ],
    filling="fill_long",
    changing="title",
)
FLIGHTS: Final = Shape(
    name="composite-key",
    columns=[
        key("id", "VarChar:20", "varchar(20)"),
        key("year", "Integer", "integer"),
        key("month", "Integer", "integer"),
        key("day", "Integer", "integer"),
        key("carrier", "VarChar:2", "varchar(2)"),
        key("flight", "Integer", "integer"),
        key("origin", "VarChar:3", "varchar(3)"),
        Column(name="dep_delay", model_type="Decimal:6,2", sql_type="numeric(6,2)"),
        varchar("tailnum", 60),
        Column(name="distance", model_type="Integer:", sql_type="integer"),
    ],
    filling="fill_flights",
    changing="tailnum",
    share=3.0,
)


def goals(shape: Shape) -> Mapping[str, Goal]:
    """Targets of a shape, by kind and phase, and of its memory."""
    names = {Kind.LIVE: (1.5, 1.9), Kind.FORENSIC: (1.5, 1.9)}
    made = {"memory": Goal(name=f"{shape.name}, peak memory of the job", limit=256, unit=" MiB", worst=True)}
    for kind in shape.kinds:
        for phase, limit in zip(("nochange", "1%"), names[kind], strict=True):
            made[f"{kind} {phase}"] = Goal(name=f"{shape.name}, {kind} ÷ {floor.NAME}, {phase}", limit=limit)
    return made


def measured(shape: Shape, options: Options) -> Findings:
    """Load the shape, look at it unchanged and with 1 % changed, each time beside COPY|COPY, and check it."""
    rows = round(findings.size(options) * shape.share)
    with ground.opened(shape.landscape) as place:
        fill(place, shape, rows)
        floor.make_staging(place)
        loads = [ours.run(place, kind).reading for kind in shape.kinds]
        costs: dict[str, list[Cost]] = {}
        for number in range(1, _ROUNDS + 1):
            for phase in ("nochange", "1%"):
                if phase == "1%":
                    made_up_rows.change(place, shape.landscape, {"rows": shape.changing}, number, 0.01)
                _one_round(place, shape, phase, number, costs)
        loads += [ours.run(place, kind).reading for kind in shape.kinds]
        wrong = list(right_or_wrong.problems(place, shape.kinds, shape.name))
    wanted = goals(shape)
    peaks = targets.spread([reading.tree_bytes / _MEBIBYTE for reading in loads])
    wrong += [f"{shape.name}: exit status {each.exit_status}" for each in loads if each.exit_status]
    return Findings(
        experiment=shape.name,
        targets=[
            *(
                findings.compared(wanted[f"{kind} {phase}"], options, costs[f"{kind} {phase}"], costs[f"floor {phase}"])
                for kind in shape.kinds
                for phase in ("nochange", "1%")
            ),
            wanted["memory"].judged(options, peaks),
        ],
        measurements=_rows_of(shape.name, rows, costs),
        problems=wrong,
    )


def _one_round(place: Arena, shape: Shape, phase: str, number: int, costs: dict[str, list[Cost]]) -> None:
    """The floor and each kind, in another order each time."""
    contenders = ["floor", *shape.kinds]
    turn = number % len(contenders)
    for contender in contenders[turn:] + contenders[:turn]:
        spent = copied(place) if contender == "floor" else look(place, Kind(contender))
        costs.setdefault(f"{contender} {phase}", []).append(spent)


def look(place: Arena, kind: Kind) -> Cost:
    """One look in this process that has to compare."""
    made_up_rows.touch(place)
    return cost.of_call(place, lambda: ground.run_here(place, kind))


def copied(place: Arena) -> Cost:
    """What COPY|COPY of the same rows costs."""
    reading = floor.run(place)
    return Cost(
        wall_seconds=reading.wall_seconds,
        cpu_seconds=reading.client_cpu_seconds + (reading.server_cpu_seconds or 0.0),
        wal_bytes=reading.wal_bytes,
    )


def fill(place: Arena, shape: Shape, rows: int) -> None:
    """Fill the source's table, and commit."""
    values = sql.SQL(", ").join(_QUERIES["wide_value"].format(n=sql.Literal(n)) for n in range(1, len(shape.columns)))
    with place.admin(place.source_database) as session, session.raw.cursor() as cursor:
        table = sql.Identifier("public", "rows")
        cursor.execute(_QUERIES[shape.filling].format(table=table, values=values), {"rows": rows})
        if cursor.rowcount != rows:
            raise ModelError(f"{shape.name}: {cursor.rowcount} rows were made, not {rows}")
        session.commit()
        session.raw.autocommit = True
        made_up_rows.vacuum(session, ["public.rows"])


def _rows_of(experiment: str, rows: int, costs: Mapping[str, Sequence[Cost]]) -> Sequence[Mapping[str, Any]]:
    return [
        findings.as_row(experiment, spent, contender=name.split()[0], phase=name.split()[1], round=number, rows=rows)
        for name, several in costs.items()
        for number, spent in enumerate(several, start=1)
    ]
