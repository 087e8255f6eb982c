"""A row's way to a run through Airflow's real processes: scheduler, DAG processor and API server, PostgreSQL, FAB.

Every stream here is scheduled once a year or never, so that what runs was started by what the test is about.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from typing import Any

import pytest

from datasurface.yellow.plan import names
from tests.airflow.airflow_processes import PASSWORD, ROOT, Airflow
from tests.airflow.kubernetes_process import KubernetesProcess
from tests.airflow.merge_database import MergeDatabase, config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROWS = names.airflow_dsg("YellowLive")
#: A change of a row shows within; a busy machine gets a second and a third chance.
PROMISED_SECONDS = 5.0
TRIES = 3


def idle(stream_key: str, **changes: Any) -> dict[str, Any]:
    """A stream that only a person starts."""
    return config(stream_key, schedule=None, **changes)


def dag_of(stream_key: str) -> str:
    """Its DAG on YellowLive."""
    return names.dag_id("YellowLive", stream_key)


def shown_in_time(airflow: Airflow, change: Callable[[int], None], holds: Callable[[int], bool]) -> list[float]:
    """How long each change took to show, until one was as fast as promised; raises TimeoutError if one never shows."""
    took: list[float] = []
    for number in range(TRIES):
        began = time.monotonic()
        change(number)
        airflow.until(lambda number=number: holds(number), seconds=60)
        took.append(time.monotonic() - began)
        if took[-1] < PROMISED_SECONDS:
            break
    return took


@pytest.mark.row("D01", "D03", "D07", "D15", "D17", "D18")
def test_a_row_becomes_a_run_with_a_result(
    airflow: Airflow, merge_database: MergeDatabase, kubernetes: KubernetesProcess
) -> None:
    """A stream without a run begins at once, not at its next slot; its task asks for the job that the row describes."""
    record = {"rc": 0, "outcome": "committed", "batch_id": 1, "inserted": 13, "updated": 0, "deleted": 0, "total": 13}
    kubernetes.script({"record": record})
    merge_database.publish(config("First"))

    (run,) = airflow.until(lambda: airflow.finished_runs(dag_of("First")), seconds=60)

    assert (run["state"], run["run_type"]) == ("success", "scheduled")
    run_id = run["dag_run_id"]
    assert airflow.tasks(dag_of("First"), run_id) == {
        "snapshot_merge_job": "success",
        "reschedule_immediately": "skipped",
        "wait_for_trigger": "success",
    }
    assert airflow.result(dag_of("First"), run_id)["inserted"] == 13
    job = ["job", "snapshot-merge", "--platform", "YellowLive", "--store", "First"]
    assert kubernetes.calls == [[*job, "--run-id", f"{dag_of('First')}/{run_id}"]]


@pytest.mark.row("D03")
def test_keep_working_starts_the_next_run_at_once(
    airflow: Airflow, merge_database: MergeDatabase, kubernetes: KubernetesProcess
) -> None:
    """The stream's own event starts a second run; once there is nothing to do no third one comes."""
    kubernetes.script(
        {"record": {"rc": 1, "outcome": "committed", "batch_id": 1}}, {"record": {"rc": 0, "outcome": "unchanged"}}
    )
    merge_database.publish(config("Busy"))

    first, second = airflow.until(lambda: airflow.finished_runs(dag_of("Busy"), 2), seconds=60)
    time.sleep(2)

    assert [first["run_type"], second["run_type"]] == ["scheduled", "asset_triggered"]
    tasks = airflow.tasks(dag_of("Busy"), first["dag_run_id"])
    assert (tasks["reschedule_immediately"], tasks["wait_for_trigger"]) == ("success", "skipped")
    assert len(airflow.runs(dag_of("Busy"))) == 2


@pytest.mark.row("D03", kind="refusal")
def test_a_stream_without_a_schedule_waits_for_a_person(
    airflow: Airflow, merge_database: MergeDatabase, kubernetes: KubernetesProcess
) -> None:
    """It has a DAG and no run until somebody starts one; a failed job fails the run."""
    kubernetes.script({"record": {"rc": -1, "outcome": "failed", "family": "model", "message": "no such table"}})
    merge_database.publish(idle("Waiting"))
    airflow.until(lambda: dag_of("Waiting") in airflow.dag_ids(), seconds=60)
    time.sleep(2)
    assert airflow.runs(dag_of("Waiting")) == []

    run_id = airflow.trigger(dag_of("Waiting"))

    assert airflow.until(lambda: airflow.ended(dag_of("Waiting"), run_id), seconds=60) == "failed"
    assert kubernetes.calls[0][:4] == ["job", "snapshot-merge", "--platform", "YellowLive"]


@pytest.mark.row("D16")
def test_a_change_of_the_rows_shows_within_seconds(airflow: Airflow, merge_database: MergeDatabase) -> None:
    """New, changed and removed rows, without a restart of anything."""
    merge_database.publish(idle("Steady"))

    def streams(number: int) -> list[dict[str, Any]]:
        return [idle("Steady"), *(idle(f"Added{each}") for each in range(number + 1))]

    added = shown_in_time(
        airflow,
        lambda number: merge_database.publish(*streams(number)),
        lambda number: dag_of(f"Added{number}") in airflow.dag_ids(),
    )
    changed = shown_in_time(
        airflow,
        lambda number: merge_database.publish(idle("Steady", documentation=f"Words {number}"), *streams(0)[1:]),
        lambda number: f"Words {number}" in airflow.ask(f"/dags/{dag_of('Steady')}/details")["doc_md"],
    )
    removed = shown_in_time(
        airflow,
        lambda number: merge_database.publish(idle("Steady"), *streams(TRIES)[1 : TRIES - number]),
        lambda number: dag_of(f"Added{TRIES - number - 1}") not in airflow.dag_ids(),
    )

    assert (added[-1] < PROMISED_SECONDS, changed[-1] < PROMISED_SECONDS, removed[-1] < PROMISED_SECONDS) == (
        True,
        True,
        True,
    ), (added, changed, removed)


@pytest.mark.row("D11", "D16", kind="refusal")
def test_a_bad_row_is_an_import_error_that_says_what_to_do(airflow: Airflow, merge_database: MergeDatabase) -> None:
    """Its own DAG goes, the others stay; once it is mended all is as before."""
    merge_database.publish(idle("Good"), idle("Bad"))
    airflow.until(lambda: {dag_of("Good"), dag_of("Bad")} <= airflow.dag_ids(), seconds=60)

    merge_database.execute("UPDATE {} SET config_json = '{{' WHERE stream_key = 'Bad'", ROWS)
    (error,) = airflow.until(lambda: airflow.ask("/importErrors")["import_errors"], seconds=60)

    assert error["filename"] == names.bad_row_file("yellowlive", "Bad")
    assert "row 'Bad' of yellowlive_airflow_dsg cannot become a DAG" in error["stack_trace"]
    assert "`datasurface model apply` writes the row anew" in error["stack_trace"]
    assert dag_of("Good") in airflow.dag_ids()
    assert dag_of("Bad") not in airflow.dag_ids()

    merge_database.publish(idle("Good"), idle("Bad"))
    airflow.until(lambda: dag_of("Bad") in airflow.dag_ids(), seconds=60)
    airflow.until(lambda: not airflow.ask("/importErrors")["import_errors"], seconds=60)


@pytest.mark.row("D16", kind="refusal")
def test_without_the_merge_database_no_dag_disappears(
    airflow: Airflow, merge_database: MergeDatabase, kubernetes: KubernetesProcess
) -> None:
    """While the processor runs, and after a restart that lost its folder; runs go on meanwhile."""
    merge_database.publish(idle("Kept"), idle("KeptToo"))
    airflow.until(lambda: {dag_of("Kept"), dag_of("KeptToo")} <= airflow.dag_ids(), seconds=60)
    before = airflow.dag_ids()
    merge_database.server.stop()

    time.sleep(5)
    run_id = airflow.trigger(dag_of("Kept"))
    assert airflow.until(lambda: airflow.ended(dag_of("Kept"), run_id), seconds=60) == "success"
    assert airflow.dag_ids() == before

    airflow.stop("dag-processor", kill=True)
    shutil.rmtree(airflow.folder / "bundles/streams")
    alive = airflow.folder / "dag-processor-alive"
    alive.unlink()
    airflow.start("dag-processor")
    airflow.until(alive.exists, seconds=60)
    time.sleep(8)
    assert airflow.dag_ids() == before

    merge_database.server.start()
    merge_database.publish(idle("Kept"), idle("After"))
    airflow.until(lambda: dag_of("After") in airflow.dag_ids(), seconds=60)
    assert dag_of("KeptToo") not in airflow.dag_ids()


@pytest.mark.row("D02")
def test_the_infrastructure_dag_audits_and_reconciles(
    airflow: Airflow, merge_database: MergeDatabase, kubernetes: KubernetesProcess
) -> None:
    """Both tasks run, one after the other, with the commands and the platform's own name."""
    kubernetes.script({"exit_status": 0})
    merge_database.publish(idle("Any"))
    airflow.until(lambda: "yellowlive_infrastructure" in airflow.dag_ids(), seconds=60)

    run_id = airflow.trigger("yellowlive_infrastructure")

    assert airflow.until(lambda: airflow.ended("yellowlive_infrastructure", run_id), seconds=60) == "success"
    assert sorted(kubernetes.calls) == [
        ["audit", "--platform", "YellowLive"],
        ["reconcile-workspace-views", "--platform", "YellowLive"],
    ]


@pytest.mark.row("D02")
def test_housekeeping_clears_airflows_own_past(airflow: Airflow, merge_database: MergeDatabase) -> None:
    """A task is cut off from the metadata database; the command that it starts is not."""
    merge_database.publish(idle("Any"))
    airflow.until(lambda: "datasurface_housekeeping" in airflow.dag_ids(), seconds=60)

    run_id = airflow.trigger("datasurface_housekeeping")

    assert airflow.until(lambda: airflow.ended("datasurface_housekeeping", run_id), seconds=120) == "success"


@pytest.mark.row("D16")
def test_a_stream_that_leaves_a_shared_file_is_gone_within_seconds(
    airflow: Airflow, merge_database: MergeDatabase
) -> None:
    """Above 200 streams a file holds several; Airflow alone would start a removed one for minutes more."""
    streams = [idle(f"Many{number:03}") for number in range(201)]
    merge_database.publish(*streams)
    wanted = {each["dag_id"] for each in streams}
    airflow.until(lambda: airflow.ask("/dags?limit=1&exclude_stale=true")["total_entries"] >= 201, seconds=120)
    assert wanted

    def is_gone(number: int) -> bool:
        found = airflow.ask(f"/dags?dag_id_pattern=Many{number:03}&exclude_stale=true")
        return not found["dags"]

    took = shown_in_time(airflow, lambda number: merge_database.publish(*streams[number + 1 :], idle("Last")), is_gone)

    assert took[-1] < PROMISED_SECONDS, took


@pytest.mark.row("K06")
def test_a_changed_password_is_taken_by_the_next_migration(airflow: Airflow) -> None:
    """The migration can be run again at any time: it makes the administrator's password what the file says."""
    (airflow.folder / "admin_password").write_text("another one, only for tests")

    airflow.migrate()

    assert (airflow.login_status(PASSWORD), airflow.login_status("another one, only for tests")) == (401, 201)


@pytest.mark.row("D15", kind="refusal")
def test_no_password_is_in_a_log_or_a_process_list(airflow: Airflow, merge_database: MergeDatabase) -> None:
    """Neither that of the administrator nor those of the databases; environments hold paths alone."""
    secrets = [PASSWORD, airflow.metadata.login.password]
    directory = merge_database.folder / "credentials" / "ds_dags"
    secrets.append((directory / "password").read_text().strip())
    text = "".join(path.read_text(errors="replace") for path in airflow.folder.glob("*.out"))
    environments = "".join(airflow.environment.values())

    assert text
    for secret in secrets:
        assert secret not in text
        assert secret not in environments


def documented_commands() -> list[str]:
    """The commands of the documentation that look at a DAG processor."""
    text = (ROOT / "docs/dynamic-dags.md").read_text()
    return re.findall(r"`\$C ((?:ls|python|airflow|stat) [^`]*)`", text)


@pytest.mark.row("D19", "Q05")
def test_the_documented_commands_work(airflow: Airflow, merge_database: MergeDatabase) -> None:
    """Each of them ends well where Airflow runs, and shows what it is there for."""
    merge_database.publish(config("Store1"))
    airflow.until(lambda: airflow.finished_runs(dag_of("Store1")), seconds=60)
    shown = airflow.outputs(documented_commands())

    assert "yellowlive_factory_dag__Store1.py" in shown["ls -l /airflow/bundles/streams/dags"]
    assert "all compile" in shown["python -c 'import"]
    assert dag_of("Store1") in shown["airflow dags list"]
    assert "No data found" in shown["airflow dags list-import-errors"]
    assert "Asset or 0 0 1 1 *" in shown["airflow dags details"]
    assert "success" in shown["airflow dags list-runs"]
    assert len(shown) == 10
