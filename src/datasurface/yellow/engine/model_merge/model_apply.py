"""Puts one revision of a model into the databases: checks it, waits for what is in use, takes the steps, records it.

A revision that something stands against is recorded with its findings and changes nothing. Two merges never run at
once. How a model is loaded, and where from, is the caller's matter.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from datasurface.errors import DatasurfaceError, TransientError
from datasurface.lint.report import Finding
from datasurface.lint.rules import merge_database
from datasurface.loader import Commit, LoadedModel
from datasurface.yellow.engine import locks
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.control import known_objects, revisions
from datasurface.yellow.engine.control.control_tables import RevisionOutcome
from datasurface.yellow.engine.control.known_objects import Known
from datasurface.yellow.engine.control.revisions import Decision, Deployed, StoredModel
from datasurface.yellow.engine.links import Cancelled, Links
from datasurface.yellow.engine.lock_waits import Patience
from datasurface.yellow.engine.model_merge import model_examination, model_findings
from datasurface.yellow.engine.model_merge.model_examination import Examination
from datasurface.yellow.engine.model_merge.model_steps import MergeCounts, MergeStep, ModelMerge
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.engine.views import consumer_views
from datasurface.yellow.engine.views.consumer_views import ConsumerDatabase
from datasurface.yellow.engine.views.view_sync import ViewSync
from datasurface.yellow.plan import changes, names
from datasurface.yellow.plan.changes import PlanChanges, StreamRef
from datasurface.yellow.plan.ecosystem_plan import EcosystemPlan, plan_ecosystem
from datasurface.yellow.plan.installation import Installation

WAIT_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOutcome:
    """What became of a revision.

    `parent` is the revision deployed before, None before the first. `findings` say why it was refused or what it waits
    for; of an applied one they are warnings. `changes` compares the two plans, `counts` says what was really done.
    `waiting_for` names streams (`YellowLive/Store1`) that did not let go of their tables. `consumers` says what became
    of the views in other databases, which may fail without the revision.
    """

    outcome: RevisionOutcome
    revision: str
    parent: str | None
    findings: Sequence[Finding]
    changes: PlanChanges
    counts: MergeCounts = field(default_factory=MergeCounts)
    waiting_for: Sequence[str] = ()
    consumers: Sequence[ConsumerDatabase] = ()
    seconds: float = 0.0


def apply_revision(
    links: Links,
    loaded: LoadedModel,
    installation: Installation | None,
    *,
    wait_seconds: float = WAIT_SECONDS,
    report: Callable[[MergeStep], None] = lambda _: None,
) -> ApplyOutcome:
    """Make `loaded` the deployed model, or say why not; either is recorded in `ds_revision`.

    Waits at most `wait_seconds` for another merge, and as long again for streams and views in use. `report` is told
    each step that was taken. Raises TransientError if the other merge does not end or the connection breaks, StateError
    where `datasurface init` never ran.
    """
    with links.apply() as session:
        locks.refuse_pooler(session)
        with locks.held(session, locks.MERGE_LOCK, timeout_seconds=wait_seconds, sleep=links.wait) as is_ours:
            if not is_ours:
                raise TransientError("another model merge is under way", fix="Apply the model again when it is done")
            begun = time.monotonic()
            outcome = _Apply(links, session, loaded, installation, wait_seconds, report).run()
    return replace(outcome, seconds=time.monotonic() - begun)


def pinned(links: Links) -> str | None:
    """The deployed revision, if an operator pinned it: then nothing else shall be applied by itself."""
    with links.apply() as session:
        deployed = revisions.deployed_revision(session, links.schema)
    return deployed.revision if deployed is not None and deployed.is_pinned else None


def refuse(links: Links, commit: Commit, findings: Sequence[Finding]) -> None:
    """Record a revision that could not even be loaded."""
    with links.apply() as session:
        deployed = revisions.deployed_revision(session, links.schema)
        decision = Decision(
            revision=commit.revision,
            parent=None if deployed is None else deployed.revision,
            outcome=RevisionOutcome.REFUSED,
            findings=findings,
            model=None,
            plan_hash=None,
            author=commit.author,
            committed_at=commit.committed_at,
        )
        revisions.record(session, links.schema, decision)
        session.commit()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """A revision, compared with what is deployed; `findings` may still grow."""

    plan: EcosystemPlan
    parent: str | None
    changes: PlanChanges
    findings: Sequence[Finding]
    known: Known


@dataclass(frozen=True, slots=True)
class _Apply:
    """One application, through a session that holds the lock of the merge."""

    links: Links
    session: Session
    loaded: LoadedModel
    installation: Installation | None
    wait_seconds: float
    report: Callable[[MergeStep], None]

    def run(self) -> ApplyOutcome:
        judged = self._judged()
        if model_findings.errors(judged.findings):
            return self._not_applied(judged, RevisionOutcome.REFUSED)
        examined = self._examined(judged)
        judged = replace(judged, findings=[*judged.findings, *examined.findings])
        if model_findings.errors(judged.findings):
            return self._not_applied(judged, RevisionOutcome.REFUSED)
        patience = Patience.of_seconds(self.wait_seconds, sleep=self.links.wait)
        with self._streams(_disturbed(judged, examined), patience) as busy:
            if busy:
                findings = [*judged.findings, *map(_busy_finding, busy)]
                return self._not_applied(replace(judged, findings=findings), RevisionOutcome.WAITING, busy)
            return self._merged(judged, examined, patience)

    def _judged(self) -> _Judged:
        """Plan the revision and hold it against the deployed one."""
        known = known_objects.read(self.session, self.links.schema, self._sync.roles)
        deployed = self._deployed(known)
        self.session.commit()
        model = None if deployed is None else deployed.model
        plan = plan_ecosystem(self.loaded.ecosystem, self.loaded.mapping, self.installation)
        return _Judged(
            plan=plan,
            parent=None if deployed is None else deployed.revision,
            changes=self._changes(model, plan),
            known=known,
            findings=[
                *model_findings.of_model(self.loaded, model),
                *model_findings.not_judged(self.loaded, model),
            ],
        )

    def _deployed(self, known: Known) -> Deployed | None:
        """What is deployed. A model known to be the one that is loaded here is that one and is not read again."""
        row = known.rows.get(known_objects.DEPLOYED_ROW)
        is_same = row is not None and row == (
            self.loaded.digest,
            known_objects.found_deployed(self.session, self.links.schema),
        )
        revision = revisions.deployed_revision(self.session, self.links.schema) if is_same else None
        if revision is None:
            return revisions.deployed(self.session, self.links.schema)
        return Deployed(
            revision=revision.revision,
            plan_hash=revision.plan_hash,
            is_pinned=revision.is_pinned,
            model=StoredModel(ecosystem=self.loaded.ecosystem, mapping=self.loaded.mapping),
        )

    def _changes(self, deployed: StoredModel | None, plan: EcosystemPlan) -> PlanChanges:
        if deployed is None:
            return changes.compare(None, plan)
        if deployed.ecosystem is self.loaded.ecosystem:
            return changes.NONE
        return changes.compare(plan_ecosystem(deployed.ecosystem, deployed.mapping, self.installation), plan)

    def _examined(self, judged: _Judged) -> Examination:
        paths = {store.name: path for path, store in self.loaded.ecosystem.stores()}
        examined = model_examination.examine(self._sync, judged.plan, paths, judged.known)
        self.session.commit()
        return examined

    def _merged(self, judged: _Judged, examined: Examination, patience: Patience) -> ApplyOutcome:
        """Take the steps. What stops one of them leaves the deployed revision whole and is recorded."""
        decision = self._decision(judged, RevisionOutcome.APPLIED)
        merge = ModelMerge(
            sync=self._sync,
            plan=judged.plan,
            examined=examined,
            decision=decision,
            known=judged.known,
            digest=self.loaded.digest,
            patience=patience,
            report=self.report,
        )
        try:
            counts = merge.run()
        except DatasurfaceError as error:
            if self.session.raw.closed or isinstance(error, Cancelled):
                raise
            is_busy = isinstance(error, TransientError)
            rule = merge_database.BUSY if is_busy else merge_database.FAILED
            fix = error.fix or ("apply the model again" if is_busy else "correct that and apply the model again")
            found = rule.finding(self.session.endpoint.database, error.message, fix)
            stopped = replace(judged, findings=[*judged.findings, found])
            return self._not_applied(stopped, RevisionOutcome.WAITING if is_busy else RevisionOutcome.REFUSED)
        return ApplyOutcome(
            outcome=RevisionOutcome.APPLIED,
            revision=self.loaded.revision,
            parent=judged.parent,
            findings=judged.findings,
            changes=judged.changes,
            counts=counts,
            consumers=self._show_consumers(),
        )

    def _show_consumers(self) -> Sequence[ConsumerDatabase]:
        """Bring the views in other databases to what is deployed now."""
        patience = Patience.of_seconds(self.wait_seconds, sleep=self.links.wait)
        return consumer_views.sync_stored(self.session, self.links.schema, self.links.connections, patience)

    def _not_applied(
        self, judged: _Judged, outcome: RevisionOutcome, waiting_for: Sequence[StreamRef] = ()
    ) -> ApplyOutcome:
        self.session.rollback()
        revisions.record(self.session, self.links.schema, self._decision(judged, outcome))
        self.session.commit()
        return ApplyOutcome(
            outcome=outcome,
            revision=self.loaded.revision,
            parent=judged.parent,
            findings=judged.findings,
            changes=judged.changes,
            waiting_for=[str(ref) for ref in waiting_for],
        )

    def _decision(self, judged: _Judged, outcome: RevisionOutcome) -> Decision:
        return Decision(
            revision=self.loaded.revision,
            parent=judged.parent,
            outcome=outcome,
            findings=judged.findings,
            model=StoredModel(ecosystem=self.loaded.ecosystem, mapping=self.loaded.mapping),
            plan_hash=judged.plan.plan_hash,
            author=self.loaded.author,
            committed_at=self.loaded.committed_at,
        )

    @contextmanager
    def _streams(self, refs: Sequence[StreamRef], patience: Patience) -> Iterator[list[StreamRef]]:
        """Keep batches of the streams from their tables for the block, which is told the streams that are busy."""
        with ExitStack() as held:
            busy = []
            for ref in refs:
                lock = locks.look_lock(names.platform_name(ref.platform), ref.stream_key)
                seconds = patience.remaining_seconds
                wait = locks.held(self.session, lock, timeout_seconds=seconds, sleep=self.links.wait)
                if not held.enter_context(wait):
                    busy.append(ref)
            yield busy

    @property
    def _sync(self) -> ViewSync:
        roles = Roles(self.links.connections.role_prefix)
        return ViewSync(session=self.session, schema=self.links.schema, roles=roles)


def _disturbed(judged: _Judged, examined: Examination) -> list[StreamRef]:
    """The streams whose tables change, by the plans or by what the database lacks, sorted."""
    refs = {*judged.changes.disturbed_streams, *(alteration.ref.stream for alteration in examined.tables.alterations)}
    return sorted(refs, key=str)


def _busy_finding(ref: StreamRef) -> Finding:
    return merge_database.BUSY.finding(
        str(ref), "a job works on its tables, which have to change", "apply the model again when the job has ended"
    )
