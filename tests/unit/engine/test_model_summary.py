"""The lines that say what a revision changed."""

import pytest

from datasurface.yellow.engine.control.control_tables import RevisionOutcome
from datasurface.yellow.engine.model_merge import model_summary
from datasurface.yellow.engine.model_merge.model_apply import ApplyOutcome
from datasurface.yellow.engine.model_merge.model_steps import MergeCounts
from datasurface.yellow.engine.views.view_steps import ViewAction
from datasurface.yellow.plan.changes import Change, ChangeKind, PlanChanges, StreamRef, TableChange, TypeChange


def changes(**given: object) -> PlanChanges:
    """Changes of nothing but what is given."""
    nothing = {"platforms": (), "streams": (), "tables": (), "views": (), "workspaces": (), "dags": ()}
    return PlanChanges(**{**nothing, **given})  # type: ignore[arg-type]


def altered(platform: str, store: str = "Store1", dataset: str = "customers", **facts: object) -> TableChange:
    """A table of an existing stream."""
    stream = StreamRef(platform=platform, stream_key=store)
    given = {"kind": ChangeKind.CHANGED, "before": stream, "after": stream, **facts}
    return TableChange(merge_table=f"{platform}_{dataset}", store=store, dataset=dataset, **given)  # type: ignore[arg-type]


def test_a_dataset_on_two_platforms_has_one_sentence():
    """What happens to it everywhere alike is said once, without its tables' names."""
    tables = [altered(platform, added=("a", "b"), hidden=("c",)) for platform in ("Live", "Forensic")]

    assert model_summary.sentences(changes(tables=tables)) == ["customers gains a, b", "customers hides c"]


def test_stores_are_named_where_there_are_several():
    """Two datasets of one name are told apart."""
    widened = (TypeChange(column="n", before="integer", after="bigint"),)
    tables = [altered("Live", widened=widened), altered("Live", store="Store2", is_key_changed=True)]

    assert model_summary.sentences(changes(tables=tables)) == [
        "Store1/customers widens n",
        "Store2/customers has another key",
    ]


def test_a_new_stream_speaks_for_its_tables():
    """Tables of streams that come or go are not said again, many of a kind are counted."""
    added = [Change(kind=ChangeKind.ADDED, name=f"Live/Store{number}") for number in range(1, 8)]
    table = altered("Live", kind=ChangeKind.ADDED, before=None)

    assert model_summary.sentences(changes(streams=added, tables=[table])) == [
        "streams Live/Store1, Live/Store2, Live/Store3, Live/Store4, Live/Store5 and 2 more are new"
    ]


def test_what_changes_in_no_table_is_counted():
    """A change of schedules alone shows in DAG rows."""
    dags = [Change(kind=ChangeKind.CHANGED, name="Live/Store1")]

    assert model_summary.sentences(changes(dags=dags)) == ["1 DAG row differs"]
    assert model_summary.sentences(changes()) == []


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        (MergeCounts(), "0.06 s"),
        (
            MergeCounts(
                tables_altered=4, views={**dict.fromkeys(ViewAction, 0), ViewAction.UPDATED: 6, ViewAction.UNCHANGED: 9}
            ),
            "4 tables altered, 6 views replaced, 0.06 s",
        ),
        (MergeCounts(tables_created=1, streams_removed=1), "1 table made, 1 stream removed, 0.06 s"),
    ],
    ids=["nothing", "altered", "one of each"],
)
def test_figures_leave_out_what_happened_to_none(counts, line):
    """One is said in the singular."""
    outcome = ApplyOutcome(
        outcome=RevisionOutcome.APPLIED,
        revision="dir-1",
        parent=None,
        findings=(),
        changes=changes(),
        counts=counts,
        seconds=0.0612,
    )

    assert model_summary.figures(outcome) == line
    assert model_summary.headline(outcome) == "revision dir-1: nothing changes"
