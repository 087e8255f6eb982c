"""What a look that finds nothing writes into the server's log: the update of its counter, and nothing besides."""

import functools
from typing import Final

from psycopg2 import sql
from psycopg2.extras import Json

from bench import cost, findings, floor, ground, right_or_wrong, shapes, source_data, statements, targets
from bench.arena import Arena
from bench.findings import Findings, Goal
from bench.history import LANDSCAPE
from bench.options import Kind, Options

NAME: Final = "no-change-log"
_QUERIES: Final = statements.load("experiments.sql")
_ROUNDS: Final = 5


def goals() -> dict[str, Goal]:
    """Bytes of write-ahead log: the counter's row also holds the run's result and what the source's server said."""
    return {kind: Goal(name=f"{kind}, WAL of no change beyond checked_at", limit=512, unit=" bytes") for kind in Kind}


def measured(options: Options) -> Findings:
    """Look at an unchanged source, and update the counter's row by hand, by turns."""
    with ground.opened(LANDSCAPE) as place:
        with place.admin(place.source_database) as session:
            source_data.fill(session, findings.sized(options))
        for kind in (*Kind, *Kind):
            ground.run_here(place, kind)
        judged, rows = [], []
        for kind, goal in goals().items():
            looks, updates = [], []
            for number in range(_ROUNDS):
                spent = shapes.look(place, Kind(kind))
                looks.append(spent.wal_bytes)
                updates.append(cost.of_call(place, functools.partial(_update_counter, place, Kind(kind))).wal_bytes)
                rows.append(findings.as_row(NAME, spent, kind=kind, round=number, update_bytes=updates[-1]))
            beyond = targets.spread([look - update for look, update in zip(looks, updates, strict=True)])
            judged.append(goal.judged(options, beyond))
        floor.make_staging(place)
        floor.run(place)
        wrong = right_or_wrong.problems(place, list(Kind), NAME)
    return Findings(experiment=NAME, targets=judged, measurements=rows, problems=wrong)


def _update_counter(place: Arena, kind: Kind) -> None:
    """What a look has to write: the counter's row as it is, at another time."""
    stream = place.stream(kind.platform)
    counter = sql.Identifier("public", stream.control.batch_counter)
    with place.admin(place.merge_database) as session, session.raw.cursor() as cursor:
        cursor.execute(_QUERIES["read_counter"].format(counter=counter), {"key": stream.stream_key})
        run_id, result = cursor.fetchone() or (None, None)
        session.commit()
        parameters = {"key": stream.stream_key, "run_id": run_id, "result": Json(result)}
        cursor.execute(_QUERIES["update_counter"].format(counter=counter), parameters)
        session.commit()
