"""One attempt to make a revision true: load, lint, compare, apply, record; and what became of it.

Nothing here raises for what may go wrong in operation; when the next attempt is due, and what is logged, is the watch's
matter.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from datasurface.errors import DatasurfaceError, ModelError
from datasurface.lint.report import Finding, Severity
from datasurface.lint.rules import loading, merge_database
from datasurface.loader import Limits, LoadedModel, ModelNotLoaded, load
from datasurface.loader.model_process import Outcome
from datasurface.loader.remote import LoaderAway, LoaderBroke, Runner
from datasurface.runtime.model_sync.worktree import Worktree
from datasurface.yellow.engine.control.control_tables import RevisionOutcome
from datasurface.yellow.engine.links import Cancelled, Links
from datasurface.yellow.engine.model_merge import model_apply, model_summary
from datasurface.yellow.engine.model_merge.model_apply import ApplyOutcome
from datasurface.yellow.engine.model_merge.model_steps import MergeStep
from datasurface.yellow.plan.installation import read_installation

#: A model under which the loader breaks off so often is held to be what ends it.
LOADER_BREAKS: Final = 3
#: Findings that the model alone does not decide: those of the databases, and those of a loader short of time or memory.
_MAY_PASS_GROUP: Final = "DS4"
_MAY_PASS: Final = frozenset({loading.LIMITS.id, loading.ENDED.id})


class Again(StrEnum):
    """When the same revision is tried once more."""

    NEVER = "never"
    SOON = "soon"
    LATER = "later"


class Level(StrEnum):
    """How loud a line is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the log."""

    level: Level
    event: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """What became of an attempt. Two of the same `state` differ in nothing that has to be said again."""

    state: object
    again: Again
    lines: Sequence[Line] = ()


class _TreeMoved(Exception):
    """The link was turned while the directory was read: what was read may lack files."""


@dataclass(kw_only=True)
class Attempts:
    """Attempts with one installation; remembers a loaded model, so that waiting for a database loads nothing again.

    `installation_file` is read at each attempt, since an upgrade may change it under us; None: there is none.
    """

    links: Links
    runner: Runner
    installation_file: Path | None
    wait_seconds: float
    _loaded: LoadedModel | None = None
    _breaks: int = 0
    _breaking: str = ""

    def attempt(self, tree: Worktree) -> Attempted:
        """Try to make the revision true. Raises Cancelled alone."""
        try:
            return self._attempt(tree)
        except Cancelled:
            raise
        except _TreeMoved:
            return Attempted(state="moved", again=Again.SOON)
        except (LoaderAway, LoaderBroke) as error:
            return _away("the loader is away", error)
        except DatasurfaceError as error:
            return _away("the merge database cannot be worked on", error)

    def installation_text(self) -> bytes | None:
        """What the installation's file holds now; None if there is none to be read."""
        with contextlib.suppress(OSError):
            return None if self.installation_file is None else self.installation_file.read_bytes()
        return None

    def forget(self) -> None:
        """Keep no model."""
        self._loaded = None

    def _attempt(self, tree: Worktree) -> Attempted:
        pinned = model_apply.pinned(self.links)
        if pinned is not None and pinned != tree.commit.revision:
            fields = {"pinned": pinned, "revision": tree.commit.revision}
            return _held("a revision is pinned: nothing else is applied", fields)
        try:
            loaded = self._load(tree)
        except ModelNotLoaded as refusal:
            if not tree.is_current():
                raise _TreeMoved from refusal
            model_apply.refuse(self.links, tree.commit, [refusal.finding])
            return _refused(tree.commit.revision, None, [refusal.finding])
        try:
            installation = None if self.installation_file is None else read_installation(self.installation_file)
        except ModelError as error:
            return _away("the installation's file is wrong", error)
        outcome = model_apply.apply_revision(
            self.links, loaded, installation, wait_seconds=self.wait_seconds, report=self._between_steps
        )
        return _told(outcome)

    def _load(self, tree: Worktree) -> LoadedModel:
        if self._loaded is not None and self._loaded.revision == tree.commit.revision:
            return self._loaded

        def run(model: Path, scratch: Path, limits: Limits) -> Outcome:
            if not tree.is_current():
                raise _TreeMoved
            return self.runner(model, scratch, limits)

        try:
            self._loaded = load(tree.root, runner=run, commit=tree.commit)
        except LoaderBroke as error:
            if self._count_break(tree.commit.revision) < LOADER_BREAKS:
                raise
            message = f"ended its loader {LOADER_BREAKS} times"
            fix = "eco.py must do no more than return; look for what takes memory or ends processes"
            raise ModelNotLoaded(loading.ENDED.finding("eco.py", message, fix)) from error
        self._breaks = 0
        return self._loaded

    def _count_break(self, revision: str) -> int:
        self._breaks = self._breaks + 1 if revision == self._breaking else 1
        self._breaking = revision
        return self._breaks

    def _between_steps(self, step: MergeStep) -> None:
        if step is not MergeStep.COMMITTED:
            self.links.refuse_if_cancelled()


def _told(outcome: ApplyOutcome) -> Attempted:
    if outcome.outcome is RevisionOutcome.REFUSED:
        return _refused(outcome.revision, outcome.parent, outcome.findings)
    if outcome.outcome is RevisionOutcome.WAITING:
        fields = {"revision": outcome.revision, "deployed": outcome.parent, "waiting_for": list(outcome.waiting_for)}
        return _held("model waits for what is in use; it is tried again", fields)
    lines = [Line(level=Level.INFO, event="model applied", fields=_applied_fields(outcome))]
    lines += _finding_lines(outcome.revision, outcome.findings)
    failed = [consumer.database for consumer in outcome.consumers if not consumer.is_ok]
    if failed:
        fields = {"revision": outcome.revision, "databases": failed}
        lines.append(Line(level=Level.WARNING, event="views of other databases failed; tried again", fields=fields))
    again = Again.LATER if failed else Again.NEVER
    return Attempted(state=("applied", outcome.revision, tuple(failed)), again=again, lines=lines)


def _applied_fields(outcome: ApplyOutcome) -> dict[str, Any]:
    return {
        "revision": outcome.revision,
        "parent": outcome.parent,
        "changes": model_summary.sentences(outcome.changes),
        "figures": model_summary.figures(outcome),
    }


def _refused(revision: str, parent: str | None, findings: Sequence[Finding]) -> Attempted:
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    may_pass = all(finding.rule.startswith(_MAY_PASS_GROUP) or finding.rule in _MAY_PASS for finding in errors)
    fields = {"revision": revision, "deployed": parent, "findings": len(errors)}
    head = Line(level=Level.ERROR, event="model refused: nothing changes", fields=fields)
    return Attempted(
        state=("refused", revision, tuple(findings)),
        again=Again.LATER if may_pass else Again.NEVER,
        lines=[head, *_finding_lines(revision, findings)],
    )


def _finding_lines(revision: str, findings: Sequence[Finding]) -> list[Line]:
    """A line each, but for what no origin was known for: that says nothing new, and is recorded."""
    return [
        Line(
            level=Level.ERROR if finding.severity is Severity.ERROR else Level.WARNING,
            event="finding",
            fields={
                "revision": revision,
                "rule": finding.rule,
                "object": finding.path,
                "message": finding.message,
                "fix": finding.fix,
            },
        )
        for finding in findings
        if finding.rule != merge_database.NOT_JUDGED.id
    ]


def _away(event: str, error: DatasurfaceError) -> Attempted:
    fields = {"problem": error.message, "fix": error.fix, "family": error.family}
    line = Line(level=Level.WARNING, event=f"{event}; tried again", fields=fields)
    return Attempted(state=(event, error.family), again=Again.SOON, lines=[line])


def _held(event: str, fields: Mapping[str, Any]) -> Attempted:
    line = Line(level=Level.WARNING, event=event, fields=fields)
    return Attempted(state=(event, *map(str, fields.values())), again=Again.SOON, lines=[line])
