"""What is named exists, and is named once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from datasurface import dsl
from tests.unit.lint.landscape import (
    MERGE,
    SOURCE,
    assigned,
    dataset,
    ecosystem,
    found,
    group,
    mapping,
    only,
    platform,
    store,
    team,
    with_column,
    workspace,
)

STORE, GROUP = "Eco/Zone/team/Store", "Eco/Zone/team/Consumer/Group"


def captured(**capture):
    """The right model, its store captured otherwise."""
    return ecosystem(team(stores=[store(capture=capture)]))


def consuming(*sinks):
    """The right model, its group asking for other sinks."""
    return ecosystem(team(workspaces=[workspace(groups=[group(sinks=sinks)])]))


@pytest.mark.parametrize(
    "host", ["localhost", "db-1.acme.example", "10.0.0.7", "fe80::1", "/var/run/postgresql", "a_b"]
)
def test_host_is_right(host):
    """Host names, addresses and the directory of a socket are hosts."""
    assert found(captured(container=replace(SOURCE, host=host))) == []


@pytest.mark.parametrize("host", ["user:word@db", "postgres://db", "db/x", "db 1", "a,b", "-h", "größe"])
def test_host_that_holds_more_is_found_and_not_shown(host):
    """An address with a login in it is refused without being repeated."""
    finding = only(captured(container=replace(SOURCE, host=host)))

    assert (finding.rule, finding.path) == ("DS111", STORE)
    assert host not in finding.message + finding.fix


@pytest.mark.row("M03", kind="refusal")
def test_unknown_location_is_found():
    """A place that no vendor declares is refused, with the place that was meant."""
    finding = only(captured(container=replace(SOURCE, locations=["Acme:USA/NZ"])))

    assert finding.rule == "DS112"
    assert 'did you mean "Acme:USA/NY"?' in finding.message


def test_containers_of_one_name_differ():
    """Two databases of one name would be replaced by one address."""
    model = ecosystem(team(), platforms=[platform(merge_container=replace(MERGE, name="source"))])

    assert (only(model).rule, only(model).path) == ("DS113", STORE)


@pytest.mark.parametrize(
    "repository",
    [
        dsl.GitRepository("model"),
        dsl.GitRepository("https://github.com/owner/model"),
        dsl.GitRepository("owner/../model"),
        dsl.GitRepository("-c/x"),
        dsl.GitRepository("owner/model", branch="--force"),
        dsl.GitRepository("owner/model", branch="a..b"),
        dsl.GitRepository("owner/model", branch="a b"),
        dsl.GitRepository("owner/model", host="git@host"),
    ],
    ids=str,
)
def test_repository_that_git_cannot_take_is_found(repository):
    """What would be an option, a way out or an address is no repository."""
    assert found(ecosystem(team(owning_repo=repository))) == [("DS114", "Eco/Zone/team")]


@pytest.mark.parametrize(
    "repository", [dsl.GitRepository("group/sub/model", branch="release/1.2", host="git.acme.example:8443")], ids=str
)
def test_repository_of_any_host_is_right(repository):
    """Nested groups, branches with slashes and hosts with a port are fine."""
    assert found(ecosystem(team(owning_repo=repository))) == []


@pytest.mark.row("M12", kind="refusal")
def test_table_of_an_unknown_dataset_is_found():
    """An entry of capture.tables that belongs to no dataset is refused."""
    finding = only(captured(tables={"peeple": "people"}))

    assert (finding.rule, finding.path) == ("DS115", STORE)
    assert 'did you mean "people"?' in finding.message


@pytest.mark.row("M09", kind="refusal")
@pytest.mark.parametrize(
    ("sink", "message"),
    [
        (("Stor", "people"), 'asks for store "Stor", which does not exist; did you mean "Store"?'),
        (("Store", "peeple"), 'asks for dataset "peeple", which Store does not have; did you mean "people"?'),
        (("store", "people"), 'asks for store "store", which does not exist; did you mean "Store"?'),
    ],
)
def test_unknown_sink_is_found(sink, message):
    """A sink that names nothing is refused at its group."""
    finding = only(consuming(sink))

    assert (finding.rule, finding.path, finding.message) == ("DS116", GROUP, message)


def test_sink_asked_for_twice_is_found():
    """The same dataset twice in a group would be one view."""
    assert only(consuming(("Store", "people"), ("Store", "people"))).rule == "DS124"


@pytest.mark.parametrize("second", ["Same", "SAME"], ids=["equal", "other case"])
@pytest.mark.parametrize("kind", ["platform", "zone", "team", "store", "dataset", "workspace", "group"])
def test_repeated_name_is_found(kind, second):
    """Two objects of a kind may not have names that are equal but for their case."""
    names = ["Same", second]
    twice = {
        "platform": lambda: ecosystem(team(), platforms=[platform(), *map(platform, names)]),
        "zone": lambda: ecosystem(
            zones=[
                dsl.GovernanceZone(name="Zone", owning_repo=dsl.GitRepository("a/b"), teams=[team()]),
                *(dsl.GovernanceZone(name=name, owning_repo=dsl.GitRepository("a/b")) for name in names),
            ]
        ),
        "team": lambda: ecosystem(
            zones=[
                dsl.GovernanceZone(
                    name="Zone",
                    owning_repo=dsl.GitRepository("a/b"),
                    teams=[team(), *(team(name, [], []) for name in names)],
                )
            ]
        ),
        "store": lambda: ecosystem(team(stores=[store(), *map(store, names)])),
        "dataset": lambda: ecosystem(team(stores=[store(datasets=[dataset(), *map(dataset, names)])])),
        "workspace": lambda: ecosystem(team(workspaces=[workspace(), *(workspace(name, []) for name in names)])),
        "group": lambda: ecosystem(team(workspaces=[workspace(groups=[group(), *(group(name) for name in names)])])),
    }
    groups = {"Group", *names} if kind == "group" else {"Group"}
    entries = [assigned("Yellow", group=name) for name in sorted(groups)]

    finding = only(twice[kind](), mapping(*entries))

    assert finding.rule == "DS121"
    assert finding.path.endswith(f"/{second}")
    assert kind in finding.message


def test_store_of_another_team_is_named():
    """Two teams with a store of one name learn of each other."""
    zone = dsl.GovernanceZone(
        name="Zone", owning_repo=dsl.GitRepository("a/b"), teams=[team(), team("other", workspaces=[])]
    )

    finding = only(ecosystem(zones=[zone]))

    assert (finding.path, finding.message) == (
        "Eco/Zone/other/Store",
        "two stores have this name, the other is Eco/Zone/team/Store",
    )


def test_repeated_places_are_found():
    """Vendors and places are declared once."""
    ny = dsl.Location("NY")
    vendors = [
        dsl.InfrastructureVendor("Acme", locations=[dsl.Location("USA", locations=[ny, ny])]),
        dsl.InfrastructureVendor("acme"),
    ]

    assert found(ecosystem(team(), vendors=vendors)) == [("DS122", "Eco/acme"), ("DS122", "Eco/Acme/USA/NY")]


@pytest.mark.parametrize("second", ["name", "NAME"])
def test_repeated_column_is_found(second):
    """Columns that differ in case alone could not be told apart in a source."""
    finding = only(with_column(dsl.DDLColumn("name", dsl.Text()), dsl.DDLColumn(second, dsl.Text())))

    assert (finding.rule, finding.path) == ("DS123", f"{STORE}/people/{second}")
