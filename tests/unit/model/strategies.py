"""Models that hypothesis makes up: anything that the classes accept, right by lint or not."""

from __future__ import annotations

from hypothesis import strategies as st

from datasurface import dsl
from datasurface.model.mapping import (
    Assignment,
    AssignmentStatus,
    DeprecationsAllowed,
    GroupAssignments,
    PlatformMapping,
)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
names = texts.filter(bool)
notes = st.none() | texts


def few(elements):
    """Up to two of them."""
    return st.lists(elements, max_size=2)


scalars = st.one_of(
    st.builds(dsl.VarChar, st.none() | st.integers(1, 10_485_760)),
    st.builds(dsl.Char, st.integers(1, 10_485_760)),
    st.just(dsl.Decimal()),
    st.integers(1, 1000).flatmap(lambda digits: st.builds(dsl.Decimal, st.just(digits), st.integers(0, digits))),
    st.sampled_from([dsl.Text(), dsl.SmallInt(), dsl.Integer(), dsl.BigInt(), dsl.Real(), dsl.Double()]),
    st.sampled_from([dsl.Date(), dsl.Time(), dsl.Timestamp(), dsl.TimestampTZ(), dsl.Interval()]),
    st.sampled_from([dsl.Boolean(), dsl.UUID(), dsl.Bytes(), dsl.JSON(), dsl.JSONB()]),
)
enums = st.builds(dsl.Enum, st.lists(texts, min_size=1, max_size=3, unique=True))
types = st.one_of(scalars, enums, st.builds(dsl.Array, scalars))

classifications = few(st.builds(dsl.SimpleClassification, st.sampled_from(dsl.ClassificationType), texts))
columns = st.builds(dsl.DDLColumn, names, types, st.booleans(), st.booleans(), classifications, texts, notes)
datasets = st.builds(
    dsl.Dataset,
    name=names,
    schema=st.builds(dsl.DDLTable, few(columns)),
    classifications=classifications,
    documentation=texts,
    deprecated=notes,
)
containers = st.builds(
    dsl.PostgresDatabase, name=names, host=names, database=names, port=st.integers(1, 65535), locations=few(texts)
)
credentials = st.builds(dsl.Credential, names, st.sampled_from(dsl.CredentialType))
triggers = st.none() | st.builds(dsl.CronTrigger, names, names) | st.builds(dsl.ExternalTrigger)
stores = st.builds(
    dsl.Datastore,
    name=names,
    datasets=few(datasets),
    capture=st.builds(
        dsl.SQLSnapshotIngestion,
        container=containers,
        credential=credentials,
        consistency=st.sampled_from(dsl.Consistency),
        tables=st.dictionaries(texts, texts, max_size=2),
        schema=names,
        trigger=triggers,
    ),
    production_status=st.sampled_from(dsl.ProductionStatus),
    documentation=texts,
    deprecated=notes,
)
strategies = st.sampled_from(dsl.MilestoneStrategy)
groups = st.builds(
    dsl.DatasetGroup,
    names,
    st.builds(dsl.RetentionRequirements, strategies, st.integers(1, 315_360_000)),
    few(st.builds(dsl.DatasetSink, names, names)),
)
workspaces = st.builds(dsl.Workspace, name=names, groups=few(groups), consumer_database=notes, documentation=texts)
repositories = st.builds(dsl.GitRepository, names, names, names)
teams = st.builds(
    dsl.Team,
    name=names,
    owning_repo=repositories,
    datastores=few(stores),
    workspaces=few(workspaces),
    documentation=texts,
)
zones = st.builds(dsl.GovernanceZone, name=names, owning_repo=repositories, teams=few(teams), documentation=texts)
locations = st.recursive(
    st.builds(dsl.Location, names), lambda inner: st.builds(dsl.Location, names, few(inner)), max_leaves=5
)
platforms = st.builds(
    dsl.YellowDataPlatform,
    name=names,
    milestone_strategy=strategies,
    merge_container=containers,
    default_schedule=names,
    credential=st.none() | credentials,
    timezone=names,
    run_budget_seconds=st.integers(0, 86_400),
    look_interval_seconds=st.integers(1, 3_600),
    full_comparison_hours=st.integers(0, 8_760),
    store_hashes=st.booleans(),
    retention_days=st.integers(0, 36_500),
    documentation=texts,
)
ecosystems = st.builds(
    dsl.Ecosystem,
    name=names,
    owning_repo=repositories,
    data_platforms=few(platforms),
    zones=few(zones),
    vendors=few(st.builds(dsl.InfrastructureVendor, names, few(locations))),
    documentation=texts,
)
lines = st.none() | st.integers(1, 1_000_000)
mappings = st.builds(
    PlatformMapping,
    few(
        st.builds(
            GroupAssignments,
            workspace=names,
            group=names,
            assignments=few(
                st.builds(
                    Assignment,
                    data_platform=names,
                    status=st.sampled_from(AssignmentStatus),
                    documentation=texts,
                    production_status=st.sampled_from(dsl.ProductionStatus),
                    deprecations_allowed=st.sampled_from(DeprecationsAllowed),
                    line=lines,
                )
            ),
            line=lines,
        )
    ),
)

#: Any JSON value, and any that only Python has.
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
python_values = json_values | st.binary() | st.dictionaries(st.integers() | st.none(), st.integers(), max_size=2)
