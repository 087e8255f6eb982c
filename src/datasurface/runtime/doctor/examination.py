"""Looks at an installation, group by group, with whatever rights there are; says of the rest that it was not looked at.

A group that cannot be looked at because an earlier one failed does not fail as well: one cause is told once.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

from structlog.typing import FilteringBoundLogger

from datasurface.connections import MERGE_LOGINS, MergeRole
from datasurface.errors import DatasurfaceError
from datasurface.runtime.doctor.airflow import airflow
from datasurface.runtime.doctor.checks import Check, Diagnosis, Group, Verdict
from datasurface.runtime.doctor.databases import READERS, databases
from datasurface.runtime.doctor.model import model
from datasurface.runtime.doctor.streams import streams
from datasurface.runtime.doctor.surroundings import Surroundings
from datasurface.runtime.doctor.views import views
from datasurface.yellow.engine.connect import Session

_PAUSE_SECONDS: Final = 5.0


def examine(here: Surroundings) -> Diagnosis:
    """Look at everything once. Raises no error of the installation: each becomes a check."""
    return Diagnosis(checks=tuple(_checks(here)))


def examine_until_well(here: Surroundings, *, wait_seconds: float, log: FilteringBoundLogger) -> Diagnosis:
    """Look again until all is well or the time is over; the log gets a line whenever what fails changes."""
    deadline = time.monotonic() + wait_seconds
    told: list[str] | None = None
    while True:
        diagnosis = examine(here)
        left_seconds = deadline - time.monotonic()
        if diagnosis.is_ok or left_seconds <= 0:
            return diagnosis
        failed = [check.title for check in diagnosis.of(Verdict.FAILED)]
        if failed != told:
            told = failed
            log.warning("not all is well yet, looked at again", failed=failed, for_at_most_seconds=round(left_seconds))
        time.sleep(min(_PAUSE_SECONDS, left_seconds))


def _checks(here: Surroundings) -> Iterator[Check]:
    seen = databases(here)
    yield from seen.checks
    if seen.role is None:
        for group in (Group.MODEL, Group.STREAMS, Group.VIEWS):
            yield Check(
                group=group,
                title=f"the {group} can be looked at",
                verdict=Verdict.NOT_LOOKED_AT,
                evidence=f"neither {' nor '.join(MERGE_LOGINS[role] for role in READERS)} got to the control tables",
            )
    else:
        yield from _guarded(Group.MODEL, partial(_looked, here, seen.role, model))
        yield from _guarded(Group.STREAMS, partial(_looked, here, seen.role, streams))
        yield from _guarded(Group.VIEWS, partial(views, here))
    yield from airflow(here)


def _looked(
    here: Surroundings, role: MergeRole, look: Callable[[Surroundings, Session], Iterable[Check]]
) -> Iterator[Check]:
    with here.open(role) as session:
        yield from look(here, session)


def _guarded(group: Group, look: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """The checks of a group, or one that says why they could not be made."""
    try:
        yield from look()
    except DatasurfaceError as error:
        yield Check(
            group=group,
            title=f"the {group} can be looked at",
            verdict=Verdict.FAILED,
            evidence=error.message,
            cause=error.fix,
        )
