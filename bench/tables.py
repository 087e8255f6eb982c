"""The results on a terminal, at most 100 columns wide."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from bench import floor, targets
from bench.options import Kind, Options
from bench.records import Measurement, Spread, Target, Verdict

WIDTH: Final = 100
_MEBIBYTE: Final = 1 << 20
_MEGABYTE: Final = 1_000_000
_TIMES: Final = ("phase", "contender", "wall s", "of it start", "vacuum", "k rows/s", "÷ COPY|COPY", "right")
_COSTS: Final = ("phase", "contender", "MiB", "WAL MB", "temp MB", "client CPU s", "server CPU s", "on disk MB")


def show(options: Options, measurements: Sequence[Measurement], judged: Sequence[Target]) -> None:
    """Print times and costs by phase, then the targets that say something."""
    console = Console(width=WIDTH, highlight=False)
    rows = f"{options.customers:,} customers, {options.addresses:,} addresses"
    console.print(f"{rows}; {options.rounds} rounds; median [range]; the ratio is without the vacuum", markup=False)
    console.print()
    console.print(_by_phase(_TIMES, options, measurements, _times))
    console.print()
    console.print(_by_phase(_COSTS, options, measurements, _costs))
    console.print()
    console.print(_targets(judged))
    noise = targets.floor_noise(measurements)
    if noise > targets.NOISY:
        console.print(f"COPY|COPY spreads {noise:.2f} × between rounds: targets are judged by CPU, not by wall time")
    for line in _problems(measurements):
        console.print(line, markup=False)


_Cells = Callable[[Sequence[Measurement], Sequence[Measurement]], Iterator[str]]


def _by_phase(header: Sequence[str], options: Options, measurements: Sequence[Measurement], cells: _Cells) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in header:
        table.add_column(name, justify="left" if name in ("phase", "contender", "right") else "right", no_wrap=True)
    for phase in options.phases:
        for contender in (floor.NAME, *options.kinds):
            own = [each for each in measurements if (each.phase, each.contender) == (phase.name, contender)]
            if own:
                table.add_row(phase.name, contender, *cells(own, measurements))
    return table


def _times(own: Sequence[Measurement], measurements: Sequence[Measurement]) -> Iterator[str]:
    is_floor = own[0].contender == floor.NAME
    yield _ranged(_spread(own, lambda each: each.wall_seconds))
    yield "" if is_floor else f"{_spread(own, lambda each: each.start_seconds).median:.2f}"
    yield "" if is_floor else f"{_spread(own, lambda each: each.vacuum_seconds or 0.0).median:.2f}"
    yield f"{_spread(own, lambda each: each.rows / each.work_seconds / 1000).median:,.0f}"
    ratio = None if is_floor else targets.ratios(measurements, Kind(own[0].contender), own[0].phase)
    yield "" if ratio is None else _ranged(ratio)
    yield "" if is_floor else "NO" if any(each.problems for each in own) else "yes"


def _costs(own: Sequence[Measurement], _: Sequence[Measurement]) -> Iterator[str]:
    yield f"{_spread(own, lambda each: each.tree_bytes / _MEBIBYTE).most:,.0f}"
    yield f"{_spread(own, lambda each: each.wal_bytes / _MEGABYTE).median:,.1f}"
    yield f"{_spread(own, lambda each: each.temp_bytes / _MEGABYTE).median:,.1f}"
    yield f"{_spread(own, lambda each: each.client_cpu_seconds).median:,.2f}"
    is_known = all(each.server_cpu_seconds is not None for each in own)
    yield f"{_spread(own, lambda each: each.server_cpu_seconds or 0.0).median:,.2f}" if is_known else "–"
    yield f"{_spread(own, lambda each: each.table_bytes / _MEGABYTE).median:,.1f}"


def _targets(judged: Sequence[Target]) -> Table:
    """The targets for which something was measured; why the others say nothing stands below."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), caption_justify="left")
    for name in ("target", "limit", "measured", "verdict"):
        table.add_column(name, no_wrap=True)
    measured = [target for target in judged if target.measured is not None]
    for target in measured:
        table.add_row(target.name, target.limit, _value(target), target.verdict)
    reasons = Counter(target.reason for target in judged if target.verdict is Verdict.NOT_SHOWN)
    table.caption = "\n".join(f"not shown: {count} {reason}" for reason, count in reasons.items())
    return table


def _value(target: Target) -> str:
    least, most = target.range or (target.measured, target.measured)
    return f"{target.measured:.2f} [{least:.2f}–{most:.2f}]"


def _spread(own: Sequence[Measurement], value: Callable[[Measurement], float]) -> Spread:
    values = [value(each) for each in own]
    return Spread(median=statistics.median(values), least=min(values), most=max(values))


def _problems(measurements: Sequence[Measurement]) -> Iterator[str]:
    for each in measurements:
        for problem in each.problems:
            yield f"WRONG {each.contender}, {each.phase}, round {each.round}: {problem}"


def _ranged(spread: Spread) -> str:
    return f"{spread.median:.2f} [{spread.least:.2f}–{spread.most:.2f}]"
