"""Whether a revision of the model is applied, and what became of the last one."""

from collections.abc import Iterator
from typing import Final

from datasurface.runtime.doctor.checks import Check, Group, Verdict
from datasurface.runtime.doctor.surroundings import Surroundings
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.control import revisions
from datasurface.yellow.engine.control.control_tables import RevisionOutcome
from datasurface.yellow.engine.control.revisions import Decided

_MOST_FINDINGS: Final = 3
_SHORT: Final = 12


def model(here: Surroundings, session: Session) -> Iterator[Check]:
    """The deployed revision; a later one that was refused or waits is a note, since it keeps nothing from working."""
    schema = here.connections.merge_schema
    deployed = revisions.last_decided(session, schema, deployed_only=True)
    last = revisions.last_decided(session, schema)
    command = here.log_of("model-sync", "datasurface model apply MODEL")
    if deployed is None:
        yield Check(
            group=Group.MODEL,
            title="a revision of the model is applied",
            verdict=Verdict.FAILED,
            evidence="no revision was ever tried" if last is None else told(last),
            cause="the model's repository is empty or cannot be reached" if last is None else None,
            command=command,
        )
        return
    yield Check(group=Group.MODEL, title=told(deployed), verdict=Verdict.OK)
    if last is not None and not last.is_deployed:
        yield Check(
            group=Group.MODEL,
            title="the last revision is the one that is applied",
            verdict=Verdict.NOTE,
            evidence=told(last),
            command=command,
        )


def told(decided: Decided) -> str:
    """What became of a revision, with its first findings."""
    revision = decided.revision if decided.revision.startswith("dir-") else decided.revision[:_SHORT]
    outcome = "waits for streams" if decided.outcome is RevisionOutcome.WAITING else f"was {decided.outcome}"
    text = f"revision {revision} {outcome} at {decided.decided_at:%Y-%m-%d %H:%M:%S} UTC"
    if decided.is_deployed or not decided.findings:
        return text
    shown = [f"{finding.rule} {finding.path}: {finding.message}" for finding in decided.findings[:_MOST_FINDINGS]]
    more = len(decided.findings) - len(shown)
    return "; ".join([f"{text}, {len(decided.findings)} findings", *shown, *([f"and {more} more"] if more else [])])
