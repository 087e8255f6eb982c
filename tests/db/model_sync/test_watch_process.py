"""`datasurface model watch` as a process, with the loader as another."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from datasurface.yellow.engine import locks
from tests.db.site import Site
from tests.git.services import CLI, loader, until


@pytest.mark.row("Q01", "M02")
def test_the_commands_of_the_chart_make_a_commit_true(linked_installation, synced, tmp_path):
    """Watch and loader as processes: a commit is live in seconds, also in the consumers' own database."""
    site = Site(installation=linked_installation)
    linked_installation.endpoint("consumer")
    synced.author.replace("eco.py", 'name="Consumer1",', 'name="Consumer1", consumer_database="consumer_db",')
    alive, log = tmp_path / "alive", tmp_path / "watch.log"
    with loader(tmp_path / "loader.log") as service, log.open("wb") as written:
        command = [sys.executable, *CLI, "model", "watch", str(synced.link), "--loader", service.url]
        command += ["--interval-seconds", "0.2", "--wait-seconds", "5", "--alive-file", str(alive)]
        environment = {
            "PATH": os.environ["PATH"],
            "DATASURFACE_CONNECTIONS": str(linked_installation.connections_path),
            "DATASURFACE_LOG_FORMAT": "json",
        }
        process = subprocess.Popen(command, env=environment, stderr=written)
        until(alive.exists)
        synced.sync()
        until(lambda: len(site.revisions()) == 1)
        synced.author.commit("README.md", "more")
        second, committed_at = synced.sync(), time.monotonic()
        until(lambda: len(site.revisions()) == 2)
        seconds = time.monotonic() - committed_at
        process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=10)

    assert (status, site.revisions()[-1][0]) == (0, second)
    assert seconds < 10
    with linked_installation.session("admin", "consumer") as consumer, consumer.raw.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE '%customers%view' AND relkind = 'v'")
        assert cursor.fetchone()[0] > 0
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert events.count("model applied") == 2
    assert events[-1] == "asked to end"


def test_sigterm_ends_a_wait_at_once(site, synced, tmp_path):
    """A watch that waits for another merge ends without its patience running out."""
    with (
        loader(tmp_path / "loader.log") as service,
        (tmp_path / "log").open("wb") as log,
        site.installation.session("apply") as other,
        locks.held(other, locks.MERGE_LOCK, timeout_seconds=1),
    ):
        synced.sync()
        command = [sys.executable, *CLI, "model", "watch", str(synced.link), "--loader", service.url]
        command += ["--wait-seconds", "60"]
        environment = {"PATH": os.environ["PATH"], "DATASURFACE_CONNECTIONS": str(site.installation.connections_path)}
        process = subprocess.Popen(command, env=environment, stderr=log)
        until(lambda: "loaded" in (tmp_path / "loader.log").read_text())
        time.sleep(0.5)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=20) == 0
        assert time.monotonic() - begun < 5
    assert site.revisions() == []
