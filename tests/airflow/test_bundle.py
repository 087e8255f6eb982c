"""The bundle against a real merge database: which files there are, and what takes none away."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from datasurface.yellow.plan import names
from tests.airflow.bundle_files import FIXED, ROWS, STORE_FILE, WANTED_DAG, MakeBundle, files, held
from tests.airflow.merge_database import INSTALLATION, MergeDatabase, config


@pytest.mark.row("D01", "D11", "D15")
def test_every_active_row_becomes_a_file(merge: MergeDatabase, bundle: MakeBundle) -> None:
    """A file per stream, the infrastructure of each platform, one for housekeeping; all by the login ds_dags."""
    merge.publish(config(), config("Store2#orders"))
    merge.publish(config(platform="YellowForensic"), platform="YellowForensic")
    made = bundle()

    made.initialize()

    assert files(made) == FIXED | {
        STORE_FILE,
        "yellowlive_factory_dag__Store2.orders.py",
        "yellowforensic_factory_dag__Store1.py",
        "yellowforensic_infrastructure_dag.py",
    }
    assert held(made) == {"yellowlive__Store1_ingestion": config()}


@pytest.mark.row("D11", kind="refusal")
def test_a_row_that_is_not_active_becomes_no_file(merge: MergeDatabase, bundle: MakeBundle) -> None:
    """Inactive and removed rows are not even read."""
    merge.publish(config(), config("Store2"), config("Store3"))
    merge.execute("UPDATE {} SET status = 'inactive' WHERE stream_key = 'Store2'", ROWS)
    merge.execute("UPDATE {} SET status = 'removed' WHERE stream_key = 'Store3'", ROWS)
    merge.execute("UPDATE {} SET stream_count = 1", names.PLATFORM_TABLE)
    made = bundle()

    made.initialize()

    assert files(made) == FIXED | {STORE_FILE}


@pytest.mark.row("D16")
def test_only_what_changed_is_written_anew(merge: MergeDatabase, bundle: MakeBundle) -> None:
    """A changed row rewrites its file, a new one adds one, a removed one takes its file; others keep their age."""
    merge.publish(config(), config("Store2"), config("Store3"))
    made = bundle()
    made.initialize()
    old = time.time() - 100
    for path in made.path.iterdir():
        os.utime(path, (old, old))

    merge.publish(config(), config("Store2", run_budget_seconds=7), config("Store4"))
    made.refresh()

    names_of = {store: f"yellowlive_factory_dag__{store}.py" for store in ("Store1", "Store2", "Store3", "Store4")}
    assert files(made) == FIXED | {names_of["Store1"], names_of["Store2"], names_of["Store4"]}
    assert held(made, names_of["Store2"])["yellowlive__Store2_ingestion"]["run_budget_seconds"] == 7
    young = {path.name for path in made.path.glob("*.py") if path.stat().st_mtime > old + 1}
    assert young == {names_of["Store2"], names_of["Store4"]}


@pytest.mark.row("D16")
def test_a_row_changed_by_hand_is_seen_without_a_new_generation(merge: MergeDatabase, bundle: MakeBundle) -> None:
    """Nobody has to know of generations to try something in the table."""
    merge.publish(config())
    made = bundle()
    made.initialize()

    changed = json.dumps(config(run_budget_seconds=9))
    merge.execute("UPDATE {} SET config_json = %s", ROWS, values=[changed])
    made.refresh()

    assert held(made)["yellowlive__Store1_ingestion"]["run_budget_seconds"] == 9


@pytest.mark.row("D16")
def test_a_rewritten_file_is_touched_once_more(merge: MergeDatabase, bundle: MakeBundle) -> None:
    """A parse that had begun before the file changed must not be the last word on it."""
    merge.publish(config())
    made = bundle()
    made.initialize()
    merge.publish(config(run_budget_seconds=7))
    made.refresh()
    ages = []
    for _ in range(2):
        os.utime(made.path / STORE_FILE, (1, 1))
        made.refresh()
        ages.append((made.path / STORE_FILE).stat().st_mtime)

    assert ages[0] > 1
    assert ages[1] == 1


@pytest.mark.row("D16")
def test_an_unchanged_database_costs_one_short_look(merge: MergeDatabase, bundle: MakeBundle) -> None:
    """Nothing is written, and no row is read again."""
    merge.publish(config())
    made = bundle()
    made.initialize()
    before = made.path.stat().st_mtime_ns
    checked = made._selection._checked

    made.refresh()

    assert made.path.stat().st_mtime_ns == before
    assert made._selection._checked is checked


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        json.dumps({**config(), "schedule": "* * * *"}),
        json.dumps({**config(), "schedule": 5}),
        json.dumps({**config(), "timezone": "Mars/Base"}),
        json.dumps({**config(), "dag_id": "yellowlive__Store2_ingestion"}),
        json.dumps({**config(), "stream_key": "Store2"}),
        json.dumps({**config(), "datasurface_docker_image": None}),
        json.dumps({**config(), "namespace_name": "a b"}),
        json.dumps({**config(), "source_credential_name": "../x"}),
        json.dumps({**config(), "resources": {"limits": {"memory": "much"}}}),
        json.dumps({**config(), "image_pull_secrets": ["A B"]}),
        json.dumps({**config(), "v": 2}),
        json.dumps({key: value for key, value in config().items() if key != "store_name"}),
    ],
)
@pytest.mark.row("D11", "D16", kind="refusal")
def test_a_bad_row_becomes_a_file_of_its_own(merge: MergeDatabase, bundle: MakeBundle, text: str) -> None:
    """The file raises an error that names table and row and says what to do; the other streams are as they were."""
    merge.publish(config(), config("Store2"))
    merge.execute("UPDATE {} SET config_json = %s WHERE stream_key = 'Store1'", ROWS, values=[text])
    made = bundle()

    made.initialize()

    bad = names.bad_row_file("yellowlive", "Store1")
    assert files(made) == FIXED | {bad, "yellowlive_factory_dag__Store2.py"}
    with pytest.raises(
        Exception, match=r"row 'Store1' of yellowlive_airflow_dsg .*`datasurface model apply`"
    ) as caught:
        exec(compile((made.path / bad).read_text(), bad, "exec"), {})
    assert type(caught.value).__name__ == "BadRow"


@pytest.mark.row("D17")
def test_a_task_takes_the_folder_as_it_is(
    merge: MergeDatabase, bundle: MakeBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a folder it asks no database; without one it makes it."""
    merge.publish(config())
    monkeypatch.setenv(WANTED_DAG, "yellowlive__Store1_ingestion")
    bundle().initialize()
    merge.server.stop()

    again = bundle()
    again.initialize()

    assert files(again) == FIXED | {STORE_FILE}


@pytest.mark.row("D02", kind="refusal")
def test_a_wrong_installation_file_harms_only_the_infrastructure(
    merge: MergeDatabase, bundle: MakeBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its DAG's file says what is wrong; streams have all they need in their rows. A mended file is seen at once."""
    merge.publish(config())
    path = tmp_path / "installation.json"
    path.write_text(json.dumps({**INSTALLATION, "image": ""}))
    made = bundle()
    monkeypatch.setenv("DATASURFACE_INSTALLATION", str(path))
    made.initialize()
    file = made.path / "yellowlive_infrastructure_dag.py"

    with pytest.raises(Exception, match=r"installation\.json is no installation file: image"):
        exec(compile(file.read_text(), file.name, "exec"), {})
    assert held(made) == {"yellowlive__Store1_ingestion": config()}

    path.write_text(json.dumps(INSTALLATION))
    made.refresh()

    assert held(made, file.name)["yellowlive_infrastructure"]["image"] == INSTALLATION["image"]


@pytest.mark.row("D11", "D16")
def test_many_streams_share_files(merge: MergeDatabase, bundle: MakeBundle) -> None:
    """Above 200 streams a shard holds about 20; which one is decided by the stream's name alone."""
    streams = [config(f"Store{number}") for number in range(1000)]
    merge.publish(*streams)
    made = bundle()
    began = time.monotonic()

    made.initialize()

    assert time.monotonic() - began < 10
    shards = [name for name in files(made) if "_factory_dag_" in name]
    assert len(shards) == 64
    assert {dag_id for shard in shards for dag_id in held(made, shard)} == {each["dag_id"] for each in streams}

    merge.publish(*streams[1:])
    made.refresh()

    assert len([name for name in files(made) if "_factory_dag_" in name]) == 64
    assert sum(len(held(made, shard)) for shard in shards) == 999
