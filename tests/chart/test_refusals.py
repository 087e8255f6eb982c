"""Bad values: refused before anything is installed, by a sentence that says what to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.chart import rendering

Refuse = Callable[[dict[str, Any]], str]

BAD = {
    "unknown value": ({"postgress": {"enabled": False}}, ["additional properties 'postgress' not allowed"]),
    "unknown part": (
        {"simulator": {"enable": False}},
        ["at '/simulator'", "additional properties 'enable' not allowed"],
    ),
    "memory without a unit": (
        {"jobs": {"resources": {"requests": {"memory": "256"}}}},
        ["at '/jobs/resources/requests/memory': '256'", "bytes_with_a_unit_like_512Mi_or_5Gi"],
    ),
    "memory as a number": (
        {"jobs": {"resources": {"limits": {"memory": 512}}}},
        ["at '/jobs/resources/limits/memory': got number, want string"],
    ),
    "a volume with a space": (
        {"postgres": {"storage": {"size": "5 Gi"}}},
        ["at '/postgres/storage/size': '5 Gi'", "bytes_with_a_unit_like_512Mi_or_5Gi"],
    ),
    "cores with a unit": (
        {"airflow": {"resources": {"scheduler": {"requests": {"cpu": "2 cores"}}}}},
        ["at '/airflow/resources/scheduler/requests/cpu': '2 cores'", "cores_like_2_or_250m"],
    ),
    "no cores": (
        {"views": {"resources": {"requests": {"cpu": 0}}}},
        ["at '/views/resources/requests/cpu': exclusiveMinimum: got 0, want 0"],
    ),
    "a word in place of cron": (
        {"airflow": {"housekeeping": {"schedule": "daily"}}},
        ["at '/airflow/housekeeping/schedule': 'daily'", "five_fields_of_cron"],
    ),
    "no days": (
        {"airflow": {"housekeeping": {"retentionDays": 0}}},
        ["at '/airflow/housekeeping/retentionDays': minimum: got 0, want 1"],
    ),
    "a port beyond the last": (
        {"airflow": {"service": {"port": 70000}}},
        ["at '/airflow/service/port': maximum: got 70,000, want 65,535"],
    ),
    "an unknown type of Service": (
        {"airflow": {"service": {"type": "Ingress"}}},
        ["at '/airflow/service/type': value must be one of 'ClusterIP', 'NodePort', 'LoadBalancer'"],
    ),
    "no server at all": (
        {"postgres": {"enabled": False}},
        ["at '/postgres/external/host': ''", "the_host_of_your_server_because_postgres_enabled_is_false"],
    ),
    "a host with a scheme": (
        {"postgres": {"enabled": False, "external": {"host": "postgres://db.example.com"}}},
        ["at '/postgres/external/host'", "a_host_name_or_address_without_scheme_or_port"],
    ),
    "an unknown sslmode": (
        {"postgres": {"external": {"sslmode": "on"}}},
        ["at '/postgres/external/sslmode': value must be one of", "'verify-full'"],
    ),
    "no repository at all": (
        {"modelRepo": {"enabled": False}},
        ["at '/modelSync/git/url': ''", "the_address_of_your_repository_because_modelRepo_enabled_is_false"],
    ),
    "two repositories": (
        {"modelSync": {"git": {"url": "https://git.example.com/model.git"}}},
        ["at '/modelRepo/enabled': value must be false"],
    ),
    "a login in an address": (
        {"modelRepo": {"enabled": False}, "modelSync": {"git": {"url": "https://me:secret@git.example.com/m.git"}}},
        ["at '/modelSync/git/url'", "an_http_or_https_address_without_a_login"],
    ),
    "an image with its tag": (
        {"image": {"repository": "registry.example.com/datasurface:1.0"}},
        ["at '/image/repository'", "an_image_without_tag_or_digest"],
    ),
    "a tag read as a number": ({"image": {"tag": 1.0}}, ["at '/image/tag': got number, want string"]),
    "a short digest": (
        {"postgres": {"image": {"digest": "sha256:abc"}}},
        ["at '/postgres/image/digest': 'sha256:abc'", "sha256_colon_and_64_hex_digits"],
    ),
    "an unknown policy of images": (
        {"image": {"pullPolicy": "Sometimes"}},
        ["at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'"],
    ),
    "a reader in capitals": (
        {"readers": {"Analyst": {"workspace": "Consumer1"}}},
        ["invalid propertyName 'Analyst'", "a_login_of_lower_case_letters_digits_and_underscores"],
    ),
    "a reader called as a role of ours": (
        {"readers": {"ds_job": {"workspace": "Consumer1"}}},
        ["readers.ds_job has a name of the platform's own roles"],
    ),
    "a long prefix": (
        {"databases": {"rolePrefix": "an_installation_of_ours_"}},
        ["at '/databases/rolePrefix'", "at_most_16_lower_case_letters_digits_and_underscores"],
    ),
    **{
        f"a credential by the name {name}": (
            {"credentials": {name: {"existingSecret": "mine"}}},
            [f"credentials.{name} has a name that the platform keeps for a Secret of its own"],
        )
        for name in ("job", "apply", "git", "slack")
    },
    "a reader of nothing": ({"readers": {"analyst": {}}}, ["at '/readers/analyst': missing property 'workspace'"]),
    "a named container without a database": (
        {"containers": {"customer_db": {"host": "db.example.com"}}},
        ["at '/containers/customer_db': missing property 'database'"],
    ),
    "a container without a database": (
        {"containers": {"orders": {"host": "db.example.com"}}},
        ["at '/containers/orders': missing property 'database'"],
    ),
    "a credential without its Secret": (
        {"credentials": {"orders_reader": {"existingSecret": ""}}},
        ["at '/credentials/orders_reader/existingSecret': ''", "the_name_of_an_object_of_Kubernetes"],
    ),
    "a stream without its platform": (
        {"jobs": {"streams": {"Store1": {"suspended": True}}}},
        ["invalid propertyName 'Store1'", "a_platform_and_a_stream_like_YellowLive_slash_Store1"],
    ),
    "an address in place of a network": (
        {"networkPolicy": {"apiServer": {"cidrs": ["10.0.0.1"]}}},
        ["at '/networkPolicy/apiServer/cidrs/0': '10.0.0.1'", "a_network_with_its_length"],
    ),
    "an egress rule of another shape": (
        {"jobs": {"egress": [{"cidr": "10.0.0.0/8"}]}},
        ["at '/jobs/egress/0': additional properties 'cidr' not allowed"],
    ),
    "a name that is too long": (
        {"fullnameOverride": "a" * 41},
        ["at '/fullnameOverride'", "at_most_40_lower_case_letters_digits_and_hyphens"],
    ),
    "a truth in quotes": ({"demo": {"enabled": "false"}}, ["at '/demo/enabled': got string, want boolean"]),
    "a schema in capitals": (
        {"databases": {"mergeSchema": "Merge"}},
        ["at '/databases/mergeSchema': 'Merge'", "a_name_of_lower_case_letters_digits_and_underscores"],
    ),
    "pauses in disorder": (
        {"simulator": {"minIntervalSeconds": 20, "maxIntervalSeconds": 10}},
        ["simulator.minIntervalSeconds (20) is more than simulator.maxIntervalSeconds (10)"],
    ),
    "a simulator without its source": (
        {"demo": {"enabled": False}},
        ["there is no source for it to change: set simulator.enabled=false, or demo.enabled=true"],
    ),
    "two servers": (
        {"postgres": {"external": {"host": "db.example.com"}}},
        ["set postgres.enabled=false to use that one, or leave the host out"],
    ),
    "no login to the server": (
        {"postgres": {"enabled": False, "external": {"host": "db.example.com"}}},
        ["no login to db.example.com", "name it by postgres.existingSecret"],
    ),
}


@pytest.mark.parametrize("helm", ["helm", "helm3"])
@pytest.mark.parametrize("case", sorted(BAD))
def test_a_bad_value_is_refused_with_a_sentence(case: str, helm: str) -> None:
    """The message names the value by its path and says what it has to be."""
    values, sentences = BAD[case]

    with pytest.raises(rendering.Refused) as refused:
        rendering.render(values, helm=helm)

    for sentence in sentences:
        assert sentence in str(refused.value)


def test_a_refusal_repeats_no_password() -> None:
    """A wrong Secret's content in values is refused by the name of the value, which is no value of this chart."""
    with pytest.raises(rendering.Refused) as refused:
        rendering.render({"postgres": {"password": "hunter2"}})

    assert "additional properties 'password' not allowed" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_null_removes_a_default() -> None:
    """Helm's way to take a default out of a map, here a reader, passes the schema."""
    names = rendering.render({"readers": {"consumer1": None}}).names()

    assert "Secret/datasurface-reader-consumer1" not in names


@pytest.mark.row("K08", kind="refusal")
def test_job_pods_cannot_be_without_bounds() -> None:
    """Taking the request or the limit of memory away is refused: Airflow may start many of them."""
    for part in ("requests", "limits"):
        with pytest.raises(rendering.Refused) as refused:
            rendering.render({"jobs": {"resources": {part: {"memory": None}}}})

        assert f"at '/jobs/resources/{part}': missing property 'memory'" in str(refused.value)


@pytest.mark.row("K09", kind="refusal")
def test_kafka_cannot_be_switched_on() -> None:
    """There is no such value, so nobody waits for what does not come."""
    with pytest.raises(rendering.Refused, match="additional properties 'kafka' not allowed"):
        rendering.render({"kafka": {"enabled": True}})
