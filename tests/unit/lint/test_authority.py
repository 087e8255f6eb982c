"""Every part of a model is changed from where its deployed owner says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from datasurface import dsl
from datasurface.errors import UsageError
from datasurface.lint import authority
from tests.unit.lint.landscape import MAPPED, dataset, ecosystem, mapping, platform, store, team

ROOT, ZONE, TEAM, STRANGER = (dsl.GitRepository(f"owner/{name}") for name in ("root", "zone", "team", "stranger"))
ORIGINS = {"root": ROOT, "zone": ZONE, "team": TEAM, "stranger": STRANGER}


def model(zone=ZONE, owner=TEAM, teams=None, **fields):
    """A model whose ecosystem, zone and team have an owner each."""
    teams = [team(owning_repo=owner)] if teams is None else teams
    zones = [dsl.GovernanceZone(name="Zone", owning_repo=zone, teams=teams)]
    return ecosystem(zones=zones, **{"owning_repo": ROOT, **fields})


DEPLOYED = model()
OTHER_STORE = team(owning_repo=TEAM, stores=[store(datasets=[dataset("other")])])


def judged(new, origin, deployed=DEPLOYED, **mappings):
    """Every finding as (rule, path)."""
    return [(each.rule, each.path) for each in authority.findings(deployed, new, origin, **mappings)]


@pytest.mark.parametrize("origin", ORIGINS.values(), ids=ORIGINS)
def test_what_stays_may_come_from_anywhere(origin):
    """A model without a change is nobody's trespass."""
    assert judged(DEPLOYED, origin, deployed_mapping=MAPPED, new_mapping=MAPPED) == []


@pytest.mark.parametrize(
    ("new", "owner", "finding"),
    [
        (model(platforms=[platform(run_budget_seconds=5)]), "root", ("DS901", "Eco")),
        (model(documentation="new"), "root", ("DS901", "Eco")),
        (model(owning_repo=STRANGER), "root", ("DS901", "Eco")),
        (model(zone=STRANGER), "root", ("DS901", "Eco")),
        (ecosystem(zones=[], owning_repo=ROOT), "root", ("DS901", "Eco")),
        (model(teams=[]), "zone", ("DS902", "Eco/Zone")),
        (model(owner=STRANGER), "zone", ("DS902", "Eco/Zone")),
        (model(teams=[team(owning_repo=TEAM), team("new", [], [], owning_repo=TEAM)]), "zone", ("DS902", "Eco/Zone")),
        (model(teams=[OTHER_STORE]), "team", ("DS903", "Eco/Zone/team")),
        (model(teams=[team(owning_repo=TEAM, workspaces=[])]), "team", ("DS903", "Eco/Zone/team")),
        (model(teams=[team(owning_repo=TEAM, documentation="new")]), "team", ("DS903", "Eco/Zone/team")),
    ],
    ids=str,
)
@pytest.mark.parametrize("origin", ORIGINS)
def test_part_is_changed_by_its_owner_alone(new, owner, finding, origin):
    """Only the repository that owns a part may change it; those above may declare it and no more."""
    assert judged(new, ORIGINS[origin]) == ([] if origin == owner else [finding])


def test_branch_and_host_are_part_of_the_identity():
    """The same repository on another branch or host is another one."""
    new = model(teams=[OTHER_STORE])

    assert judged(new, TEAM) == []
    assert judged(new, replace(TEAM, branch="feature")) == [("DS903", "Eco/Zone/team")]
    assert judged(new, replace(TEAM, host="git.example")) == [("DS903", "Eco/Zone/team")]


def test_nobody_gives_himself_a_part():
    """The owner that counts is the deployed one, not the one that the change writes."""
    taken = model(owner=STRANGER, teams=[replace(OTHER_STORE, owning_repo=STRANGER)])

    assert judged(taken, STRANGER) == [("DS902", "Eco/Zone"), ("DS903", "Eco/Zone/team")]


def test_new_team_is_filled_by_its_owner():
    """A team is declared from above, and what it holds comes from its own repository."""
    declared = model(teams=[team(owning_repo=TEAM), team("new", [], [], owning_repo=STRANGER)])
    filled = model(teams=[team(owning_repo=TEAM), team("new", [store("S2")], [], owning_repo=STRANGER)])

    assert judged(declared, ZONE) == []
    assert judged(filled, STRANGER, deployed=declared) == []
    assert judged(filled, ZONE) == [("DS903", "Eco/Zone/new")]


def test_first_model_is_judged_by_the_owners_that_it_declares():
    """With nothing deployed each part has to come from its own repository."""
    alone = ecosystem(team(owning_repo=ROOT), owning_repo=ROOT)
    alone = replace(alone, zones=[replace(alone.zones[0], owning_repo=ROOT)])

    assert judged(alone, ROOT, deployed=None, new_mapping=MAPPED) == []
    assert [rule for rule, _ in judged(alone, STRANGER, deployed=None, new_mapping=MAPPED)] == [
        "DS901",
        "DS902",
        "DS903",
        "DS904",
    ]


@pytest.mark.row("M10", kind="refusal")
@pytest.mark.parametrize(("origin", "rules"), [(ROOT, []), (TEAM, [("DS904", "dsg_platform_mapping.json")])])
def test_mapping_is_changed_by_the_ecosystem_s_repository(origin, rules):
    """Assignments are the ecosystem's matter; lines of the file are not."""
    assert judged(DEPLOYED, origin, deployed_mapping=mapping(), new_mapping=MAPPED) == rules
    moved = mapping(*(replace(entry, line=7) for entry in MAPPED.groups))
    assert judged(DEPLOYED, origin, deployed_mapping=MAPPED, new_mapping=moved) == []


@pytest.mark.parametrize(
    ("written", "host", "name"),
    [
        ("owner/name", "github.com", "owner/name"),
        ("group/sub/name", "github.com", "group/sub/name"),
        ("git.example/owner/name", "git.example", "owner/name"),
        ("localhost/owner/name", "localhost", "owner/name"),
        ("https://git.example/owner/name.git", "git.example", "owner/name"),
        ("https://user:word@git.example:8443/owner/name/", "git.example:8443", "owner/name"),
        ("ssh://git@git.example/owner/name.git", "git.example", "owner/name"),
        ("git@git.example:owner/name.git", "git.example", "owner/name"),
    ],
)
def test_origin_is_read_from_what_git_takes(written, host, name):
    """However a repository is written, its identity is host, name and branch, without a login."""
    assert authority.origin_of(written, "main") == dsl.GitRepository(name, branch="main", host=host)


@pytest.mark.parametrize(("repository", "branch"), [("", "main"), ("https://", "main"), ("owner/name", "")])
def test_origin_that_is_none_is_refused(repository, branch):
    """An empty repository or branch is a wrong command line."""
    with pytest.raises(UsageError, match="the repository or branch is not named"):
        authority.origin_of(repository, branch)
