"""`helm upgrade` to another image: the platform moves, what it keeps does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from psycopg2 import sql

from tests.e2e.harness.cluster import run
from tests.e2e.harness.installation import Installation
from tests.e2e.harness.job_pods import JobPods
from tests.e2e.harness.proofs import audit_holds, batches_are_serial, caught_up
from tests.e2e.harness.secrets import secret_digests
from tests.e2e.harness.sql import MERGE, SOURCE
from tests.e2e.harness.streams import DATASETS, FORENSIC, PLATFORMS, BatchRow, committed
from tests.e2e.harness.waiting import until

DIGEST = (
    "SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM public.{} AS t WHERE valid_from_batch <= %s"
)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What an upgrade must leave as it was."""

    secrets: dict[str, str]
    claims: dict[str, tuple[str, str]]
    batches: dict[str, list[BatchRow]]
    history: dict[str, Any]
    source: Any


def kept(installation: Installation, until_batch: int) -> Kept:
    """The state now, as far as it was made up to that forensic batch."""
    claims = installation.cluster.core.list_namespaced_persistent_volume_claim(
        installation.namespace, label_selector=installation.release.selector
    ).items
    history = {
        dataset: installation.sql.rows(
            "consumer1", MERGE, sql.SQL(DIGEST).format(sql.Identifier(FORENSIC.history_view(dataset))), [until_batch]
        )
        for dataset in DATASETS
    }
    return Kept(
        secrets=secret_digests(installation.cluster, installation.namespace),
        claims={each.metadata.name: (each.metadata.uid, each.spec.volume_name) for each in claims},
        batches={platform.name: committed(installation.sql, platform) for platform in PLATFORMS},
        history=history,
        source=installation.sql.rows(
            "customer_reader", SOURCE, "SELECT md5(string_agg(c::text, ',' ORDER BY id)) FROM customers AS c"
        ),
    )


def tagged_anew(image: str, loader: list[str]) -> str:
    """The same image under another tag, brought into the cluster; the tag alone."""
    repository, _, tag = image.rpartition(":")
    run(["docker", "tag", image, f"{repository}:{tag}-next"])
    run([*loader, f"{repository}:{tag}-next"], seconds=300)
    return f"{tag}-next"


@pytest.fixture(scope="module")
def upgraded(installation: Installation) -> tuple[Kept, Kept, str]:
    """What was kept before and after an upgrade of both images, and the new tag."""
    loader = installation.cluster.image_loader()
    if loader is None:
        pytest.skip("E2E_LOAD names no command that brings images into the cluster")
    release = installation.release
    installation.airflow.trigger(FORENSIC.dag_id)
    for platform in PLATFORMS:
        caught_up(installation, platform, seconds=150)
    last = committed(installation.sql, FORENSIC)[-1].batch_id
    before = kept(installation, last)
    tag = tagged_anew(installation.image(), loader)
    airflow = release.pods("airflow")[0].spec.containers[0].image
    assert tagged_anew(airflow, loader) == tag
    release.upgrade(f"image.tag={tag}", f"airflow.image.tag={tag}")
    release.wait_ready()
    installation.airflow.close()
    return before, kept(installation, last), tag


@pytest.mark.row("K03")
@pytest.mark.timeout(600)
def test_secrets_and_claims_are_the_same(upgraded: tuple[Kept, Kept, str]) -> None:
    """No password was made anew, no volume was exchanged."""
    before, after, _ = upgraded
    assert after.secrets == before.secrets
    assert after.claims == before.claims


def test_data_and_history_are_the_same(upgraded: tuple[Kept, Kept, str]) -> None:
    """Every batch is still there, and the history up to it row by row."""
    before, after, _ = upgraded
    for name, rows in before.batches.items():
        assert after.batches[name][: len(rows)] == rows
    assert after.history == before.history
    assert after.source == before.source


@pytest.mark.row("M02")
@pytest.mark.timeout(400)
def test_streams_go_on_with_the_new_image(
    installation: Installation, job_pods: JobPods, upgraded: tuple[Kept, Kept, str]
) -> None:
    """Airflow, started anew, runs jobs of the new image; they bring the next change."""
    tag = upgraded[2]
    until(
        "a job of the new image",
        lambda: any(pod.image.endswith(f":{tag}") and pod.run_id for pod in job_pods.seen()),
        seconds=180,
    )
    installation.sql.rows("customer_writer", SOURCE, "UPDATE customers SET phone = 'upgraded' WHERE id = 'CUST004'")
    caught_up(installation, PLATFORMS[0], seconds=150)
    batches_are_serial(installation)


@pytest.mark.row("D02")
@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_the_audit_holds_after_the_upgrade(
    installation: Installation, upgraded: tuple[Kept, Kept, str], platform: Any
) -> None:
    """The merge tables are what all recorded batches say."""
    assert upgraded
    assert audit_holds(installation, platform)["ok"]
