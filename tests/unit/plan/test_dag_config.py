"""DAG rows: the fields of config_json, where each comes from, and what an installation adds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from datasurface.dsl import Consistency, CronTrigger, ExternalTrigger, GitRepository
from datasurface.model import codec
from datasurface.model.mapping import PlatformMapping
from datasurface.yellow.plan.dag_config import DagConfig, at_address, repository_url
from tests.unit.plan.landscapes import (
    CAPTURE,
    STORE,
    YELLOW_FORENSIC,
    YELLOW_LIVE,
    assigned,
    captured,
    ecosystem,
    installation,
    plan,
)

#: The fields of row D10, which keep their names.
ORIGINAL_FIELDS = frozenset(
    {
        "stream_key",
        "single_dataset",
        "datasets",
        "store_name",
        "ingestion_type",
        "namespace_name",
        "platform_name",
        "original_platform_name",
        "postgres_hostname",
        "postgres_database",
        "postgres_port",
        "postgres_credential_secret_name",
        "git_credential_secret_name",
        "slack_credential_secret_name",
        "datasurface_docker_image",
        "git_repo_url",
        "git_repo_branch",
        "source_credential_secret_name",
    }
)


def live_config(**changes: Any) -> Any:
    """The config of the live stream of Store1."""
    rows = plan(**changes).dags
    return next(row.config for row in rows if row.config["original_platform_name"] == "YellowLive")


@pytest.mark.row("D10")
def test_config_json_has_the_contracts_fields() -> None:
    """The fields of orchestration by their names, and those that the schedule and the pod need."""
    config = live_config(installed=installation())

    assert config.keys() >= ORIGINAL_FIELDS
    assert config.keys() - ORIGINAL_FIELDS == {
        "dag_id",
        "connections_config_map_name",
        "documentation",
        "grace_period_seconds",
        "image_pull_policy",
        "image_pull_secrets",
        "instance_name",
        "job_credential_name",
        "resources",
        "run_budget_seconds",
        "schedule",
        "service_account_name",
        "source_credential_name",
        "team",
        "timezone",
        "v",
    }


@pytest.mark.row("D07", "D10", "D14")
def test_a_row_says_what_the_model_says() -> None:
    """Names in both spellings, datasets, addresses as they are, the budget and the owner."""
    config = live_config(installed=installation())

    assert (config["platform_name"], config["original_platform_name"]) == ("yellowlive", "YellowLive")
    assert (config["stream_key"], config["store_name"], config["single_dataset"]) == ("Store1", "Store1", False)
    assert config["datasets"] == ["addresses", "customers"]
    assert config["dag_id"] == "yellowlive__Store1_ingestion"
    assert config["postgres_hostname"] == "merge.example.com"
    assert (config["postgres_port"], config["postgres_database"]) == (5432, "datasurface_merge")
    assert (config["run_budget_seconds"], config["ingestion_type"]) == (55, "sql_snapshot")
    assert (config["team"], config["documentation"]) == ("team1", STORE.documentation)


@pytest.mark.row("D10")
def test_a_stream_of_one_dataset_says_so() -> None:
    """SINGLE_DATASET: the row names its one dataset."""
    rows = plan(ecosystem(stores=[captured(Consistency.SINGLE_DATASET)])).dags
    row = next(row for row in rows if row.stream_key == "Store1#customers")

    assert (row.config["single_dataset"], row.config["datasets"]) == (True, ["customers"])
    assert row.config["dag_id"].endswith("__Store1.customers_ingestion")


@pytest.mark.row("M08", "M13")
def test_without_a_trigger_the_platforms_pace_holds() -> None:
    """One store feeds a platform every minute and another every ten."""
    rows = plan().dags

    assert {row.platform_name: row.config["schedule"] for row in rows} == {
        "yellowlive": "* * * * *",
        "yellowforensic": "*/10 * * * *",
    }
    assert {row.config["timezone"] for row in rows} == {"UTC"}


@pytest.mark.row("M13")
def test_a_stores_own_trigger_goes_before_the_platforms_pace() -> None:
    """The cron of the store, in its own zone, on every platform."""
    trigger = CronTrigger("30 6 * * 1-5", timezone="Europe/Berlin")
    rows = plan(ecosystem(stores=[replace(STORE, capture=replace(CAPTURE, trigger=trigger))])).dags

    assert {(row.config["schedule"], row.config["timezone"]) for row in rows} == {("30 6 * * 1-5", "Europe/Berlin")}


@pytest.mark.row("M13", kind="refusal")
def test_a_store_that_is_started_from_outside_has_no_schedule() -> None:
    """No platform's pace creeps in where the store says that somebody else starts it."""
    rows = plan(ecosystem(stores=[replace(STORE, capture=replace(CAPTURE, trigger=ExternalTrigger()))])).dags

    assert {row.config["schedule"] for row in rows} == {None}


@pytest.mark.row("M13")
def test_the_platforms_zone_goes_with_its_pace() -> None:
    """`default_schedule` is read in the platform's zone."""
    tokyo = replace(YELLOW_LIVE, timezone="Asia/Tokyo")

    config = live_config(model=ecosystem(platforms=[tokyo, YELLOW_FORENSIC]))

    assert (config["schedule"], config["timezone"]) == ("* * * * *", "Asia/Tokyo")


@pytest.mark.row("D10", kind="refusal")
def test_without_an_installation_no_row_is_active() -> None:
    """Nobody knows an image or a namespace: rows are written, become no DAG and hold no made-up values."""
    for row in plan().dags:
        assert row.status == "inactive"
        assert row.config["datasurface_docker_image"] is None
        assert row.config["namespace_name"] is None
        assert row.config["resources"] == {}
        assert [value for name, value in row.config.items() if name.endswith("secret_name")] == [None] * 4


@pytest.mark.row("D10", "D14")
def test_an_installation_makes_rows_active() -> None:
    """Image, namespace, resources and the names of secrets come from the file."""
    for row in plan(installed=installation()).dags:
        assert row.status == "active"
        assert row.config["datasurface_docker_image"] == "datasurface/datasurface:0.1.0"
        assert row.config["namespace_name"] == "datasurface"
        assert row.config["resources"] == {
            "requests": {"cpu": "100m", "memory": "256Mi"},
            "limits": {"memory": "512Mi"},
        }


@pytest.mark.row("D10")
def test_pods_get_what_the_installation_says_of_them() -> None:
    """Instance, service account, connections and the way to the image; without an entry only what is always so."""
    given = live_config(
        installed=installation(
            instance="acme",
            service_account="acme-job",
            connections_config_map="acme-connections",
            image_pull_policy="Always",
            image_pull_secrets=["registry"],
        )
    )
    default = live_config(installed=installation())

    fields = (
        "instance_name",
        "service_account_name",
        "connections_config_map_name",
        "image_pull_policy",
        "image_pull_secrets",
    )
    assert [given[name] for name in fields] == ["acme", "acme-job", "acme-connections", "Always", ["registry"]]
    assert [default[name] for name in fields] == ["datasurface", None, None, "IfNotPresent", []]
    assert given["source_credential_name"] == "customer_reader"


def test_single_streams_have_what_the_installation_says_of_them() -> None:
    """Resources and rest hold for the stream that is named; the others go on as they are."""
    large = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    special = installation(
        streams={"YellowLive/Store1": {"resources": large}, "YellowForensic/Store1": {"suspended": True}}
    )

    rows = {row.platform_name: row for row in plan(installed=special).dags}
    others = {row.platform_name: row for row in plan(installed=installation(streams={"YellowLive/Store9": {}})).dags}

    assert (rows["yellowlive"].status, rows["yellowlive"].config["resources"]) == ("active", large)
    assert (rows["yellowforensic"].status, others["yellowforensic"].status) == ("inactive", "active")
    assert rows["yellowforensic"].config == others["yellowforensic"].config


@pytest.mark.row("D10")
def test_secrets_are_named_and_never_held() -> None:
    """A credential is the Secret that the installation says, else that of its own name; git and slack may be none."""
    live, forensic = (
        next(row.config for row in plan(installed=installation(secrets=secrets)).dags if row.platform_name == platform)
        for platform, secrets in (("yellowlive", {"git": "model-git"}), ("yellowforensic", {"job": "ds-job"}))
    )

    assert live["postgres_credential_secret_name"] == "yellowlive-merge"
    assert live["source_credential_secret_name"] == "customer-reader"
    assert (live["git_credential_secret_name"], live["slack_credential_secret_name"]) == ("model-git", None)
    assert forensic["postgres_credential_secret_name"] == "ds-job"


@pytest.mark.row("D10")
def test_a_platforms_credential_without_a_secret_is_the_common_one() -> None:
    """Its own entry goes first; without one its jobs log in as all jobs do."""
    common = live_config(installed=installation(secrets={"job": "ds-job"}))
    own = live_config(installed=installation(secrets={"job": "ds-job", "yellowlive_merge": "live-job"}))

    assert common["postgres_credential_secret_name"] == "ds-job"
    assert own["postgres_credential_secret_name"] == "live-job"


@pytest.mark.row("M14")
@pytest.mark.parametrize(
    ("repository", "url"),
    [
        (GitRepository("owner/name", host="git.example.com"), "https://git.example.com/owner/name.git"),
        (GitRepository("a/b/c", host="http://model-repo:8080/"), "http://model-repo:8080/a/b/c.git"),
    ],
)
def test_the_repository_is_the_ecosystems_own(repository: GitRepository, url: str) -> None:
    """Host, name and branch come from the model, nothing is hard-coded."""
    model = replace(ecosystem(), owning_repo=replace(repository, branch="trunk"))

    assert repository_url(repository) == url
    assert {(row.config["git_repo_url"], row.config["git_repo_branch"]) for row in plan(model).dags} == {(url, "trunk")}


@pytest.mark.row("D10")
def test_an_address_is_resolved_when_the_plan_is_applied() -> None:
    """The installation's address takes the model's place, letter by letter, and nothing else changes."""
    before = plan(installed=installation()).dags

    after = at_address(before, host="PG_Data.prod", port=6432, database="merge")

    for old, new in zip(before, after, strict=True):
        assert new.config["postgres_hostname"] == "PG_Data.prod"
        assert {name for name in old.config if old.config[name] != new.config[name]} == {
            "postgres_hostname",
            "postgres_port",
            "postgres_database",
        }


def test_config_json_reads_back_as_its_record() -> None:
    """What the row holds is the JSON form of a DagConfig: the factory reads it by the same record."""
    for row in plan(installed=installation()).dags:
        document = json.loads(json.dumps(row.config))

        assert codec.encode(codec.decode(DagConfig, document)) == row.config


def test_there_is_a_row_for_every_stream() -> None:
    """Rows and streams go together, in one order."""
    mapping = PlatformMapping([assigned("LiveDSG", "YellowLive", "YellowForensic")])
    result = plan(ecosystem(stores=[captured(Consistency.SINGLE_DATASET)]), mapping)

    assert [(row.platform_name, row.stream_key) for row in result.dags] == [
        (stream.platform_name, stream.stream_key) for stream in result.streams
    ]
