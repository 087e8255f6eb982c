"""Names that tables, DAGs and directories can carry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from datasurface import dsl
from tests.unit.lint.landscape import (
    KEY,
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


def store_named(name):
    """A model whose store has that name, and the path of the store."""
    groups = [group(sinks=[(name, "people")])]
    return ecosystem(team(stores=[store(name)], workspaces=[workspace(groups=groups)]))


@pytest.mark.row("M15")
@pytest.mark.parametrize("name", ["Store1", "a", "7", "a b-c_d", "select", "table", "x" * 64, "x" * 100])
def test_name_is_right(name):
    """Letters, digits, `_`, `-`, spaces and reserved words are names, also of 64 bytes and more."""
    assert found(store_named(name)) == []


@pytest.mark.row("M15", kind="refusal")
@pytest.mark.parametrize(
    "name", ["größe", 'quo"te', "it's", "a.b", "a/b", "a#b", "-a", "_a", " a", "a ", "a\tb", "a\x1bb", "日本", ";"]
)
def test_name_with_other_characters_is_found(name):
    """Non-ASCII, quotes, control characters and punctuation are refused in the name of an object."""
    finding = only(store_named(name))

    assert finding.rule == "DS101"
    assert finding.path.isprintable()


def test_name_is_at_most_100_characters():
    """A longer name would not fit where two of them make a key."""
    finding = only(store_named("x" * 101))

    assert (finding.rule, finding.message) == ("DS102", "the name has 101 characters")


def test_names_of_all_objects_are_looked_at():
    """Every kind of object has its name checked."""
    wrong = dsl.Ecosystem(
        name="E!",
        owning_repo=dsl.GitRepository("a/b"),
        vendors=[dsl.InfrastructureVendor("V!", locations=[dsl.Location("L!", locations=[dsl.Location("M!")])])],
        data_platforms=[platform("P!", merge_container=replace(SOURCE, locations=[]))],
        zones=[
            dsl.GovernanceZone(
                name="Z!",
                owning_repo=dsl.GitRepository("a/b"),
                teams=[
                    team(
                        "T!",
                        stores=[
                            store("S!", datasets=[dataset("D!")], capture={"container": replace(SOURCE, locations=[])})
                        ],
                        workspaces=[workspace("W!", groups=[group("G!", sinks=[("S!", "D!")])])],
                    )
                ],
            )
        ],
    )

    assert found(wrong, mapping(assigned("P!", workspace="W!", group="G!"))) == [
        ("DS101", path)
        for path in (
            "E!",
            "E!/V!",
            "E!/V!/L!",
            "E!/V!/L!/M!",
            "E!/P!",
            "E!/Z!",
            "E!/Z!/T!",
            "E!/Z!/T!/S!",
            "E!/Z!/T!/S!/D!",
            "E!/Z!/T!/W!",
            "E!/Z!/T!/W!/G!",
        )
    ]


@pytest.mark.parametrize("name", ["größe", 'quo"te', "it's", "select", "a b", "x" * 63, "ü" * 31, ";", "%s", "Id2"])
def test_column_may_have_any_name(name):
    """Column names are always quoted: other languages, quotes, spaces and reserved words are theirs to have."""
    assert found(with_column(dsl.DDLColumn(name, dsl.Text()))) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x" * 64, "the name has 64 bytes, PostgreSQL keeps 63"),
        ("ü" * 32, "the name has 64 bytes, PostgreSQL keeps 63"),
        ("a\nb", "the name has a control character"),
        ("a\x7f", "the name has a control character"),
        ("ctid", '"ctid" is a system column of every PostgreSQL table'),
        ("ds_surf_batch_id", "names that begin with ds_surf_ are the platform's own"),
        ("DS_SURF_x", "names that begin with ds_surf_ are the platform's own"),
    ],
)
def test_column_name_that_a_table_cannot_have_is_found(name, message):
    """A name that would be cut, is taken, or cannot be written is refused at its column."""
    finding = only(with_column(dsl.DDLColumn(name, dsl.Text())))

    assert (finding.rule, finding.message) == ("DS103", message)


@pytest.mark.parametrize(
    "capture",
    [
        {"tables": {"people": "t" * 64}},
        {"tables": {"people": "a\x00b".replace("\x00", "\x01")}},
        {"tables": {"people": ""}},
        {"schema": "s" * 64},
        {"container": replace(SOURCE, database="d" * 64)},
    ],
    ids=["long table", "control character", "empty table", "long schema", "long database"],
)
def test_source_that_cannot_exist_is_found(capture):
    """Tables, schemas and databases of names that PostgreSQL has not are refused."""
    assert only(ecosystem(team(stores=[store(capture=capture)]))).rule == "DS104"


def test_dataset_of_a_long_name_needs_a_table():
    """A dataset longer than any table is right once its table is named."""
    name = "d" * 64
    workspaces = [workspace(groups=[group(sinks=[("Store", name)])])]

    def model(**capture):
        return ecosystem(team(stores=[store(datasets=[dataset(name)], capture=capture)], workspaces=workspaces))

    assert [rule for rule, _ in found(model())] == ["DS104"]
    assert found(model(tables={name: 'sch"ön'})) == []


@pytest.mark.parametrize("name", ["../../etc", "a/b", ".hidden", "a b", "größe", "x" * 64, "-a"])
def test_credential_that_is_no_directory_is_found(name):
    """A credential's name cannot lead out of the directory of credentials."""
    assert only(ecosystem(team(stores=[store(capture={"credential": dsl.Credential(name)})]))).rule == "DS105"


@pytest.mark.parametrize("name", ["job", "apply", "git", "slack"])
def test_credential_with_a_name_of_the_installation_is_found(name):
    """An installation names its own Secrets so; a source must not get the login that changes tables."""
    taken = dsl.Credential(name)

    of_source = only(ecosystem(team(stores=[store(capture={"credential": taken})])))
    of_platform = only(ecosystem(team(), platforms=[platform(credential=taken)]))

    assert (of_source.rule, of_platform.rule) == ("DS603", "DS603")
    assert f'"{name}"' in of_source.message


def test_key_column_is_named_like_any_other():
    """The key's column is looked at as well."""
    key = replace(KEY, name="xmin")
    schema = dsl.DDLTable([key])

    assert only(ecosystem(team(stores=[store(datasets=[replace(dataset(), schema=schema)])]))).rule == "DS103"
