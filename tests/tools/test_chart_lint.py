"""What the gates of the chart except, and the schemas they take."""

from __future__ import annotations

import json
from pathlib import Path

from tools.chart_lint.exceptions import Excepted, Finding, findings, judged, read_exceptions
from tools.chart_lint.schemas import VERSIONS, write_schemas

PROBE = Finding(check="CKV_K8S_8", says="Liveness Probe", object="Pod.data.acme-test", file="default.yaml")
EXCEPTED = Excepted(check="CKV_K8S_8", object=r"Pod\..*-test", reason="It runs once.")


def test_a_finding_without_exception_is_said_with_its_object() -> None:
    """File, object and check, so that it can be found."""
    assert judged([PROBE], []) == ["default.yaml: Pod.data.acme-test: CKV_K8S_8 Liveness Probe"]


def test_an_exception_covers_its_check_and_its_objects_alone() -> None:
    """Another check, or another object, is a finding still."""
    other = [
        Finding(check="CKV_K8S_9", says="", object=PROBE.object, file="f"),
        Finding(check=PROBE.check, says="", object="Deployment.data.acme-airflow", file="f"),
    ]

    assert judged([PROBE], [EXCEPTED]) == []
    assert len(judged([PROBE, *other], [EXCEPTED])) == 2


def test_an_exception_of_nothing_is_a_finding_itself() -> None:
    """What was mended needs no exception any more."""
    (said,) = judged([], [EXCEPTED])

    assert "CKV_K8S_8" in said
    assert "excepts nothing any more" in said


def test_a_report_is_read_as_checkov_writes_it() -> None:
    """The four fields that a finding is made of."""
    failed = {"check_id": "CKV_K8S_8", "check_name": "Liveness Probe", "resource": "Pod.data.acme-test"}

    assert findings({"results": {"failed_checks": [{**failed, "file_path": "/default.yaml"}]}}) == [PROBE]


def test_every_exception_has_a_reason_in_one_line() -> None:
    """A sentence, not a word."""
    for each in read_exceptions():
        assert each.reason.endswith("."), each
        assert "\n" not in each.reason


def test_schemas_stand_alone(tmp_path: Path) -> None:
    """What a kind refers to, directly or through others, is in its file; addresses are gone."""
    for version in VERSIONS:
        folder = tmp_path / "package" / "kubernetes-json-schema" / f"v{version}-local-strict"
        folder.mkdir(parents=True)
        definitions = {
            "a.Spec": {"properties": {"part": {"$ref": "#/$defs/a.Part"}}},
            "a.Part": {"type": "string"},
            "a.Other": {"type": "integer"},
        }
        (folder / "_definitions.json").write_text(json.dumps({"$defs": definitions}))
        pod = {
            "$id": "https://example.com/pod",
            "x-kubernetes-group-version-kind": [],
            "properties": {"spec": {"$ref": "/api/_definitions.json#/$defs/a.Spec"}},
        }
        (folder / "pod-v1.json").write_text(json.dumps(pod))
        (folder / "podspec-v1.json").write_text("{}")

    write_schemas(tmp_path / "package", tmp_path / "schemas")

    (kind,) = (tmp_path / "schemas" / f"v{VERSIONS[0]}").iterdir()
    schema = json.loads(kind.read_text())
    assert schema["properties"]["spec"] == {"$ref": "#/$defs/a.Spec"}
    assert sorted(schema["$defs"]) == ["a.Part", "a.Spec"]
    assert "$id" not in schema
