"""What a batch says it did is what was done: its counts against the simulator's own log, its history, the audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from psycopg2 import sql

from data_change_simulator import NetChange, net_changes
from tests.e2e.harness import one_off_pods
from tests.e2e.harness.installation import Installation
from tests.e2e.harness.proofs import audit_holds
from tests.e2e.harness.sql import MERGE
from tests.e2e.harness.streams import DATASETS, FORENSIC, PLATFORMS, STREAM, BatchRow, Platform, committed
from tests.e2e.harness.waiting import until

CHANGES = 60
Net = dict[str, dict[str, NetChange]]


@pytest.fixture(scope="module")
def paused(installation: Installation) -> Iterator[dict[Platform, BatchRow]]:
    """Both streams at rest; their last batches."""
    try:
        for platform in PLATFORMS:
            installation.airflow.pause(platform.dag_id, is_paused=True)
        for platform in PLATFORMS:
            installation.airflow.wait_idle(platform.dag_id, seconds=120)
        yield {platform: committed(installation.sql, platform)[-1] for platform in PLATFORMS}
    finally:
        for platform in PLATFORMS:
            installation.airflow.pause(platform.dag_id, is_paused=False)


@pytest.fixture(scope="module")
def net(installation: Installation, paused: dict[Platform, BatchRow]) -> Net:
    """What so many changes of the simulator, in a pod as the chart makes it, come to per key."""
    assert paused
    release = installation.release
    jobs = [
        each
        for each in release.rendered("simulator.enabled=true", f"simulator.maxChanges={CHANGES}")
        if each["kind"] == "Job" and each["metadata"]["name"].startswith(release.object_name("simulator"))
    ]
    assert len(jobs) == 1
    arguments = ["--min-interval", "0", "--max-interval", "0.02", "--seed", "7", "--log-json", "/dev/stdout"]
    template = jobs[0]["spec"]["template"]
    pod = one_off_pods.of_template(template, "simulator", installation.namespace, arguments)
    ended = one_off_pods.run_to_end(installation.cluster, pod)
    assert ended.exit_code == 0, ended.log
    lines = [line for line in ended.log.splitlines() if line.startswith("{")]
    assert len(lines) == CHANGES
    return net_changes(lines)


@pytest.fixture(scope="module")
def next_batches(installation: Installation, paused: dict[Platform, BatchRow], net: Net) -> dict[Platform, BatchRow]:
    """The one batch that each stream makes of the changes when it goes on."""
    assert net
    for platform in PLATFORMS:
        installation.airflow.pause(platform.dag_id, is_paused=False)
        installation.airflow.trigger(platform.dag_id)
    return {
        platform: until(
            f"the next batch of {platform.name}",
            lambda platform=platform: next(
                (b for b in committed(installation.sql, platform) if b.batch_id > paused[platform].batch_id), None
            ),
            seconds=120,
        )
        for platform in PLATFORMS
    }


@pytest.mark.row("P08")
def test_counts_are_the_net_difference_of_the_log(next_batches: dict[Platform, BatchRow], net: Net) -> None:
    """Inserted, updated and deleted keys of one batch, live and forensic, equal what the simulator logged, per key."""
    counted = Counter(change.value for keys in net.values() for change in keys.values())
    wanted = {kind.value: counted[kind.value] for kind in NetChange}
    assert min(wanted.values()) > 0, wanted
    for platform, batch in next_batches.items():
        assert batch.counts == wanted, platform.name


def test_one_batch_held_it_all(
    installation: Installation, paused: dict[Platform, BatchRow], next_batches: dict[Platform, BatchRow]
) -> None:
    """Neither stream needed a second batch, and ids have no gap."""
    for platform, batch in next_batches.items():
        assert batch.batch_id == paused[platform].batch_id + 1
        assert committed(installation.sql, platform)[-1] == batch


def test_history_has_the_replaced_versions(
    installation: Installation, next_batches: dict[Platform, BatchRow], net: Net
) -> None:
    """Every key that was updated or deleted has a version that ended with the batch before."""
    last = next_batches[FORENSIC].batch_id - 1
    for dataset in DATASETS:
        statement = sql.SQL("SELECT id FROM public.{} WHERE valid_to_batch = %s").format(
            sql.Identifier(FORENSIC.history_view(dataset))
        )
        closed = {row[0] for row in installation.sql.rows("consumer1", MERGE, statement, [last])}
        gone = {NetChange.UPDATED, NetChange.DELETED}
        assert closed == {key for key, change in net.get(dataset, {}).items() if change in gone}


@pytest.mark.row("D02")
@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_the_audit_of_the_infrastructure_dag_holds(
    installation: Installation, next_batches: dict[Platform, BatchRow], platform: Platform
) -> None:
    """The daily DAG, run now, proves that the merge tables are what the batches recorded."""
    assert next_batches
    audit = audit_holds(installation, platform)
    assert audit["batch_id"] >= next_batches[platform].batch_id, STREAM
