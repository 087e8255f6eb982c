"""The rounds: databases new, phases in order, the contenders in another order each time, every one of them checked."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final

from psycopg2 import sql

from bench import floor, ours, peers, source_data, statements, verification
from bench.arena import Arena
from bench.meter import Reading
from bench.options import Announce, Kind, Options, Phase
from bench.ours import OurReading
from bench.peers import KNOWN
from bench.records import Measurement
from bench.verification import Copies
from datasurface.yellow.engine.difference.delta import Counts

_QUERIES = statements.load("arena.sql")
_CHECKERS: Final = 2
Contender = str


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """Where a round is. `closed`: versions that ended so far, by contender."""

    arena: Arena
    number: int
    phase: Phase
    expected: Mapping[str, Counts]
    closed: dict[Contender, int] = field(default_factory=dict)

    @property
    def total(self) -> Counts:
        """What was done to all tables."""
        return sum(self.expected.values(), Counts())


def contenders(options: Options) -> Sequence[Contender]:
    """Who runs, in the order in which the results are shown."""
    return [floor.NAME, *options.kinds, *options.peers]


def measured(arena: Arena, options: Options, announce: Announce) -> Iterator[Measurement]:
    """Run everything and yield the measurements, those of a phase as soon as all of it were checked."""
    for number in range(1, options.rounds + 1):
        arena.begin_round()
        peers.forget(arena)
        floor.make_staging(arena)
        closed: dict[Contender, int] = {}
        for phase_number, phase in enumerate(options.phases, start=1):
            with arena.admin(arena.source_database) as session:
                expected = source_data.enter_phase(session, phase, phase_number)
            state = _State(arena=arena, number=number, phase=phase, expected=expected, closed=closed)
            place = f"round {number} of {options.rounds}, {phase.name}"
            readings = {}
            for contender in _order(options, number + phase_number):
                announce(f"{place}: {contender}")
                readings[contender] = _run(arena, contender)
            announce(f"{place}: checking")
            yield from _checked(state, readings)


def _order(options: Options, turn: int) -> Sequence[Contender]:
    """Whoever comes first pays for cold caches: each in turn."""
    everyone = contenders(options)
    start = turn % len(everyone)
    return [*everyone[start:], *everyone[:start]]


def _run(arena: Arena, contender: Contender) -> Reading | OurReading:
    if contender == floor.NAME:
        return floor.run(arena)
    return peers.run(arena, KNOWN[contender]) if contender in KNOWN else ours.run(arena, Kind(contender))


def _checked(state: _State, readings: Mapping[Contender, Reading | OurReading]) -> Iterator[Measurement]:
    """The floor's copy is what all are compared with. Nobody is measured meanwhile, so two are checked at once."""
    with ThreadPoolExecutor(max_workers=_CHECKERS) as pool:
        yield from pool.map(lambda item: _checked_one(state, *item), readings.items())


def _checked_one(state: _State, contender: Contender, reading: Reading | OurReading) -> Measurement:
    if isinstance(reading, OurReading):
        copies = verification.of_ours(state.arena, Kind(contender))
        problems = [*verification.our_problems(reading, state.expected), *_wrong_rows(state, contender, copies)]
        made = _measurement(state, contender, reading.reading)
        return replace(
            made,
            start_seconds=reading.start_seconds,
            vacuum_seconds=reading.vacuum_seconds,
            work_seconds=made.wall_seconds - (reading.vacuum_seconds or 0.0),
            counts=reading.counts,
            problems=tuple(problems),
        )
    if contender == floor.NAME:
        return _measurement(state, contender, reading)
    return _checked_peer(state, contender, reading)


def _checked_peer(state: _State, contender: Contender, reading: Reading) -> Measurement:
    """A peer that fails or is wrong says so in its measurement and stops nobody."""
    if reading.exit_status != 0:
        last = (reading.log.strip().splitlines() or ["no output"])[-1]
        made = _measurement(state, contender, reading)
        return replace(made, is_complete=False, problems=(f"exit status {reading.exit_status}: {last[:200]}",))
    copies = verification.of_peer(state.arena, KNOWN[contender])
    _tidy(state.arena, copies)
    problems = tuple(_wrong_rows(state, contender, copies))
    return replace(_measurement(state, contender, reading), problems=problems)


def _wrong_rows(state: _State, contender: Contender, copies: Copies) -> Iterator[str]:
    """Rows that are not the source's; and every key that changed or left has ended one version, no other has."""
    yield from verification.problems(state.arena, copies, state.expected)
    before, state.closed[contender] = (
        state.closed.get(contender, 0),
        verification.closed_versions(state.arena, copies),
    )
    ended, changed = state.closed[contender] - before, state.total.updated + state.total.deleted
    if copies.has_history and ended != changed:
        yield f"{ended} versions ended, {changed} rows changed or left"


def _tidy(arena: Arena, copies: Copies) -> None:
    with arena.admin(arena.merge_database) as session, session.raw.cursor() as cursor:
        session.raw.autocommit = True
        for _, table in copies.tables:
            cursor.execute(_QUERIES["tidy"].format(table=table))


def _measurement(state: _State, contender: Contender, reading: Reading) -> Measurement:
    return Measurement(
        contender=contender,
        phase=state.phase.name,
        round=state.number,
        rows=state.total.total,
        wall_seconds=reading.wall_seconds,
        work_seconds=reading.wall_seconds,
        start_seconds=0.0,
        vacuum_seconds=None,
        client_cpu_seconds=reading.client_cpu_seconds,
        server_cpu_seconds=reading.server_cpu_seconds,
        other_cpu_seconds=reading.other_cpu_seconds,
        largest_process_bytes=reading.largest_process_bytes,
        tree_bytes=reading.tree_bytes,
        wal_bytes=reading.wal_bytes,
        temp_bytes=reading.temp_bytes,
        table_bytes=_table_bytes(state.arena, contender),
    )


def _table_bytes(arena: Arena, contender: Contender) -> int:
    """Size on disk of what the contender filled; 0 of a peer that did not get that far."""
    if contender == floor.NAME:
        names = [sql.Identifier("public", floor.staging(table)) for table in floor.tables(arena)]
    elif contender in KNOWN:
        names = [table for _, table in verification.of_peer(arena, KNOWN[contender]).tables]
    else:
        names = [table for _, table in verification.of_ours(arena, Kind(contender)).tables]
    with arena.admin(arena.merge_database) as session, session.raw.cursor() as cursor:
        total = 0
        for name in names:
            text = sql.Literal(name.as_string(session.raw))
            cursor.execute(_QUERIES["table_bytes"].format(name=text))
            total += int((cursor.fetchone() or (0,))[0])
    return total
