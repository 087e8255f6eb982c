"""A look that needs to read no table: the source's server says that nothing was written since the last comparison.

docs/design/20261121-cheap-look.md says why that is exact, and where every row is compared all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from datasurface.yellow.engine.batch.batch_state import DatasetState
from datasurface.yellow.engine.batch.batches import Mark, StreamHistory
from datasurface.yellow.engine.batch.looking import Looking, Snapshot
from datasurface.yellow.engine.connect import CANONICAL_SETTINGS
from datasurface.yellow.engine.source import server_state, signs
from datasurface.yellow.engine.source.readings import Reading
from datasurface.yellow.engine.source.signs import ServerState, Sign

NOTHING_WRITTEN: Final = "nothing was written to the source's server since the last comparison: no table was read"
SIGN_LIED: Final = (
    "the source had changed although its server's sign said that nothing was written; from now on every look of this "
    "stream compares every row. Say what kind of server it is"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a look began, by the merge database's clock, and where its merge tables lay then."""

    at: datetime
    places: str


def moment(looking: Looking) -> Moment:
    """The moment before a look reads anything; leaves the merge session outside of a transaction."""
    tables = [table.merge_table for table in looking.stream.tables]
    at, places = server_state.clock_and_places(looking.merge, looking.links.schema, tables)
    looking.merge.rollback()
    return Moment(at=at, places=places)


def is_full_comparison_due(history: StreamHistory, now: datetime, hours: int) -> bool:
    """Whether rows and checksums have to be computed anew: the last time is too long ago, unknown or in the future.

    A counter that has no room for the time of the last one never asks for it.
    """
    if not history.keeps_marks:
        return False
    last = history.compared_in_full_at
    return last is None or not now - timedelta(hours=hours) < last <= now


def still_equal(looking: Looking, history: StreamHistory, moment: Moment) -> Mark | None:
    """What to keep of a look to whose source nothing was written since the last one; None: compare the rows.

    Reads no table. Both sessions are outside of a transaction before and after.
    """
    stored = history.sign
    if looking.in_full or stored is None or history.committed is None or history.unfinished is not None:
        return None
    looking.source.begin_snapshot()
    state = server_state.read(looking.source)
    now = None if state is None else _sign(looking, state, moment)
    mark = _mark(looking, now) if now is not None and signs.repeats(stored, now) else None
    looking.source.rollback()
    return mark


def marked(
    looking: Looking, history: StreamHistory, moment: Moment, found: Snapshot, readings: Sequence[Reading]
) -> Snapshot:
    """The same snapshot, which is still open, with what its server said in it; `readings` are how it is read."""
    state = server_state.read(looking.source)
    now = None if state is None else _sign(looking, state, moment)
    if state is None or now is None or signs.is_distrusted(history.sign, state):
        kept = history.sign if history.sign is not None and history.sign.lied_at is not None else None
        return replace(found, mark=Mark(sign=kept))
    if looking.stream.full_comparison_hours == 0 or not server_state.can_be_told(
        looking.source, looking.stream, readings
    ):
        return replace(found, mark=Mark(sign=None))
    return replace(found, mark=_mark(looking, now), repeats_sign=signs.repeats(history.sign, now))


def has_lied(looking: Looking, history: StreamHistory, found: Snapshot, states: Mapping[str, DatasetState]) -> bool:
    """Whether a full comparison found that the source changed under an equal sign; `states` are of its snapshot.

    A change of the merge table alone is a stranger's: then the source still has the checksums that were recorded.
    """
    if history.committed is None or not (looking.in_full and found.repeats_sign):
        return False
    recorded = history.committed.state.datasets
    return any(recorded.get(name) != state for name, state in states.items())


def with_lie(found: Snapshot) -> Snapshot:
    """The same snapshot with a mark that no later look trusts."""
    if found.mark is None or found.mark.sign is None:
        return found
    return replace(found, mark=Mark(sign=replace(found.mark.sign, lied_at=found.taken_at.isoformat())))


def _sign(looking: Looking, state: ServerState, moment: Moment) -> Sign:
    settings = repr(sorted(CANONICAL_SETTINGS.items()))
    parts = (str(looking.source.endpoint), looking.source.username, settings, moment.places)
    return Sign(subject=signs.subject(looking.stream, *parts), server=state)


def _mark(looking: Looking, sign: Sign) -> Mark:
    """Has the sign remember the transaction that will record it, if that is one of the source's own cluster."""
    own = server_state.read(looking.merge)
    looking.merge.rollback()
    return Mark(sign=sign, names_recorder=own is not None and signs.are_neighbours(sign.server, own))
