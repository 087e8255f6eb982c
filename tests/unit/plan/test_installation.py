"""The installation file: what it may say, and that all that is wrong is named by its place in the JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datasurface.errors import ModelError
from datasurface.yellow.plan.installation import parse_installation, read_installation

WHOLE: dict[str, Any] = {
    "v": 1,
    "image": "registry.example.com:5000/datasurface@sha256:0123",
    "namespace": "ds-prod",
    "secrets": {"job": "ds-job", "customer_reader": "team1.customer-reader"},
    "resources": {"requests": {"cpu": "0.5", "memory": "256Mi"}, "limits": {"memory": "1Gi", "cpu": "2"}},
}


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    """All that the file says is in the record."""
    path = tmp_path / "installation.json"
    path.write_text(json.dumps(WHOLE))

    installation = read_installation(path)

    assert installation.image == WHOLE["image"]
    assert installation.namespace == "ds-prod"
    assert installation.secrets["customer_reader"] == "team1.customer-reader"
    assert installation.resources.limits == {"memory": "1Gi", "cpu": "2"}


def test_what_is_left_out_has_a_default() -> None:
    """Image and namespace suffice: a job then asks for little and is stopped at 512 MiB."""
    installation = parse_installation('{"v": 1, "image": "ds:1", "namespace": "ds"}', source="x.json")

    assert dict(installation.secrets) == {}
    assert installation.resources.requests == {"cpu": "100m", "memory": "256Mi"}
    assert installation.resources.limits == {"memory": "512Mi"}
    assert (installation.instance, installation.image_pull_policy) == ("datasurface", "IfNotPresent")
    assert (installation.service_account, installation.connections_config_map) == (None, None)
    assert list(installation.image_pull_secrets) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"v": 2}, "v: "),
        ({"image": ""}, "image: "),
        ({"image": None}, "image: "),
        ({"namespace": "DS_Prod"}, "namespace: "),
        ({"secrets": {"job": "ds_job"}}, "secrets.job: "),
        ({"secrets": ["ds-job"]}, "secrets: "),
        ({"resources": {"limits": {"memory": "lots"}}}, "resources.limits.memory: "),
        ({"resources": {"limits": {"gpu": "1"}}}, "resources.limits.gpu: "),
        ({"resources": {"request": {}}}, "resources.request: "),
        ({"instance": "-release"}, "instance: "),
        ({"service_account": "DS_Job"}, "service_account: "),
        ({"connections_config_map": ""}, "connections_config_map: "),
        ({"image_pull_policy": "Sometimes"}, "image_pull_policy: "),
        ({"image_pull_secrets": ["a b"]}, "image_pull_secrets[0]: "),
        ({"hosts": {}}, "hosts: "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_value_is_named_by_its_json_path(change: dict[str, Any], place: str) -> None:
    """A model error that names the file and the place, and says where an example is."""
    with pytest.raises(ModelError) as caught:
        parse_installation(json.dumps({**WHOLE, **change}), source="site.json")

    assert caught.value.message.startswith(f"site.json is no installation file: {place}")
    assert "docs/reference/plan.md" in (caught.value.fix or "")


def test_all_that_is_wrong_is_said_at_once() -> None:
    """Nobody has to come back for each finding."""
    with pytest.raises(ModelError, match=r"image: .*; namespace: .*; surprise: "):
        parse_installation('{"v": 1, "image": 3, "namespace": "", "surprise": 1}', source="site.json")


def test_a_value_is_never_quoted() -> None:
    """Whoever pastes a password where a name belongs does not find it in a log."""
    with pytest.raises(ModelError) as caught:
        parse_installation(json.dumps({**WHOLE, "secrets": {"job": "Pass_Word!"}}), source="site.json")

    assert "Pass_Word!" not in str(caught.value)


def test_broken_json_is_told_with_line_and_column() -> None:
    """The place of the first wrong character is in the message."""
    with pytest.raises(ModelError, match="line 2 column"):
        parse_installation('{"v": 1,\n image: "x"}', source="site.json")


def test_a_missing_file_says_which_option_to_correct(tmp_path: Path) -> None:
    """A wrong path is a model error that names the option and the setting."""
    with pytest.raises(ModelError, match="cannot be read: No such file") as caught:
        read_installation(tmp_path / "none.json")

    assert "DATASURFACE_INSTALLATION" in (caught.value.fix or "")
