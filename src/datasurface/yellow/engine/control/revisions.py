"""The rows of `ds_revision`: every decision about a revision of the model, and which one is deployed.

A row is added per decision and never changed. Nothing here commits or decides.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg2
from psycopg2 import sql
from psycopg2.extras import Json

from datasurface.errors import StateError, TransientError
from datasurface.lint.report import Finding
from datasurface.model import codec
from datasurface.model.collection_pause import without_collection
from datasurface.model.ecosystem import Ecosystem
from datasurface.model.mapping import PlatformMapping
from datasurface.yellow.engine import database_errors, queries
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.control.control_tables import RevisionOutcome
from datasurface.yellow.plan import names

_STATEMENTS: Final = queries.load("revisions.sql")
_DEPLOYED: Final = (RevisionOutcome.APPLIED, RevisionOutcome.ROLLED_BACK)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """The document in column `model`."""

    ecosystem: Ecosystem
    mapping: PlatformMapping
    v: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedRevision:
    """The revision that is deployed."""

    revision: str
    plan_hash: str | None
    is_pinned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed(DeployedRevision):
    """The revision that is deployed, with its model."""

    model: StoredModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of a revision. `model` and `plan_hash` are None where it could not be loaded or planned.

    `parent` is the revision deployed before; `author` and `committed_at` are None for a directory without git.
    """

    revision: str
    parent: str | None
    outcome: RevisionOutcome
    findings: Sequence[Finding]
    model: StoredModel | None
    plan_hash: str | None
    author: str | None = None
    committed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What became of a revision, as people are told it."""

    revision: str
    outcome: RevisionOutcome
    decided_at: datetime
    findings: Sequence[Finding]

    @property
    def is_deployed(self) -> bool:
        """Whether streams followed it from then on."""
        return self.outcome in _DEPLOYED


def last_decided(session: Session, schema: str, *, deployed_only: bool = False) -> Decided | None:
    """The last decision about any revision, or the last one that deployed one; None before the first.

    Raises StateError if the merge database was never initialised.
    """
    wanted = _DEPLOYED if deployed_only else tuple(RevisionOutcome)
    row = _run(session, schema, "read_last_decision", outcomes=[outcome.value for outcome in wanted])
    if row is None:
        return None
    revision, outcome, decided_at, findings = row
    try:
        known = codec.decode(tuple[Finding, ...], findings)
    except codec.InvalidDocument:
        known = ()
    return Decided(revision=revision, outcome=RevisionOutcome(outcome), decided_at=decided_at, findings=known)


def refuse_before_first(session: Session, schema: str) -> None:
    """Raise TransientError as long as no revision was ever applied; StateError if nothing was initialised."""
    if last_decided(session, schema, deployed_only=True) is None:
        raise TransientError(
            f"no revision of a model is applied in {session.endpoint}", fix="`datasurface model apply` applies one"
        )


def deployed_revision(session: Session, schema: str) -> DeployedRevision | None:
    """Which revision is deployed, without its model, which is large; None before the first one."""
    row = _run(session, schema, "read_deployed_revision", outcomes=[outcome.value for outcome in _DEPLOYED])
    if row is None:
        return None
    revision, plan_hash, is_pinned = row
    return DeployedRevision(revision=revision, plan_hash=plan_hash, is_pinned=is_pinned)


def deployed(session: Session, schema: str) -> Deployed | None:
    """The deployed revision, None before the first one. Raises StateError if its model cannot be read any more."""
    row = _run(session, schema, "read_deployed", outcomes=[outcome.value for outcome in _DEPLOYED])
    if row is None:
        return None
    revision, document, plan_hash, is_pinned = row
    try:
        with without_collection():
            stored = codec.decode(StoredModel, document)
    except codec.InvalidDocument as error:
        raise StateError(
            f"{names.REVISION_TABLE} holds a model of revision {revision} that this version cannot read: {error}",
            fix="Apply with the version that deployed it, until the model is one that both can read",
        ) from None
    return Deployed(revision=revision, model=stored, plan_hash=plan_hash, is_pinned=is_pinned)


def record(session: Session, schema: str, decision: Decision) -> bool:
    """Add a decision, unless it is the last one once more; says whether it was added.

    The last one's findings count, except where both say that the revision was applied.
    """
    findings = codec.encode(tuple(decision.findings))
    last = _run(session, schema, "read_last") or (None, None, None, None)
    is_same = last[:3] == (decision.revision, decision.outcome.value, decision.plan_hash)
    if is_same and (decision.outcome is RevisionOutcome.APPLIED or last[3] == findings):
        return False
    _run(
        session,
        schema,
        "record_revision",
        revision=decision.revision,
        parent=decision.parent,
        author=decision.author,
        committed_at=decision.committed_at,
        outcome=decision.outcome.value,
        findings=_json(findings),
        model=None if decision.model is None else codec.dumps(decision.model),
        plan_hash=decision.plan_hash,
    )
    return True


def _json(document: Any) -> Json:
    return Json(document, dumps=lambda value: json.dumps(value, ensure_ascii=False))


def _run(session: Session, schema: str, statement: str, **parameters: Any) -> Any:
    """The first row that a statement gives, or None."""
    place = sql.Identifier(schema, names.REVISION_TABLE)
    doing = f"{statement.replace('_', ' ')} in {names.REVISION_TABLE}"
    with database_errors.reporting(doing), session.raw.cursor() as cursor:
        try:
            cursor.execute(_STATEMENTS[statement].format(revision=place), parameters)
        except psycopg2.errors.UndefinedTable:
            raise StateError(
                f"{session.endpoint} has no table {schema}.{names.REVISION_TABLE}",
                fix="Run `datasurface init` on that server",
            ) from None
        return cursor.fetchone() if cursor.description else None
