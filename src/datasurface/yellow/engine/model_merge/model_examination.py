"""What a merge would do to the merge database and what stands against it, found before anything is touched.

All of it is read in the caller's transaction. What the model itself has to say is `model_findings`' matter.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from psycopg2 import sql

from datasurface.lint.report import Finding
from datasurface.lint.rules import merge_database
from datasurface.yellow.engine import database_errors, queries
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.control import known_objects, platform_store
from datasurface.yellow.engine.control.known_objects import Known
from datasurface.yellow.engine.control.platform_store import StoredPlatform
from datasurface.yellow.engine.model_merge import wanted_objects
from datasurface.yellow.engine.tables import table_sync
from datasurface.yellow.engine.tables.table_sync import Alteration, TableChanges, TableProblem
from datasurface.yellow.engine.views import view_steps
from datasurface.yellow.engine.views.view_facts import Dependent, ViewFact, Views
from datasurface.yellow.engine.views.view_steps import ViewAction, ViewStep
from datasurface.yellow.engine.views.view_sync import ViewSync
from datasurface.yellow.plan import names
from datasurface.yellow.plan.ecosystem_plan import EcosystemPlan
from datasurface.yellow.plan.views import ViewPlan

_STATEMENTS: Final = queries.load("model_apply.sql")
_INIT: Final = "run `datasurface init` on that server"
#: What a view's replacement may lock: itself, its table, the batches, and what is made with it.
_LOCKS_PER_VIEW: Final = 5
#: The part of the server's lock table that one merge may fill; running jobs and readers need the rest.
_SHARE_OF_LOCKS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What there is and what has to be done. `aside` are the views of ours that a widened table needs out of the way.

    `stored` is what the last merge stored of each platform, by its safe name, with the views in `aside` alone. Of the
    plan's views `plans` are those that were looked at, `view_names` these and what else may be a view of ours; the
    others are known to be right. `right` are hashes of how objects looked just before they were found to be right,
    `wanted` those of how every object shall be.
    """

    stored: Mapping[str, StoredPlatform]
    tables: TableChanges
    plans: Sequence[ViewPlan]
    view_names: Collection[str]
    views: Views
    wanted: Mapping[str, str] = field(default_factory=dict)
    right: Mapping[str, str] = field(default_factory=dict)
    aside: Mapping[str, Sequence[ViewFact]]
    findings: Sequence[Finding]


def examine(sync: ViewSync, plan: EcosystemPlan, paths: Mapping[str, str], known: Known) -> Examination:
    """Compare the plan with the database. `paths` leads to each store's place in the model, by its name.

    What is `known` to be as the plan wants it is not looked at again.
    """
    session, schema = sync.session, sync.schema
    missing = list(_missing_prerequisites(sync))
    if missing:
        return Examination(
            stored={},
            tables=TableChanges(creations=(), alterations=(), problems=()),
            plans=(),
            view_names=(),
            views=Views(by_name={}, readers=frozenset(), owner=sync.roles.views),
            aside={},
            findings=missing,
        )
    wanted = {
        **wanted_objects.of_tables(plan.streams, sync.roles),
        **wanted_objects.of_views(plan.views, sync.roles),
    }
    intact = {name for name, hashed in wanted.items() if known.intact.get(name) == hashed}
    plans = [view for view in plan.views if not {view.name, view.merge_table} <= intact]
    # What the plan does not have may be a view of ours that has to go.
    view_names = {view.name for view in plans} | ((known.others | known.intact.keys()) - wanted.keys())
    examined = [name for name in wanted if name not in intact or name in view_names]
    looked = known_objects.found(session, schema, examined) if known.is_kept else {}
    tables = table_sync.examine(session, schema, plan.streams, sync.roles, known=intact)
    views = sync.read(view_names, only_named=known.is_kept)
    steps = sync.steps(plans, views)
    using = sync.dependents(alteration.ref.name for alteration in tables.alterations if alteration.difference.widened)
    aside = {alteration.ref.name: _aside(sync, alteration, using, views) for alteration in tables.alterations}
    dropped = {fact.name for facts in aside.values() for fact in facts} | {step.name for step in steps if step.drops}
    findings = [
        *(_table_finding(problem, paths) for problem in tables.problems),
        *_strangers_of_tables(sync, tables.alterations, using, views, paths),
        *_view_findings(steps, sync.dependents(dropped), dropped),
        *_size_findings(session, steps),
    ]
    set_aside = sorted({fact.name for facts in aside.values() for fact in facts})
    changed = {creation.ref.name for creation in tables.creations}
    changed |= {alteration.ref.name for alteration in tables.alterations}
    changed |= {step.name for step in steps if step.action is not ViewAction.UNCHANGED}
    return Examination(
        stored=platform_store.read(session, schema, views=set_aside),
        tables=tables,
        plans=plans,
        view_names=view_names,
        views=views,
        wanted=wanted,
        right={name: hashed for name, hashed in looked.items() if name not in changed},
        aside=aside,
        findings=findings,
    )


def _missing_prerequisites(sync: ViewSync) -> Iterable[Finding]:
    schema, roles = sync.schema, sync.roles
    functions = {
        name: sql.Identifier(schema, name).as_string(sync.session.raw) + "(text)"
        for name in ("ds_make_platform", "ds_make_reader")
    }
    doing = f"looking for what a merge needs on {sync.session.endpoint}"
    with database_errors.reporting(doing), sync.session.raw.cursor() as cursor:
        cursor.execute(
            _STATEMENTS["read_prerequisites"].format(
                make_platform=sql.Literal(functions["ds_make_platform"]),
                make_reader=sql.Literal(functions["ds_make_reader"]),
                views=sql.Literal(roles.views),
                platform=sql.Literal(sql.Identifier(schema, names.PLATFORM_TABLE).as_string(sync.session.raw)),
            )
        )
        present = cursor.fetchone() or ()
    wanted = (
        f"function {schema}.ds_make_platform",
        f"function {schema}.ds_make_reader",
        f"role {roles.views}, of which {roles.merge} is a member,",
        f"table {schema}.{names.PLATFORM_TABLE}",
    )
    for what, is_there in zip(wanted, present, strict=True):
        if not is_there:
            path = sync.session.endpoint.database
            yield merge_database.INSTALLATION.finding(path, f"{what} is missing or may not be used", _INIT)


def _aside(
    sync: ViewSync, alteration: Alteration, using: Mapping[str, Sequence[Dependent]], views: Views
) -> Sequence[ViewFact]:
    ours = {fact.name: fact for fact in views.ours()}
    return [
        ours[name]
        for name in sorted({str(each.name) for each in _in_the_way(alteration, using) if _is_ours(sync, each, views)})
    ]


def _in_the_way(alteration: Alteration, using: Mapping[str, Sequence[Dependent]]) -> list[Dependent]:
    widened = {column.name for column in alteration.difference.widened}
    return [each for each in using.get(alteration.ref.name, ()) if each.column in widened]


def _is_ours(sync: ViewSync, dependent: Dependent, views: Views) -> bool:
    fact = views.by_name.get(dependent.name or "")
    return dependent.schema == sync.schema and fact is not None and fact.is_ours(views.owner)


def _strangers_of_tables(
    sync: ViewSync,
    alterations: Sequence[Alteration],
    using: Mapping[str, Sequence[Dependent]],
    views: Views,
    paths: Mapping[str, str],
) -> Iterable[Finding]:
    for alteration in alterations:
        for each in _in_the_way(alteration, using):
            if not _is_ours(sync, each, views):
                yield merge_database.DEPENDENTS.finding(
                    f"{_path(alteration.ref.store, alteration.ref.dataset, paths)}/{each.column}",
                    f"{alteration.ref.name}.{each.column} has to be widened and is used by {each.description}, "
                    "which is not ours",
                    "drop it, let the model be applied and make it again",
                )


def _view_findings(
    steps: Sequence[ViewStep], using: Mapping[str, Sequence[Dependent]], dropped: Iterable[str]
) -> Iterable[Finding]:
    for step in steps:
        if step.problem is not None:
            fix = "move it out of the way, or give the group or the dataset another name"
            yield merge_database.OCCUPIED.finding(step.name, step.problem, fix)
    for name in sorted(dropped):
        reason = view_steps.strangers(name, using)
        if reason is not None:
            fix = "drop that, let the model be applied and make it again"
            yield merge_database.DEPENDENTS.finding(name, reason, fix)


def _size_findings(session: Session, steps: Sequence[ViewStep]) -> Iterable[Finding]:
    """Whether the one transaction that changes views finds room; new ones are made before it, in bounded steps."""
    changed = sum(step.action in (ViewAction.UPDATED, ViewAction.DROPPED) for step in steps)
    with database_errors.reporting("reading the size of the lock table"), session.raw.cursor() as cursor:
        cursor.execute(_STATEMENTS["read_lock_capacity"])
        row = cursor.fetchone()
    capacity = int(row[0]) if row else 0
    if changed * _LOCKS_PER_VIEW > capacity * _SHARE_OF_LOCKS:
        yield merge_database.SIZE.finding(
            session.endpoint.database,
            f"{changed} views change at once, which may take {changed * _LOCKS_PER_VIEW} locks of {capacity}",
            "raise max_locks_per_transaction of that server, or let fewer views change at once",
        )


def _table_finding(problem: TableProblem, paths: Mapping[str, str]) -> Finding:
    path = _path(problem.ref.store, problem.ref.dataset, paths)
    return problem.rule.finding(
        path if problem.column is None else f"{path}/{problem.column}", problem.message, problem.fix
    )


def _path(store: str, dataset: str, paths: Mapping[str, str]) -> str:
    return f"{paths.get(store, store)}/{dataset}"
