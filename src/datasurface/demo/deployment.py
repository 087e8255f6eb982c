"""The model into the databases, by the code of `datasurface model apply`, and what it did."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from datasurface.demo.records import RevisionApplied
from datasurface.demo.stage import Stage
from datasurface.errors import ModelError, TransientError
from datasurface.lint.report import Finding
from datasurface.loader import LoadedModel, load
from datasurface.yellow.engine.control.control_tables import RevisionOutcome
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.model_merge import model_apply
from datasurface.yellow.engine.model_merge.model_apply import ApplyOutcome
from datasurface.yellow.engine.views.view_steps import ViewAction
from datasurface.yellow.plan.changes import ChangeKind, PlanChanges
from datasurface.yellow.plan.ecosystem_plan import plan_ecosystem

_MOST_NAMED: Final = 3


def apply_model(stage: Stage) -> RevisionApplied:
    """Apply the model that was loaded."""
    return _applied(stage, stage.model, stage.options.model)


def apply_evolved_model(stage: Stage) -> RevisionApplied:
    """Load the model's later form and apply it."""
    path = stage.options.evolved_model or stage.options.model
    return _applied(stage, load(path), path)


def refuse_findings(findings: Sequence[Finding], path: Path) -> None:
    """Raise ModelError that names the first findings, if there are any."""
    if findings:
        named = "; ".join(f"{each.rule} {each.path}: {each.message}" for each in findings[:_MOST_NAMED])
        more = "" if len(findings) <= _MOST_NAMED else f"; and {len(findings) - _MOST_NAMED} more"
        raise ModelError(f"{path}: {named}{more}", fix=f"`datasurface lint {path}` says what to change")


def _applied(stage: Stage, loaded: LoadedModel, path: Path) -> RevisionApplied:
    links = Links(stage.connections, application_name="datasurface demo")
    outcome = model_apply.apply_revision(links, loaded, None)
    match outcome.outcome:
        case RevisionOutcome.APPLIED:
            stage.plan = plan_ecosystem(loaded.ecosystem, loaded.mapping)
            return _record(outcome)
        case RevisionOutcome.WAITING:
            raise TransientError(f"{', '.join(outcome.waiting_for)} did not let go of its tables")
        case _:
            refuse_findings(outcome.findings, path)
            raise ModelError(f"{path} is {outcome.outcome}")


def _record(outcome: ApplyOutcome) -> RevisionApplied:
    counts = outcome.counts
    return RevisionApplied(
        revision=outcome.revision,
        added_columns=_added_columns(outcome.changes),
        tables_created=counts.tables_created,
        tables_altered=counts.tables_altered,
        views_created=counts.views.get(ViewAction.CREATED, 0),
        views_updated=counts.views.get(ViewAction.UPDATED, 0),
        seconds=outcome.seconds,
    )


def _added_columns(changes: PlanChanges) -> dict[str, Sequence[str]]:
    """What datasets gain that the revision before had, the same on every platform; sorted by dataset."""
    altered = [table for table in changes.tables if table.kind is ChangeKind.CHANGED and table.added]
    return {table.dataset: table.added for table in sorted(altered, key=lambda table: table.dataset)}
