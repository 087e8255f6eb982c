"""What is deployed against what shall be: nothing goes without notice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from datasurface import dsl
from datasurface.lint import compatibility
from tests.unit.lint.landscape import (
    FORENSIC,
    HOME,
    KEY,
    MERGE,
    RIGHT,
    dataset,
    ecosystem,
    group,
    platform,
    store,
    team,
    workspace,
)

STORE = "Eco/Zone/team/Store"
PEOPLE = f"{STORE}/people"
NAME = dsl.DDLColumn("name", dsl.VarChar(100))


def findings(deployed, new):
    """Every finding as (rule, path)."""
    return [(finding.rule, finding.path) for finding in compatibility.findings(deployed, new)]


def with_store(*datasets, **fields):
    """The right model, its store of other datasets."""
    return ecosystem(team(stores=[store(datasets=datasets, **fields)]))


def with_column(column, **fields):
    """The right model with one more column in its dataset."""
    return with_store(dataset(columns=[column], **fields))


def test_same_model_is_compatible():
    """A model is compatible with itself."""
    assert findings(RIGHT, RIGHT) == []


@pytest.mark.row("M06")
def test_adding_is_free():
    """New stores, datasets, columns, groups and platforms need no notice, wherever a column stands."""
    more = ecosystem(
        team(
            stores=[store(datasets=[dataset(columns=[replace(NAME, nullable=False)]), dataset("more")]), store("S2")],
            workspaces=[workspace(groups=[group(), group("second")])],
        ),
        platforms=[platform(), platform("Second", FORENSIC)],
    )

    assert findings(RIGHT, more) == []


def test_moving_and_reordering_are_free():
    """A store may change its team, a dataset its place among the others."""
    two = [dataset("a"), dataset("b")]

    assert findings(with_store(*two), with_store(*reversed(two))) == []
    assert findings(RIGHT, ecosystem(team("another"))) == []


@pytest.mark.parametrize("announced", [None, "goes in May"], ids=["without notice", "announced"])
@pytest.mark.parametrize(
    ("deployed", "new", "finding"),
    [
        (
            lambda note: ecosystem(team(stores=[store(), store("Old", deprecated=note)])),
            lambda: RIGHT,
            ("DS201", "Eco/Zone/team/Old"),
        ),
        (
            lambda note: with_store(dataset(), dataset("old", deprecated=note)),
            lambda: RIGHT,
            ("DS202", f"{STORE}/old"),
        ),
        (
            lambda note: with_store(dataset(), dataset("old"), deprecated=note),
            lambda: RIGHT,
            ("DS202", f"{STORE}/old"),
        ),
        (lambda note: with_column(replace(NAME, deprecated=note)), lambda: RIGHT, ("DS203", f"{PEOPLE}/name")),
        (lambda note: with_column(NAME, deprecated=note), lambda: RIGHT, ("DS203", f"{PEOPLE}/name")),
        (
            lambda note: with_column(replace(NAME, deprecated=note)),
            lambda: with_column(replace(NAME, type=dsl.VarChar(50))),
            ("DS204", f"{PEOPLE}/name"),
        ),
        (
            lambda note: with_column(replace(NAME, deprecated=note)),
            lambda: with_column(replace(NAME, nullable=False)),
            ("DS205", f"{PEOPLE}/name"),
        ),
        (
            lambda note: with_column(replace(NAME, nullable=False), deprecated=note),
            lambda: with_column(replace(NAME, primary_key=True)),
            ("DS206", PEOPLE),
        ),
        (
            lambda note: with_store(dataset(), deprecated=note),
            lambda: with_store(replace(dataset(), schema=dsl.DDLTable([replace(KEY, primary_key=False)]))),
            ("DS206", PEOPLE),
        ),
    ],
    ids=["store", "dataset", "dataset of a store", "column", "column of a dataset", "type", "null", "key", "no key"],
)
def test_going_and_narrowing_need_notice(deployed, new, finding, announced):
    """Removing or narrowing is refused unless what is deployed already says that it is deprecated."""
    assert findings(deployed(announced), new()) == ([] if announced else [finding])


def test_notice_has_to_be_deployed_first():
    """A deprecation that comes with the change itself is no notice."""
    narrowed = with_column(replace(NAME, type=dsl.VarChar(50), deprecated="now"))

    assert findings(with_column(NAME), narrowed) == [("DS204", f"{PEOPLE}/name")]


def test_readers_of_what_narrows_are_named():
    """The message says who reads the column, the change in the words of the model, and what to do."""
    (finding,) = compatibility.findings(with_column(NAME), with_column(replace(NAME, type=dsl.VarChar(50))))

    assert finding.message == (
        "varchar(100) → varchar(50) does not keep every value of a column that Consumer/Group reads"
    )
    assert finding.fix.startswith("widen it again, or deprecate the column first")


@pytest.mark.parametrize(
    ("groups", "readers"),
    [
        ([], ""),
        (["a", "b"], " that Consumer/a and Consumer/b read"),
        (["a", "b", "c", "d"], " that Consumer/a, Consumer/b and 2 more read"),
    ],
)
def test_many_readers_are_counted(groups, readers):
    """Two readers are named, more are counted."""
    deployed = ecosystem(
        team(
            stores=[store(datasets=[dataset(), dataset("old")])],
            workspaces=[workspace(groups=[group(name, sinks=[("Store", "old")]) for name in groups])],
        )
    )

    assert compatibility.findings(deployed, RIGHT)[0].message == f"the dataset{readers} is no longer declared"


def test_label_that_goes_is_named():
    """Labels of an Enum may be added and not taken away."""
    deployed, more = (with_column(replace(NAME, type=dsl.Enum(labels))) for labels in (["a", "b"], ["a", "b", "c"]))

    assert findings(deployed, more) == []
    assert compatibility.findings(more, deployed)[0].message.startswith("taking away the label c ")


def test_platform_cannot_become_another():
    """Strategy and merge database of a platform stay; its schedule and budget may change, and it may go."""
    for changed, rules in (
        (platform(strategy=FORENSIC), ["DS207"]),
        (platform(merge_container=replace(MERGE, name="other")), ["DS208"]),
        (platform(merge_container=replace(MERGE, host="elsewhere"), default_schedule="0 * * * *"), []),
        (platform("Other"), []),
    ):
        assert [rule for rule, _ in findings(RIGHT, ecosystem(team(), platforms=[changed]))] == rules


def test_consistency_stays():
    """Other streams over the same tables are refused."""
    single = with_store(dataset(), capture={"consistency": dsl.Consistency.SINGLE_DATASET})

    assert findings(RIGHT, single) == [("DS209", STORE)]


def test_every_finding_is_reported():
    """All that a change breaks is told at once."""
    deployed = ecosystem(
        team(stores=[store(datasets=[dataset(columns=[NAME]), dataset("old")]), store("Old")]), owning_repo=HOME
    )
    new = with_column(replace(NAME, type=dsl.Integer(), nullable=False))

    assert [rule for rule, _ in findings(deployed, new)] == ["DS201", "DS202", "DS204", "DS205"]
