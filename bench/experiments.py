"""The experiments beyond the four phases: which there are, and running them one after the other.

Each starts a server of its own. One that fails says so; its targets stay in the table as not shown.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from bench import doubled_history, growth, history, idle_log, latency, many_datasets, model_size, shapes, shuffled
from bench.findings import Findings, Goal
from bench.options import Options

Announce = Callable[[str], None]
Experiment = Callable[[Options], Findings]

_SHAPES: Final = (shapes.WIDE, shapes.LONG, shapes.FLIGHTS)
_SUBJECTS: Final = (growth, doubled_history, history, shuffled, latency, many_datasets, idle_log, model_size)
EXPERIMENTS: Final[Mapping[str, Experiment]] = {
    **{subject.NAME: subject.measured for subject in _SUBJECTS},
    **{shape.name: functools.partial(shapes.measured, shape) for shape in _SHAPES},
}
_GOALS: Final[Mapping[str, Callable[[], Mapping[Any, Goal]]]] = {
    **{subject.NAME: subject.goals for subject in _SUBJECTS},
    **{shape.name: functools.partial(shapes.goals, shape) for shape in _SHAPES},
}


def measured(names: Sequence[str], options: Options, announce: Announce) -> Iterator[Findings]:
    """Run the named experiments; what a failing one was to show is not shown."""
    for name in names:
        announce(f"experiment {name}")
        try:
            yield EXPERIMENTS[name](options)
        except Exception as error:  # the other experiments and the rounds' results must not be lost with it
            yield failed(name, options, error)


def failed(name: str, options: Options, error: Exception) -> Findings:
    """What is left of an experiment that failed."""
    reason = f"of experiment {name}, which failed"
    return Findings(
        experiment=name,
        targets=[goal.judged(options, None, reason=reason) for goal in _GOALS[name]().values()],
        problems=[f"{name} failed: {type(error).__name__}: {error}"],
    )
