"""What takes no DAG away: a database that is away, rows and platforms that are missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from datasurface.errors import TransientError
from datasurface.runtime.dags.dag_selection import TooFewRows
from datasurface.yellow.plan import names
from tests.airflow.bundle_files import ROWS, MakeBundle, files, held
from tests.airflow.merge_database import MergeDatabase, config


@pytest.mark.row("D16", kind="refusal")
def test_an_unreachable_database_takes_no_file(merge: MergeDatabase, bundle: MakeBundle, tmp_path: Path) -> None:
    """While it runs, after a restart with the folder, and with an empty folder, where nothing is parsed at all."""
    merge.publish(config())
    alive = tmp_path / "alive"
    running = bundle(alive_file=str(alive))
    running.initialize()
    before = files(running)
    merge.server.stop()
    alive.unlink()

    running.refresh()
    restarted = bundle(alive_file=str(alive))
    restarted.initialize()
    fresh = bundle("fresh", alive_file=str(alive))
    with pytest.raises(TransientError, match="reading DAG rows"):
        fresh.initialize()

    assert files(running) == files(restarted) == before
    assert alive.exists()
    assert not fresh.is_initialized


@pytest.mark.row("D16", kind="refusal")
def test_fewer_rows_than_there_must_be_take_no_file(merge: MergeDatabase, bundle: MakeBundle) -> None:
    """Rows that somebody deleted keep their DAGs, also after a restart; what is there goes on changing."""
    merge.publish(config(), config("Store2"))
    running = bundle()
    running.initialize()
    before = files(running)
    merge.execute("DELETE FROM {} WHERE stream_key = 'Store2'", ROWS)
    merge.execute("UPDATE {} SET config_json = %s", ROWS, values=[json.dumps(config(run_budget_seconds=3))])

    running.refresh()
    restarted = bundle()
    restarted.initialize()

    assert files(restarted) == before
    assert held(restarted)["yellowlive__Store1_ingestion"]["run_budget_seconds"] == 3
    assert held(restarted, "yellowlive_factory_dag__Store2.py") == {"yellowlive__Store2_ingestion": config("Store2")}


@pytest.mark.row("D16", kind="refusal")
@pytest.mark.parametrize("loss", ["TRUNCATE {0}", "TRUNCATE {1}", "DELETE FROM {0} WHERE stream_key = 'Store1'"])
def test_with_rows_missing_an_empty_folder_stays_empty(merge: MergeDatabase, bundle: MakeBundle, loss: str) -> None:
    """Nobody knows which DAGs are missing: Airflow parses nothing, and so keeps every DAG."""
    merge.publish(config(), config("Store2"))
    merge.execute(loss, ROWS, names.PLATFORM_TABLE)

    with pytest.raises(TooFewRows, match="`datasurface model apply`"):
        bundle().initialize()


@pytest.mark.row("D16", kind="refusal")
def test_a_platform_that_is_lost_keeps_its_files(merge: MergeDatabase, bundle: MakeBundle) -> None:
    """A platform never leaves ds_platform; a row that is gone there is an accident."""
    merge.publish(config())
    merge.publish(config(platform="YellowForensic"), platform="YellowForensic")
    running = bundle()
    running.initialize()
    before = files(running)

    merge.execute("DELETE FROM {} WHERE platform = 'yellowforensic'", names.PLATFORM_TABLE)
    running.refresh()

    assert files(running) == before
