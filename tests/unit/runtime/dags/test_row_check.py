"""What a row must hold to become a DAG, and how it is said of one that does not."""

from __future__ import annotations

from typing import Any

import pytest

from datasurface.errors import Family
from datasurface.model import codec
from datasurface.runtime.dags.row_check import BadRow, checked
from tests.unit.runtime.dags.rows import document, row


@pytest.mark.row("D10", "D11")
def test_a_row_of_the_plan_passes() -> None:
    """What a model merge writes can become a DAG, and nothing of it is lost on the way."""
    assert codec.encode(checked(row())) == document()


@pytest.mark.row("D11")
def test_what_an_installation_may_leave_out_may_be_missing() -> None:
    """Service account and connections have a default, a stream without a schedule is started from outside."""
    config = checked(row(service_account_name=None, connections_config_map_name=None, schedule=None))

    assert (config.service_account_name, config.schedule) == (None, None)


@pytest.mark.row("D11", "D14", kind="refusal")
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"v": 2}, "v: this version reads 1"),
        ({"platform_name": "YellowLive"}, "platform_name: is not the row's own"),
        ({"dag_id": "yellowlive__Store2_ingestion"}, "dag_id: is not the row's own"),
        ({"original_platform_name": "Other"}, "original_platform_name: is another platform's"),
        ({"single_dataset": True}, "datasets: a stream of a single dataset names exactly one"),
        ({"schedule": "61 * * * *"}, "schedule: cannot be read"),
        ({"schedule": "@daily"}, "schedule: has 1 fields"),
        ({"timezone": "Nowhere"}, "timezone: no name of the tz database"),
        ({"namespace_name": None}, "namespace_name: is missing"),
        ({"namespace_name": "Data_Surface"}, "namespace_name: is no such name"),
        ({"datasurface_docker_image": None}, "datasurface_docker_image: is missing"),
        ({"datasurface_docker_image": "a b"}, "datasurface_docker_image: is no such name"),
        ({"postgres_credential_secret_name": None}, "postgres_credential_secret_name: is missing"),
        ({"source_credential_name": ".."}, "source_credential_name: is no such name"),
        ({"source_credential_name": "a/b"}, "source_credential_name: is no such name"),
        ({"service_account_name": ""}, "service_account_name: is no such name"),
        ({"image_pull_policy": "Sometimes"}, "image_pull_policy: is none of"),
        ({"image_pull_policy": None}, "image_pull_policy: is none of"),
        ({"image_pull_secrets": ["A B"]}, "image_pull_secrets: "),
        ({"resources": {"request": {}}}, "resources: holds more"),
        ({"resources": {"limits": {"gpu": "1"}}}, "resources.limits: holds what is no resource"),
        ({"resources": {"limits": {"memory": "much"}}}, "resources.limits: holds what is no quantity"),
        ({"grace_period_seconds": -1}, "grace_period_seconds, run_budget_seconds: are not negative"),
        ({"run_budget_seconds": "55"}, "run_budget_seconds: expected a whole number"),
        ({"surprise": 1}, "surprise"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_field_is_named(changes: dict[str, Any], problem: str) -> None:
    """The message names table, row and field, and how to mend it; it is an operator's business."""
    with pytest.raises(BadRow) as caught:
        checked(row({**document(), **changes}, stream_key="Store1"))

    said = caught.value.message
    assert said.startswith("row 'Store1' of yellowlive_airflow_dsg cannot become a DAG: config_json: ")
    assert problem in said
    assert caught.value.fix == "`datasurface model apply` writes the row anew"
    assert caught.value.family is Family.STATE


@pytest.mark.row("D11", kind="refusal")
@pytest.mark.parametrize("text", ["", "{", "null", "[]", '{"v": 1}', '{"v": NaN}', "[" * 10_000])
def test_what_is_no_document_is_refused(text: str) -> None:
    """Whatever anybody wrote there."""
    with pytest.raises(BadRow, match="row 'Store1'"):
        checked(row(text))


@pytest.mark.row("D11", kind="refusal")
def test_a_value_is_never_quoted() -> None:
    """What somebody pasted into a row does not come into a log."""
    with pytest.raises(BadRow) as caught:
        checked(row(document(namespace_name="Pass Word!")))

    assert "Pass" not in str(caught.value)
