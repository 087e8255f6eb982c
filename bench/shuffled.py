"""A source whose rows lie in another order than in the merge table: what a look costs then."""

from typing import Final

from psycopg2 import sql

from bench import findings, floor, ground, made_up_rows, ours, right_or_wrong, shapes, source_data, statements, targets
from bench.arena import Arena
from bench.cost import Cost
from bench.findings import Findings, Goal
from bench.history import LANDSCAPE
from bench.options import Kind, Options

NAME: Final = "shuffled"
_QUERIES: Final = statements.load("experiments.sql")
_ROUNDS: Final = 3


def goals() -> dict[str, Goal]:
    """What a shuffled source may cost, by kind, and its memory."""
    ratios = {kind: Goal(name=f"{kind}, source shuffled ÷ ordered, nochange", limit=2.0) for kind in Kind}
    return ratios | {"memory": Goal(name="source shuffled, peak memory of the job", limit=256, unit=" MiB", worst=True)}


def measured(options: Options) -> Findings:
    """Look at the same rows in order and out of order, by turns."""
    with ground.opened(LANDSCAPE) as place:
        with place.admin(place.source_database) as session:
            source_data.fill(session, findings.sized(options))
        floor.make_staging(place)
        for kind in Kind:
            ground.run_here(place, kind)
        costs: dict[tuple[Kind, str], list[Cost]] = {}
        peaks = []
        for _ in range(_ROUNDS):
            for order in ("unshuffle", "shuffle"):
                _rewrite(place, order)
                for kind in Kind:
                    costs.setdefault((kind, order), []).append(shapes.look(place, kind))
        peaks = [ours.run(place, kind).reading.tree_bytes / (1 << 20) for kind in Kind]
        floor.run(place)
        wrong = right_or_wrong.problems(place, list(Kind), NAME)
    wanted = goals()
    judged = [
        findings.compared(wanted[kind], options, costs[kind, "shuffle"], costs[kind, "unshuffle"]) for kind in Kind
    ]
    rows = [
        findings.as_row(NAME, spent, kind=kind, order=order, round=number)
        for (kind, order), several in costs.items()
        for number, spent in enumerate(several, start=1)
    ]
    return Findings(
        experiment=NAME,
        targets=[*judged, wanted["memory"].judged(options, targets.spread(peaks))],
        measurements=rows,
        problems=wrong,
    )


def _rewrite(place: Arena, order: str) -> None:
    with place.admin(place.source_database) as session:
        with session.raw.cursor() as cursor:
            for table in source_data.TABLES:
                name = sql.Identifier("public", table)
                for statement in (order, "put_back", "refill", "drop_ordered"):
                    cursor.execute(_QUERIES[statement].format(table=name))
        session.commit()
        session.raw.autocommit = True
        made_up_rows.vacuum(session, [f"public.{table}" for table in source_data.TABLES])
