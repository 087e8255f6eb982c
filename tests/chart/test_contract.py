"""What the rendered files say to the programs that read them, by those programs' own readers."""

from __future__ import annotations

import json
import re

import pytest

from datasurface.connections import ConnectionsFile
from datasurface.yellow.plan.installation import Installation, parse_installation
from tests.chart.cells import CELLS
from tests.chart.rendering import Object, Pod, Rendering, render
from tests.chart.test_names import CLUSTER_SCOPED

CREDENTIALS = "/etc/datasurface/credentials/"


def _file(rendered: Rendering, name: str) -> str:
    (found,) = [
        each["data"][f"{name}.json"]
        for each in rendered.of_kind("ConfigMap")
        if each["metadata"]["name"].endswith(f"-{name}")
    ]
    text: str = found
    return text


def _connections(rendered: Rendering) -> ConnectionsFile:
    return ConnectionsFile.model_validate(json.loads(_file(rendered, "connections")))


def _installation(rendered: Rendering) -> Installation:
    return parse_installation(_file(rendered, "installation"), source="installation.json")


def _pod(rendered: Rendering, component: str) -> Pod:
    (found,) = [pod for pod in rendered.pods() if pod.labels["app.kubernetes.io/component"] == component]
    return found


def _sources(volume: Object) -> list[Object]:
    """The Secrets of a volume, alone or projected, each with its name and its items."""
    alone = [{**volume["secret"], "name": volume["secret"]["secretName"]}] if "secret" in volume else []
    return alone + [each["secret"] for each in volume.get("projected", {}).get("sources", []) if "secret" in each]


def _mounts(pod: Pod, container: str) -> dict[str, set[str]]:
    """The files of Secrets that a container sees, `secret.key`, by their directory."""
    (found,) = [each for each in pod.containers if each["name"] == container]
    volumes = {volume["name"]: _sources(volume) for volume in pod.spec.get("volumes", [])}
    return {
        mount["mountPath"]: {f"{each['name']}.{item['key']}" for each in sources for item in each["items"]}
        for mount in found.get("volumeMounts", [])
        if (sources := volumes.get(mount["name"]))
    }


def test_both_files_are_read_by_their_programs(rendered: Rendering) -> None:
    """Whatever values say, what comes of them is a file of connections and one of an installation."""
    connections, installation = _connections(rendered), _installation(rendered)

    assert connections.merge is not None
    assert {
        f"ConfigMap/{installation.connections_config_map}",
        f"ServiceAccount/{installation.service_account}",
    } <= set(rendered.names())


@pytest.mark.parametrize("cell", ["default", "own-git-host", "full"])
def test_the_branch_is_named_so_that_no_tag_can_stand_for_it(cell: str) -> None:
    """Git takes a tag before a branch of the same name, and what is pushed to a tag nobody has looked at."""
    (sync,) = [each for where, each in CELLS[cell].render().containers() if where.endswith("/git-sync")]
    (reference,) = [each["value"] for each in sync["env"] if each["name"] == "GITSYNC_REF"]

    assert re.fullmatch("refs/heads/[a-z]+", reference)


@pytest.mark.row("K02")
def test_one_server_has_every_database() -> None:
    """Source, merge database and Airflow's metadata are at the PostgreSQL of the release, in one namespace."""
    rendered = CELLS["default"].render()
    connections = _connections(rendered)

    assert connections.merge is not None
    servers = {connections.merge.host, *(each.host for each in connections.containers.values())}
    assert servers == {"datasurface-postgres"}
    assert len(rendered.of_kind("StatefulSet")) == 1
    assert (connections.merge.database, connections.containers["customer_db"].database) == (
        "datasurface_merge",
        "customer_db",
    )


@pytest.mark.row("K02", kind="refusal")
def test_a_sites_own_server_leaves_none_in_the_release() -> None:
    """With a server of the site nothing of PostgreSQL is installed, and every address is the site's."""
    rendered = CELLS["external-postgres"].render()
    merge = _connections(rendered).merge

    assert merge is not None
    assert (merge.host, merge.port, merge.sslmode) == ("db.example.com", 6432, "require")
    assert rendered.of_kind("StatefulSet") == []
    assert not any("postgres:" in container["image"] for _, container in rendered.containers())


@pytest.mark.row("K09")
def test_there_is_no_kafka(rendered: Rendering) -> None:
    """Neither an image nor a setting speaks of it."""
    assert "kafka" not in rendered.text.lower()


@pytest.mark.row("K08")
def test_job_pods_are_pulled_only_if_they_are_not_there(rendered: Rendering) -> None:
    """Images that were loaded into the nodes are taken."""
    assert _installation(rendered).image_pull_policy == "IfNotPresent"


@pytest.mark.row("K08")
def test_what_values_say_of_jobs_reaches_them() -> None:
    """Resources, also those written as numbers, and what single streams have apart from the others."""
    installation = _installation(CELLS["streams"].render())

    assert installation.resources.requests == {"cpu": "1", "memory": "1Gi"}
    assert installation.resources.limits == {"cpu": "2", "memory": "2Gi"}
    assert installation.streams["YellowLive/Store1"].suspended is True


@pytest.mark.row("D15")
def test_the_dag_factory_finds_the_merge_database() -> None:
    """The processor of DAGs has the file with the address, and the login that reads DAG rows, as files."""
    airflow = _pod(CELLS["default"].render(), "airflow")

    assert _mounts(airflow, "dag-processor")[f"{CREDENTIALS}ds_dags"] == {
        "datasurface-ds-dags.username",
        "datasurface-ds-dags.password",
    }
    (processor,) = [each for each in airflow.containers if each["name"] == "dag-processor"]
    paths = {mount["mountPath"] for mount in processor["volumeMounts"]}
    assert {"/etc/datasurface/connections", "/etc/datasurface/installation"} <= paths


@pytest.mark.row("D15", kind="refusal")
def test_airflow_has_no_login_that_changes_data() -> None:
    """Of all logins to the merge database its pod has the one that reads DAG rows."""
    airflow = _pod(CELLS["default"].render(), "airflow")

    logins = {
        path for container in airflow.containers for path in _mounts(airflow, container["name"]) if CREDENTIALS in path
    }
    assert logins == {f"{CREDENTIALS}ds_dags"}


@pytest.mark.row("K06")
def test_airflow_is_on_postgres_with_its_secrets_as_files() -> None:
    """Its URL and keys are read by commands from files that the pod mounts; the initialisation has its own job."""
    rendered = CELLS["default"].render()
    settings = rendered.named("ConfigMap", "datasurface-airflow-env")["data"]
    commands = {name: value for name, value in settings.items() if name.endswith("_CMD")}

    assert {value.split()[-1].rsplit("/", 1)[1] for value in commands.values()} >= {
        "sql_alchemy_conn",
        "fernet_key",
        "jwt_secret",
        "secret_key",
    }
    assert all(re.fullmatch(r"cat /etc/datasurface/airflow/\w+", value) for value in commands.values())
    files = {f"datasurface-airflow.{value.rsplit('/', 1)[1]}" for value in commands.values()}
    assert _mounts(_pod(rendered, "airflow"), "scheduler")["/etc/datasurface/airflow"] == files
    assert {"Job/datasurface-init", "Job/datasurface-airflow-migrate"} <= {
        name.rsplit("-", 1)[0] for name in rendered.names()
    }


@pytest.mark.row("K06", kind="refusal")
def test_only_the_migration_sees_the_administrators_password() -> None:
    """The processes of Airflow have no file with it: the user is in the database."""
    rendered = CELLS["default"].render()
    holders = {
        pod.labels["app.kubernetes.io/component"]
        for pod in rendered.pods()
        for container in pod.containers
        for files in _mounts(pod, container["name"]).values()
        if "datasurface-airflow.admin_password" in files
    }

    assert holders == {"airflow-migrate"}


@pytest.mark.row("K03")
@pytest.mark.parametrize("cell", sorted(CELLS))
def test_secrets_are_mounted_where_programs_look_for_them(cell: str) -> None:
    """A login's files are in the directory of its name, read-only."""
    for pod in CELLS[cell].render().pods():
        for container in pod.containers:
            for path in _mounts(pod, container["name"]):
                assert path.startswith("/etc/datasurface/"), (pod.owner, path)
            secrets = {volume["name"] for volume in pod.spec.get("volumes", []) if _sources(volume)}
            for mount in container.get("volumeMounts", []):
                assert mount["name"] not in secrets or mount["readOnly"] is True, (pod.owner, mount["name"])


def test_no_login_but_the_superusers_is_the_superuser() -> None:
    """After the initialisation nothing logs in as superuser: its Secret is in two pods, the server's and the job's."""
    rendered = CELLS["default"].render()

    holders = {
        pod.labels["app.kubernetes.io/component"]
        for pod in rendered.pods()
        if "datasurface-postgres" in json.dumps(pod.spec.get("volumes", []))
    }
    assert holders == {"postgres", "init"}


def test_the_test_of_a_release_has_a_login_that_changes_nothing() -> None:
    """It stays after it ran and anybody may start it; the views are asked by the Job of views."""
    test = _pod(CELLS["default"].render(), "test")

    assert set(_mounts(test, "doctor")) == {f"{CREDENTIALS}ds_monitor"}


def test_other_namespaces_and_releases_share_nothing() -> None:
    """Two releases, and one in another namespace, have no object of the whole cluster in common."""
    cluster = {
        cell: {each["metadata"]["name"] for each in CELLS[cell].render().objects if "namespace" not in each["metadata"]}
        for cell in ("default", "other-release", "long-release")
    }
    assert all(cluster.values())
    assert not cluster["default"] & cluster["other-release"]
    assert not cluster["default"] & cluster["long-release"]


def test_a_hyphen_in_a_name_makes_no_two_releases_one() -> None:
    """Objects of the whole cluster tell a release and a namespace apart, wherever the one ends and the other begins."""
    names = [
        {each["metadata"]["name"] for each in render(release=release, namespace=namespace).of_kind(*CLUSTER_SCOPED)}
        for release, namespace in (("datasurface", "x-y"), ("datasurface-x", "y"))
    ]
    assert all(names)
    assert not names[0] & names[1]
