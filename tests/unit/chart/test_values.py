"""The typed values: what each kind of value takes, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from datasurface.chart.values import kinds
from datasurface.chart.values.chart_values import ChartValues
from datasurface.chart.values.databases import OWN_LOGINS

TAKEN: list[tuple[str, Any, list[object]]] = [
    ("cores", kinds.Cpu, ["2", "0.5", "250m", 1, 0.5]),
    ("bytes", kinds.Bytes, ["512Mi", "5Gi", "1.5Gi", "100M"]),
    ("host", kinds.Host, ["db", "db.example.com", "10.0.0.1", "[2001:db8::1]", "my_host.local"]),
    ("optional host", kinds.OptionalHost, ["", "db"]),
    ("network", kinds.Cidr, ["10.0.0.0/8", "2001:db8::/32"]),
    ("cron", kinds.Cron, ["* * * * *", "*/10 3-5 1,15 * MON-FRI"]),
    (
        "repository",
        kinds.Repository,
        ["postgres", "registry.example.com:5000/a/b-c", "registry.k8s.io/git-sync/git-sync"],
    ),
    ("tag", kinds.OptionalTag, ["", "17", "v4.4.2"]),
    ("git address", kinds.OptionalGitUrl, ["", "https://git.example.com/data/model.git", "http://localhost:3000/m"]),
    ("stream", kinds.StreamName, ["YellowLive/Store1", "Yellow Live/Store 1#customers"]),
    ("reader", kinds.ReaderLogin, ["consumer1", "data_science"]),
    ("release part", kinds.ReleasePart, ["", "acme", "a" * 40]),
]
REFUSED: list[tuple[str, Any, list[object]]] = [
    ("cores", kinds.Cpu, ["2 cores", "", "m", -1, 0, "250Mi"]),
    ("bytes", kinds.Bytes, ["512", "5 Gi", "5GiB", "", "-1Gi"]),
    ("host", kinds.Host, ["", "http://db", "db:5432", "db.example.com:5432", "a b", "-db"]),
    ("network", kinds.Cidr, ["10.0.0.1", "10.0.0.0/", "everything"]),
    ("cron", kinds.Cron, ["daily", "@daily", "* * * *", "* * * * * *", ""]),
    ("repository", kinds.Repository, ["", "postgres:17", "localhost:5000/a:1", "Postgres", "a@sha256:0"]),
    ("tag", kinds.OptionalTag, ["a:b", "-1", "a" * 129]),
    (
        "git address",
        kinds.OptionalGitUrl,
        ["git@github.com:a/b", "ssh://host/a", "https://me:pw@host/a", "file:///etc"],
    ),
    ("stream", kinds.StreamName, ["Store1", "a/b/c", "/Store1"]),
    ("reader", kinds.ReaderLogin, ["Consumer1", "1st", "a-b", ""]),
    ("release part", kinds.ReleasePart, ["a" * 41, "Acme", "-a"]),
]


@pytest.mark.parametrize(("kind", "values"), [case[1:] for case in TAKEN], ids=[case[0] for case in TAKEN])
def test_a_right_value_is_taken(kind: Any, values: list[object]) -> None:
    """As it was written."""
    for value in values:
        assert TypeAdapter(kind).validate_python(value) == value


@pytest.mark.parametrize(("kind", "values"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_wrong_value_is_refused(kind: Any, values: list[object]) -> None:
    """Each of them, with an error and not with another value."""
    for value in values:
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(value)


def test_values_are_spelled_as_helms_users_spell() -> None:
    """Lower camel case from end to end, and nothing that is not listed."""
    spelled = ChartValues.model_validate({"modelSync": {"waitSeconds": 5}, "global": {"anything": 1}})

    assert spelled.model_sync.wait_seconds == 5
    with pytest.raises(ValidationError, match="extra_forbidden"):
        ChartValues.model_validate({"model-sync": {}})


def test_the_defaults_are_for_a_laptop() -> None:
    """Everything is on, and the demo is there to be seen."""
    values = ChartValues()
    parts = (values.postgres, values.demo, values.init, values.model_repo, values.simulator, values.views)

    assert all(part.enabled for part in parts)
    assert values.network_policy.enabled
    assert values.admission_policy.enabled
    assert {login: reader.workspace for login, reader in values.readers.items()} == {"consumer1": "Consumer1"}


def test_the_charts_own_logins_are_those_of_the_roles() -> None:
    """Each may have a Secret of the site's."""
    assert set(OWN_LOGINS) == {
        "ds_job",
        "ds_merge",
        "ds_monitor",
        "ds_dags",
        "ds_link",
        "airflow",
        "customer_reader",
        "customer_writer",
    }
