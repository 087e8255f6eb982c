"""A model whose every name is one that would break out of a statement, and random names that the linter lets through.

Nothing here runs a statement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

from datasurface.dsl import (
    Credential,
    Dataset,
    DatasetGroup,
    DatasetSink,
    Datastore,
    DDLColumn,
    DDLTable,
    Ecosystem,
    Enum,
    GovernanceZone,
    InfrastructureVendor,
    Integer,
    Location,
    MilestoneStrategy,
    PostgresDatabase,
    ProductionStatus,
    RetentionRequirements,
    SQLSnapshotIngestion,
    Team,
    Text,
    Workspace,
    YellowDataPlatform,
)
from datasurface.loader import LoadedModel
from datasurface.model.mapping import Assignment, AssignmentStatus, GroupAssignments, PlatformMapping
from datasurface.yellow.plan import names
from tests.db.models import HOME

LIVE, FORENSIC = MilestoneStrategy.LIVE_ONLY, MilestoneStrategy.BATCH_MILESTONED
#: What ends a string, an identifier, a comment or a statement, or means something to a formatter of Python's.
HOSTILE: Final = (
    '"; DROP TABLE public.canary; --',
    "'; DROP TABLE public.canary; --",
    "\\'; DROP TABLE public.canary; --",
    "$$; DROP TABLE public.canary; $$",
    "$function$",
    "%s %(key)s %(batch_id)s %% %",
    "{} {0} {merge} {columns} }{",
    "/* */ -- ",
    'a"b""c',
    "E'\\x27'",
    "\\N",
    "select",
    "user",
    "Name",
    "n\N{LATIN SMALL LETTER A WITH DIAERESIS}me",
    "na\N{COMBINING DIAERESIS}me",
    "\N{CYRILLIC SMALL LETTER ES}\N{CYRILLIC SMALL LETTER A}nary",
    "\N{RIGHT-TO-LEFT OVERRIDE}yranac\N{POP DIRECTIONAL FORMATTING}",
    "\N{FULLWIDTH QUOTATION MARK}\N{FULLWIDTH APOSTROPHE}\N{MODIFIER LETTER APOSTROPHE}\N{RIGHT SINGLE QUOTATION MARK}",
    "\N{ZERO WIDTH SPACE}",
    "\x80\x9b1m",
    " ",
    "n" * 63,
    "\N{GRINNING FACE}" * 15 + "abc",
    "host=evil.example dbname=x",
    "postgresql://evil.example/x",
)
#: Names of objects are ASCII words by the linter's rule; these are words that SQL reads as something else.
OBJECT_NAMES: Final = (
    "select",
    "user",
    "Drop Table canary --",
    "a--b",
    "1",
    "0x1F_",
    "public",
    "ds_revision",
    "n" * 100,
    "N" * 99 + "-",
    "X" * 30 + "  " + "y" * 30,
    "null",
)
#: Values of text columns; a label of an Enum may be any of them too.
VALUES: Final = (*HOSTILE, "", "\t", "\n\\.\n", "\r", "\\", "\\.", "NULL", "\x01\x1b[31m\x7f", "x" * 4000)


@dataclass(frozen=True, kw_only=True)
class Names:
    """A name for everything that has one."""

    platforms: Mapping[MilestoneStrategy, str]
    store: str
    workspace: str
    group: str
    datasets: Sequence[str]
    tables: Sequence[str]
    schema: str
    columns: Sequence[str]
    labels: Sequence[str]
    container: str = "customer_db"
    credential: str = "customer_reader"


EVERY_NAME: Final = Names(
    platforms={LIVE: "select", FORENSIC: "User - Drop--"},
    store="1 Table--",
    workspace="null - pg_catalog",
    group="0x27 OR 1",
    datasets=("select", "N" * 99 + "-"),
    tables=(HOSTILE[0], HOSTILE[5]),
    schema=HOSTILE[6],
    columns=HOSTILE,
    labels=VALUES[1:],
    container="a.b-c_d",
    credential="K--1.2_3",
)


def _fits(name: str) -> bool:
    return 0 < len(name.encode()) <= 63 and not name.lower().startswith("ds_surf_") and not _SYSTEM & {name}


_SYSTEM: Final = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}
_CHARACTERS: Final = st.characters(exclude_categories=["Cs"], exclude_characters=[*map(chr, range(32)), "\x7f"])
_LETTERS: Final = st.sampled_from("\"'\\%${}();-/*sx()=:@ ")
_free: Final = st.one_of(
    st.sampled_from(HOSTILE), st.text(_LETTERS, min_size=1, max_size=20), st.text(_CHARACTERS, min_size=1, max_size=40)
).filter(_fits)
_word: Final = st.one_of(
    st.sampled_from(OBJECT_NAMES), st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_ -]{0,40}[A-Za-z0-9_-]", fullmatch=True)
)
value: Final = st.one_of(
    st.sampled_from(VALUES), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
)
_file_name: Final = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", fullmatch=True).filter(
    lambda name: not name.startswith("ds_")
)


@st.composite
def some_names(draw: st.DrawFn) -> Names:
    """Names that the linter lets through."""
    words = draw(st.lists(_word, min_size=5, max_size=5, unique_by=names.kubernetes_name))
    free = draw(st.lists(_free, min_size=3, max_size=3, unique_by=str.lower))
    return Names(
        platforms={LIVE: words[0], FORENSIC: words[1]},
        store=words[2],
        workspace=words[3],
        group=words[4],
        datasets=draw(st.lists(_word, min_size=2, max_size=2, unique_by=names.kubernetes_name)),
        tables=free[:2],
        schema=free[2],
        columns=draw(st.lists(_free, min_size=1, max_size=8, unique_by=str.lower)),
        labels=draw(st.lists(value, min_size=1, max_size=8, unique=True)),
        container=draw(_file_name),
        credential=draw(_file_name),
    )


def loaded(given_names: Names) -> LoadedModel:
    """Two datasets in both strategies: the first has a key, a number and labels, the second no key."""
    here = ["MyCorp:USA"]
    merge = PostgresDatabase(name="merge_db", host="nowhere", database="merge", locations=here)
    team = Team(
        name="team1",
        owning_repo=HOME,
        datastores=[_store(given_names)],
        workspaces=[
            Workspace(
                name=given_names.workspace,
                groups=[_group(given_names, strategy) for strategy in given_names.platforms],
                documentation=HOSTILE[2],
            )
        ],
    )
    ecosystem = Ecosystem(
        name="Test",
        owning_repo=HOME,
        vendors=[InfrastructureVendor("MyCorp", locations=[Location("USA")])],
        data_platforms=[
            YellowDataPlatform(
                name=platform,
                milestone_strategy=strategy,
                merge_container=merge,
                default_schedule="* * * * *",
                store_hashes=strategy is LIVE,
            )
            for strategy, platform in given_names.platforms.items()
        ],
        zones=[GovernanceZone(name="USA", owning_repo=HOME, teams=[team])],
    )
    return LoadedModel(
        root=Path("/nowhere"),
        revision="dir-000000000001",
        ecosystem=ecosystem,
        mapping=_mapping(given_names),
        mapping_findings=(),
    )


def datasets(given_names: Names) -> Sequence[Dataset]:
    """The datasets of the model."""
    first, *others = given_names.columns
    columns = [DDLColumn(name, Text()) for name in others]
    keyed = [DDLColumn(first, Text(), primary_key=True), *columns, *_ends(given_names, others)]
    keyless = [DDLColumn(first, Text()), *columns]
    return [
        Dataset(name=name, schema=DDLTable(shape), documentation=HOSTILE[0])
        for name, shape in zip(given_names.datasets, (keyed, keyless), strict=True)
    ]


def group(given_names: Names, strategy: MilestoneStrategy) -> str:
    """The group of a strategy."""
    return given_names.group if strategy is LIVE else f"{given_names.group[:90]}_2"


def _store(given_names: Names) -> Datastore:
    container = PostgresDatabase(name=given_names.container, host="nowhere", database="none", locations=["MyCorp:USA"])
    return Datastore(
        name=given_names.store,
        production_status=ProductionStatus.NOT_PRODUCTION,
        datasets=datasets(given_names),
        capture=SQLSnapshotIngestion(
            container=container,
            credential=Credential(given_names.credential),
            tables=dict(zip(given_names.datasets, given_names.tables, strict=True)),
            schema=given_names.schema,
        ),
    )


def _ends(given_names: Names, others: Sequence[str]) -> list[DDLColumn]:
    """A number that changes and a column of labels."""
    taken = {given_names.columns[0], *others}
    number, label = (next(n for n in (name, name * 2, name * 3) if n not in taken) for name in ("%d", "{l}"))
    return [DDLColumn(number, Integer()), DDLColumn(label, Enum(list(given_names.labels)))]


def _group(given_names: Names, strategy: MilestoneStrategy) -> DatasetGroup:
    return DatasetGroup(
        group(given_names, strategy),
        requirements=RetentionRequirements(strategy, latency_seconds=600),
        sinks=[DatasetSink(given_names.store, dataset) for dataset in given_names.datasets],
    )


def _mapping(given_names: Names) -> PlatformMapping:
    return PlatformMapping(
        [
            GroupAssignments(
                workspace=given_names.workspace,
                group=group(given_names, strategy),
                assignments=[Assignment(data_platform=platform, status=AssignmentStatus.PROVISIONED)],
            )
            for strategy, platform in given_names.platforms.items()
        ]
    )
