"""The results on a terminal, at most 100 columns wide."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from bench import floor, rounds, targets
from bench.findings import Findings
from bench.options import Options
from bench.peers import KNOWN, Availability
from bench.records import Measurement, Spread, Target, Verdict

WIDTH: Final = 100
_MEBIBYTE: Final = 1 << 20
_MEGABYTE: Final = 1_000_000
_TIMES: Final = ("phase", "contender", "wall s", "start", "vacuum", "k rows/s", "÷ COPY|COPY", "÷ ours", "right")
_COSTS: Final = (
    "phase", "contender", "largest", "tree MiB", "WAL MB", "temp MB", "CPU s client", "server", "others", "disk MB",
)  # fmt: skip
_LEFT: Final = ("phase", "contender", "right")
_MOST_PROBLEMS: Final = 12


def show(
    options: Options, measurements: Sequence[Measurement], findings: Sequence[Findings], judged: Sequence[Target]
) -> None:
    """Print times and costs by phase, then the targets that say something, then what is wrong."""
    console = Console(width=WIDTH, highlight=False)
    rows = f"{options.customers:,} customers, {options.addresses:,} addresses"
    console.print(f"{rows}; {options.rounds} rounds; median [range]; ratios are without our vacuum", markup=False)
    console.print()
    console.print(_by_phase(_TIMES, options, measurements, _times))
    console.print()
    console.print(_by_phase(_COSTS, options, measurements, _costs))
    console.print()
    console.print(_targets(judged))
    for verdict, count in Counter(target.verdict for target in judged).items():
        console.print(f"{count} targets {verdict}")
    noise = targets.floor_noise(measurements)
    if noise > targets.NOISY:
        console.print(f"COPY|COPY spreads {noise:.2f} × between rounds: targets are judged by CPU, not by wall time")
    problems = [*_problems(measurements), *_findings(findings)]
    for line in problems[:_MOST_PROBLEMS]:
        console.print(line, markup=False)
    if len(problems) > _MOST_PROBLEMS:
        console.print(f"… and {len(problems) - _MOST_PROBLEMS} more, which the results hold")


def show_peers(found: Availability) -> None:
    """Say which peers ran, and which are not here."""
    console = Console(width=WIDTH, highlight=False)
    ran = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    console.print(f"peers: {ran or found.reason}", markup=False)
    for name, where in found.others.items():
        console.print(f"peers: {name}: {where}{'' if where == 'absent' else ', not run here'}", markup=False)


_Cells = Callable[[Sequence[Measurement], Sequence[Measurement]], Iterator[str]]


def _by_phase(header: Sequence[str], options: Options, measurements: Sequence[Measurement], cells: _Cells) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in header:
        table.add_column(name, justify="left" if name in _LEFT else "right", no_wrap=True)
    for phase in options.phases:
        for contender in rounds.contenders(options):
            own = [each for each in measurements if (each.phase, each.contender) == (phase.name, contender)]
            if any(each.is_complete for each in own):
                table.add_row(phase.name, contender, *cells(own, measurements))
            elif own:
                table.add_row(phase.name, contender, *["–"] * (len(header) - 3), "failed")
    return table


def _times(own: Sequence[Measurement], measurements: Sequence[Measurement]) -> Iterator[str]:
    contender, phase = own[0].contender, own[0].phase
    is_ours = contender not in KNOWN and contender != floor.NAME
    yield _ranged(_spread(own, lambda each: each.wall_seconds))
    yield f"{_spread(own, lambda each: each.start_seconds).median:.2f}" if is_ours else ""
    yield f"{_spread(own, lambda each: each.vacuum_seconds or 0.0).median:.2f}" if is_ours else ""
    yield f"{_spread(own, lambda each: each.rows / each.work_seconds / 1000).median:,.0f}"
    to_floor = None if contender == floor.NAME else targets.ratios(measurements, contender, floor.NAME, phase)
    yield "" if to_floor is None else _ranged(to_floor)
    to_ours = targets.ratios(measurements, contender, KNOWN[contender].kind, phase) if contender in KNOWN else None
    yield "" if to_ours is None else f"{to_ours.median:.2f}"
    yield "" if contender == floor.NAME else "NO" if any(each.problems for each in own) else "yes"


def _costs(own: Sequence[Measurement], _: Sequence[Measurement]) -> Iterator[str]:
    yield f"{_spread(own, lambda each: each.largest_process_bytes / _MEBIBYTE).most:,.0f}"
    yield f"{_spread(own, lambda each: each.tree_bytes / _MEBIBYTE).most:,.0f}"
    yield f"{_spread(own, lambda each: each.wal_bytes / _MEGABYTE).median:,.1f}"
    yield f"{_spread(own, lambda each: each.temp_bytes / _MEGABYTE).median:,.1f}"
    yield f"{_spread(own, lambda each: each.client_cpu_seconds).median:,.2f}"
    is_known = all(each.server_cpu_seconds is not None for each in own)
    yield f"{_spread(own, lambda each: each.server_cpu_seconds or 0.0).median:,.2f}" if is_known else "–"
    yield f"{_spread(own, lambda each: each.other_cpu_seconds or 0.0).median:,.2f}" if is_known else "–"
    yield f"{_spread(own, lambda each: each.table_bytes / _MEGABYTE).median:,.1f}"


def _targets(judged: Sequence[Target]) -> Table:
    """The targets for which something was measured; why the others say nothing stands below."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), caption_justify="left")
    for name in ("target", "limit", "measured", "verdict"):
        table.add_column(name, overflow="fold")
    measured = [target for target in judged if target.measured is not None]
    for target in measured:
        table.add_row(target.name, target.limit, _value(target), target.verdict)
    reasons = Counter(target.reason for target in judged if target.verdict is Verdict.NOT_SHOWN)
    table.caption = "\n".join(f"not shown: {count} {reason}" for reason, count in reasons.items())
    return table


def _value(target: Target) -> str:
    least, most = target.range or (target.measured, target.measured)
    return f"{target.measured:.3g}" if least == most else f"{target.measured:.3g} [{least:.3g}–{most:.3g}]"


def _spread(own: Sequence[Measurement], value: Callable[[Measurement], float]) -> Spread:
    values = [value(each) for each in own if each.is_complete]
    return Spread(median=statistics.median(values), least=min(values), most=max(values))


def _problems(measurements: Sequence[Measurement]) -> Iterator[str]:
    """Ours first: a peer that is wrong only says so."""
    for each in sorted(measurements, key=lambda each: each.contender in KNOWN):
        for problem in each.problems:
            yield f"WRONG {each.contender}, {each.phase}, round {each.round}: {problem}"


def _findings(findings: Sequence[Findings]) -> Iterator[str]:
    for each in findings:
        for problem in each.problems:
            yield f"WRONG {each.experiment}: {problem}"


def _ranged(spread: Spread) -> str:
    """Three digits are all that the noise leaves, and all that fits."""
    digits = 2 if spread.most < 10 else 1  # noqa: PLR2004 - two digits before the point
    if spread.least == spread.most:
        return f"{spread.median:.{digits}f}"
    return f"{spread.median:.{digits}f} [{spread.least:.{digits}f}–{spread.most:.{digits}f}]"
