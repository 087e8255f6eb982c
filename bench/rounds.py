"""The rounds: databases new, phases in order, the contenders in another order each time, every one of them checked."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from psycopg2 import sql

from bench import floor, ours, source_data, statements, verification
from bench.arena import Arena
from bench.meter import Reading
from bench.options import Kind, Options, Phase
from bench.ours import OurReading
from bench.records import Measurement
from datasurface.yellow.engine.difference.delta import Counts

_QUERIES = statements.load("arena.sql")
Contender = str
#: Told what is measured next.
Announce = Callable[[str], None]


def measured(arena: Arena, options: Options, announce: Announce) -> Iterator[Measurement]:
    """Run everything and yield the measurements, those of a phase as soon as all of it were checked."""
    for number in range(1, options.rounds + 1):
        arena.begin_round()
        floor.make_staging(arena)
        closed = dict.fromkeys(options.kinds, 0)
        for phase_number, phase in enumerate(options.phases, start=1):
            with arena.admin(arena.source_database) as session:
                expected = source_data.enter_phase(session, phase, phase_number)
            contenders = _order(options, number + phase_number)
            announce(f"round {number} of {options.rounds}, {phase.name}: {', '.join(contenders)}")
            yield from _phase(arena, contenders, expected, closed, (phase, number))


def _order(options: Options, turn: int) -> list[Contender]:
    """Whoever comes first pays for cold caches: each in turn."""
    contenders = [floor.NAME, *options.kinds]
    start = turn % len(contenders)
    return contenders[start:] + contenders[:start]


def _phase(
    arena: Arena,
    contenders: list[Contender],
    expected: Mapping[str, Counts],
    closed: dict[Kind, int],
    place: tuple[Phase, int],
) -> Iterator[Measurement]:
    """Run the contenders, then check them: the floor's copy is what the others are compared with."""
    readings: dict[Contender, Reading | OurReading] = {
        contender: floor.run(arena) if contender == floor.NAME else ours.run(arena, Kind(contender))
        for contender in contenders
    }
    for contender, reading in readings.items():
        if isinstance(reading, OurReading):
            problems = [*verification.problems(arena, Kind(contender), reading, expected)]
            problems += _wrong_history(arena, Kind(contender), expected, closed)
            made = _measurement(arena, contender, place, expected, reading.reading)
            yield replace(
                made,
                start_seconds=reading.start_seconds,
                vacuum_seconds=reading.vacuum_seconds,
                work_seconds=made.wall_seconds - (reading.vacuum_seconds or 0.0),
                counts=reading.counts,
                problems=tuple(problems),
            )
        else:
            yield _measurement(arena, contender, place, expected, reading)


def _wrong_history(arena: Arena, kind: Kind, expected: Mapping[str, Counts], closed: dict[Kind, int]) -> Iterator[str]:
    """Every key that changed or left has ended one version, and no other has."""
    total = sum(expected.values(), Counts())
    before, closed[kind] = closed[kind], verification.closed_versions(arena, kind)
    ended = closed[kind] - before
    if kind is Kind.FORENSIC and ended != total.updated + total.deleted:
        yield f"{ended} versions ended, {total.updated + total.deleted} rows changed or left"


def _measurement(
    arena: Arena, contender: Contender, place: tuple[Phase, int], expected: Mapping[str, Counts], reading: Reading
) -> Measurement:
    phase, number = place
    return Measurement(
        contender=contender,
        phase=phase.name,
        round=number,
        rows=sum(counts.total for counts in expected.values()),
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
        table_bytes=_table_bytes(arena, contender),
    )


def _table_bytes(arena: Arena, contender: Contender) -> int:
    """Size on disk of what the contender filled."""
    if contender == floor.NAME:
        names = [floor.staging(table) for table in floor.tables(arena)]
    else:
        names = [table.merge_table for table in arena.stream(Kind(contender).platform).tables]
    with arena.admin(arena.merge_database) as session, session.raw.cursor() as cursor:
        total = 0
        for name in names:
            text = sql.Identifier("public", name).as_string(session.raw)
            cursor.execute(_QUERIES["table_bytes"].format(name=sql.Literal(text)))
            total += int((cursor.fetchone() or (0,))[0])
    return total
