"""Whether every view of the plan answers its workspace's role."""

from collections.abc import Iterator
from typing import Final

from datasurface.runtime.doctor.checks import Check, Group, Verdict
from datasurface.runtime.doctor.surroundings import Surroundings
from datasurface.yellow.engine.views import reader_checks

_MOST_TOLD: Final = 20
_TITLE: Final = "every view answers its reader"


def views(here: Surroundings) -> Iterator[Check]:
    """Ask them all, which needs the model merge's credential."""
    if not here.has_login("apply"):
        directory = here.connections.role_directory("apply")
        yield Check(group=Group.VIEWS, title=_TITLE, verdict=Verdict.NOT_LOOKED_AT, evidence=f"{directory} is not here")
        return
    answers = reader_checks.ask(here.links)
    silent = [answer for answer in answers if not answer.is_ok]
    if not answers:
        yield Check(group=Group.VIEWS, title="a view is planned", verdict=Verdict.NOTE, evidence="none is")
    elif len(answers) > len(silent):
        title = f"{len(answers) - len(silent)} of {len(answers)} views answer their readers"
        yield Check(group=Group.VIEWS, title=title, verdict=Verdict.OK)
    for answer in silent[:_MOST_TOLD]:
        yield Check(
            group=Group.VIEWS,
            title=f"{answer.database}: {answer.view} answers {answer.reader}",
            verdict=Verdict.FAILED,
            evidence=answer.reason,
            cause="somebody changed a view, a grant or a table behind it, or the last reconcile failed",
            command="datasurface reconcile-workspace-views --check-readers",
        )
    if len(silent) > _MOST_TOLD:
        yield Check(
            group=Group.VIEWS,
            title="the other views answer",
            verdict=Verdict.FAILED,
            evidence=f"{len(silent) - _MOST_TOLD} more do not",
            command="datasurface reconcile-workspace-views --check-readers",
        )
