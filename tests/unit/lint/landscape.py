"""A right model, and changes that make it wrong."""

from __future__ import annotations

from datasurface import dsl
from datasurface.lint.check import check
from datasurface.model.mapping import Assignment, AssignmentStatus, GroupAssignments, PlatformMapping

HOME = dsl.GitRepository("owner/model")
LIVE, FORENSIC = dsl.MilestoneStrategy.LIVE_ONLY, dsl.MilestoneStrategy.BATCH_MILESTONED
MERGE = dsl.PostgresDatabase(name="merge", host="localhost", database="merge", locations=["Acme:USA/NY"])
SOURCE = dsl.PostgresDatabase(name="source", host="localhost", database="source", locations=["Acme:USA/NY"])
KEY = dsl.DDLColumn("id", dsl.VarChar(20), primary_key=True)
PUBLIC = [dsl.SimpleClassification(dsl.ClassificationType.PUB)]


def dataset(name="people", columns=(), **fields):
    """A dataset with a key and the given columns."""
    fields = {"classifications": PUBLIC, **fields}
    return dsl.Dataset(name=name, schema=dsl.DDLTable([KEY, *columns]), **fields)


def store(name="Store", datasets=None, capture=None, **fields):
    """A store of one dataset; `capture` holds fields of its capture."""
    capture = {"container": SOURCE, "credential": dsl.Credential("reader"), **(capture or {})}
    return dsl.Datastore(
        name=name,
        datasets=[dataset()] if datasets is None else datasets,
        capture=dsl.SQLSnapshotIngestion(**capture),
        **fields,
    )


def platform(name="Yellow", strategy=LIVE, **fields):
    """A platform that looks every minute."""
    fields = {"merge_container": MERGE, "default_schedule": "* * * * *", **fields}
    return dsl.YellowDataPlatform(name=name, milestone_strategy=strategy, **fields)


def group(name="Group", strategy=LIVE, latency_seconds=60, sinks=(("Store", "people"),)):
    """A group of sinks, each a pair of store and dataset."""
    requirements = dsl.RetentionRequirements(strategy, latency_seconds=latency_seconds)
    return dsl.DatasetGroup(name, requirements=requirements, sinks=[dsl.DatasetSink(*sink) for sink in sinks])


def workspace(name="Consumer", groups=None, **fields):
    """A workspace of one group."""
    return dsl.Workspace(name=name, groups=[group()] if groups is None else groups, **fields)


def team(name="team", stores=None, workspaces=None, **fields):
    """A team of one store and one workspace."""
    fields = {"owning_repo": HOME, **fields}
    stores = [store()] if stores is None else stores
    workspaces = [workspace()] if workspaces is None else workspaces
    return dsl.Team(name=name, datastores=stores, workspaces=workspaces, **fields)


def ecosystem(team=None, platforms=None, zones=None, **fields):
    """An ecosystem of one zone with one team."""
    place = dsl.Location("USA", locations=[dsl.Location("NY")])
    fields = {"vendors": [dsl.InfrastructureVendor("Acme", locations=[place])], "owning_repo": HOME, **fields}
    zones = [dsl.GovernanceZone(name="Zone", owning_repo=HOME, teams=[team])] if zones is None else zones
    return dsl.Ecosystem(name="Eco", data_platforms=platforms or [platform()], zones=zones, **fields)


def assigned(*platforms, workspace="Consumer", group="Group", line=None, **fields):
    """The entry of a group in the mapping; each platform is a name or an Assignment."""
    fields = {"status": AssignmentStatus.PROVISIONED, **fields}
    assignments = [
        each if isinstance(each, Assignment) else Assignment(data_platform=each, **fields) for each in platforms
    ]
    return GroupAssignments(workspace=workspace, group=group, assignments=assignments, line=line)


def mapping(*entries):
    """A mapping file of the given entries."""
    return PlatformMapping(entries)


RIGHT = ecosystem(team())
MAPPED = mapping(assigned("Yellow"))


def found(eco=RIGHT, mapped=MAPPED, **options):
    """Every finding as (rule, path)."""
    return [(finding.rule, finding.path) for finding in check(eco, mapped, **options).findings]


def with_column(*columns, **fields):
    """The right ecosystem with further columns in its dataset."""
    return ecosystem(team(stores=[store(datasets=[dataset(columns=columns, **fields)])]))


def only(eco=RIGHT, mapped=MAPPED):
    """The finding of a model that has just one."""
    (finding,) = check(eco, mapped).findings
    return finding
