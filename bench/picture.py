"""The growth curves as one SVG, drawn by matplotlib in .venv-bench: time by rows, time and size by length of history.

Nothing of ours is imported here. Arguments: the results and the file to write. The same results give the same file,
which carries their hash.
"""

import hashlib
import json
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

_INK: Final = "#1f2328"
_PAPER: Final = "#fefefe"
_GRID: Final = "#d1d5da"
_DARK: Final = {_INK: "#e6edf3", _PAPER: "#0d1117", _GRID: "#30363d"}
#: They stand out from a white page and from a black one.
_COLOURS: Final = {
    "COPY|COPY": "#8b949e",
    "live": "#1a7fdc",
    "forensic": "#d9730d",
    "dlt upsert": "#2e9e5b",
    "dlt scd2": "#c0489c",
}
_PHASE: Final = "1%"
_STYLE: Final = {
    "svg.hashsalt": "datasurface",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.titlesize": 10,
    "axes.facecolor": _PAPER,
    "axes.grid": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "figure.facecolor": _PAPER,
    "savefig.facecolor": _PAPER,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}
Points = Mapping[Any, float]


def draw(results: Path, target: Path) -> None:
    """Draw the picture of these results."""
    content = results.read_bytes()
    document = json.loads(content)
    past = [each for each in _experiment(document, "history") if each.get("phase") == "past"]
    count = 3 if past else 1
    with mpl.rc_context(_STYLE):
        figure, axes = pyplot.subplots(1, count, figsize=(11 * count / 3, 3.7), layout="constrained", squeeze=False)
        _draw_rows(axes[0][0], document)
        if past:
            _draw_history(axes[0][1], axes[0][2], past)
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    text = target.read_text(encoding="utf-8")
    target.write_text(_finished(text, hashlib.sha256(content).hexdigest()), encoding="utf-8")


def _draw_rows(axes: Axes, document: Mapping[str, Any]) -> None:
    """Seconds of a batch with 1 % of the rows changed, by contender."""
    for contender, colour in _COLOURS.items():
        points = _by_rows(document, contender)
        if points:
            width = 1.4 if contender.startswith("dlt") else 2.2
            axes.plot(list(points), list(points.values()), "o-", color=colour, label=contender, ms=3.5, lw=width)
    axes.set(xscale="log", yscale="log", xlabel="rows of the source", ylabel="seconds")
    axes.set_title("A batch, 1 % of the rows changed", loc="left")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="upper left", fontsize=8)


def _by_rows(document: Mapping[str, Any], contender: str) -> Points:
    measured = [*document["measurements"], *_experiment(document, "growth")]
    found: dict[int, list[float]] = {}
    for each in measured:
        if each["contender"] == contender and each["phase"] == _PHASE and each.get("is_complete", True):
            found.setdefault(_rounded(each["rows"]), []).append(each["work_seconds"])
    return {rows: statistics.median(found[rows]) for rows in sorted(found)}


def _draw_history(times: Axes, sizes: Axes, past: Sequence[Mapping[str, Any]]) -> None:
    """Seconds of each batch and size of the tables after it, while the history grows."""
    for kind in ("live", "forensic"):
        own = sorted((each for each in past if each["kind"] == kind), key=lambda each: each["batch"])
        batches = [each["batch"] for each in own]
        times.plot(batches, [each["work_seconds"] for each in own], color=_COLOURS[kind], lw=0.7, alpha=0.45)
        times.plot(batches, list(_smooth([each["work_seconds"] for each in own])), color=_COLOURS[kind], label=kind)
        sizes.plot(batches, [each["table_bytes"] / 1e6 for each in own], color=_COLOURS[kind], label=kind)
    times.set_title("Each of 100 batches, 1 % changed", loc="left")
    times.set(xlabel="batches before", ylabel="seconds", ylim=(0, None))
    sizes.set_title("What the tables take", loc="left")
    sizes.set(xlabel="batches before", ylabel="MB on disk", ylim=(0, None))
    times.legend(loc="lower left", fontsize=8)
    sizes.legend(loc="lower right", fontsize=8)


def _experiment(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return [row for each in document["experiments"] if each["experiment"] == name for row in each["measurements"]]


def _smooth(values: list[float], reach: int = 5) -> Iterable[float]:
    """The median around each value: one slow batch is the machine's doing."""
    for place in range(len(values)):
        yield statistics.median(values[max(0, place - reach) : place + reach + 1])


def _rounded(rows: int) -> int:
    """Rows of one size differ by a few from phase to phase."""
    return round(rows, -len(str(rows)) + 2)


def _short(value: float) -> str:
    return f"{value / 1e6:g}M" if value >= 1e6 else f"{value / 1e3:g}k" if value >= 1e3 else f"{value:g}"  # noqa: PLR2004


def _finished(text: str, digest: str) -> str:
    """Colours for a dark page, a name for those who do not see it, and the hash of the results."""
    rules = "".join(
        f'[style*="{kind}: {light}"]{{{kind}:{dark}!important}}'
        for light, dark in _DARK.items()
        for kind in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme:dark){{{rules}}}</style>"
    title = "<title>How the time of a batch grows with rows and with history</title>"
    place = text.index(">", text.index("<svg")) + 1
    made_of = f"<!-- made by make bench from results with sha256 {digest} -->"
    lines = f"{text[:place]}\n{title}\n{made_of}\n{style}{text[place:]}".splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
