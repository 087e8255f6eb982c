"""Random models for property tests: small, with every kind of thing that a plan can hold."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from datasurface.dsl import (
    ClassificationType,
    Consistency,
    Credential,
    CronTrigger,
    Dataset,
    DatasetSink,
    Datastore,
    DDLColumn,
    DDLTable,
    Decimal,
    Ecosystem,
    Enum,
    ExternalTrigger,
    Integer,
    SimpleClassification,
    Text,
    VarChar,
    Workspace,
    YellowDataPlatform,
)
from datasurface.model.mapping import Assignment, AssignmentStatus, GroupAssignments, PlatformMapping
from tests.unit.plan.landscapes import CAPTURE, FORENSIC, LIVE, MERGE, ecosystem, group

NAMES = st.text("aB_ -é顧", min_size=1, max_size=24)
TYPES = st.sampled_from([Text(), Integer(), VarChar(20), Decimal(9, 2), Enum(["x", "y"])])
CLASSIFICATIONS = st.lists(st.builds(SimpleClassification, st.sampled_from(ClassificationType)), max_size=2)
COLUMNS = st.lists(
    st.builds(
        DDLColumn,
        NAMES,
        TYPES,
        nullable=st.booleans(),
        primary_key=st.booleans(),
        classifications=CLASSIFICATIONS,
    ),
    max_size=4,
    unique_by=lambda column: column.name,
)
DATASETS = st.lists(
    st.builds(Dataset, name=NAMES, schema=st.builds(DDLTable, columns=COLUMNS), classifications=CLASSIFICATIONS),
    max_size=3,
    unique_by=lambda dataset: dataset.name,
)
CAPTURES = st.builds(
    lambda consistency, trigger: replace(CAPTURE, consistency=consistency, trigger=trigger),
    st.sampled_from(Consistency),
    st.sampled_from([None, ExternalTrigger(), CronTrigger("0 3 * * *")]),
)
STORES = st.lists(
    st.builds(Datastore, name=NAMES, datasets=DATASETS, capture=CAPTURES),
    max_size=3,
    unique_by=lambda store: store.name,
)
PLATFORMS = st.lists(
    st.builds(
        YellowDataPlatform,
        name=NAMES,
        milestone_strategy=st.sampled_from([LIVE, FORENSIC]),
        merge_container=st.just(MERGE),
        default_schedule=st.just("* * * * *"),
        credential=st.none() | st.builds(Credential, NAMES),
        store_hashes=st.booleans(),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda platform: platform.name,
)


@st.composite
def landscapes(draw: st.DrawFn) -> tuple[Ecosystem, PlatformMapping]:
    """A model and a mapping whose names mostly refer to each other."""
    stores, platforms = draw(STORES), draw(PLATFORMS)
    sinks = [DatasetSink(store.name, dataset.name) for store in stores for dataset in store.datasets]
    chosen = st.lists(st.sampled_from([*sinks, DatasetSink("none", "none")]), max_size=4)
    groups = [
        group(
            name, draw(st.sampled_from([LIVE, FORENSIC])), latency_seconds=draw(st.integers(1, 99)), sinks=draw(chosen)
        )
        for name in draw(st.lists(NAMES, max_size=3, unique=True))
    ]
    workspace = Workspace(name=draw(NAMES), groups=groups, consumer_database=draw(st.none() | NAMES))
    assignments = st.lists(
        st.builds(
            Assignment,
            data_platform=st.sampled_from([platform.name for platform in platforms]),
            status=st.sampled_from(AssignmentStatus),
        ),
        max_size=3,
    )
    mapping = PlatformMapping(
        [GroupAssignments(workspace=workspace.name, group=one.name, assignments=draw(assignments)) for one in groups]
    )
    return ecosystem(stores=stores, workspaces=[workspace], platforms=platforms), mapping


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[tuple[Ecosystem, PlatformMapping], tuple[Ecosystem, PlatformMapping]]:
    """A model and the same with all in another order that has no meaning; columns alone keep theirs."""
    model, mapping = draw(landscapes())
    team = model.zones[0].teams[0]
    (workspace,) = team.workspaces
    stores = [replace(store, datasets=draw(st.permutations(store.datasets))) for store in team.datastores]
    groups = [replace(one, sinks=draw(st.permutations(one.sinks))) for one in workspace.groups]
    other = ecosystem(
        stores=draw(st.permutations(stores)),
        workspaces=[replace(workspace, groups=draw(st.permutations(groups)))],
        platforms=draw(st.permutations(model.data_platforms)),
    )
    entries = [replace(entry, assignments=draw(st.permutations(entry.assignments))) for entry in mapping.groups]
    return (model, mapping), (other, PlatformMapping(draw(st.permutations(entries))))
