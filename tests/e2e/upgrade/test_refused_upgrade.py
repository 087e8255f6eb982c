"""An upgrade that Kubernetes would break off in the middle is refused before it begins, with what to do instead."""

from __future__ import annotations

import pytest

from tests.e2e.harness.cluster import CommandFailed
from tests.e2e.harness.installation import Installation


def _upgrade_on_trial(installation: Installation, size: str) -> str:
    release = installation.release
    flags = ["-n", release.namespace, "--dry-run=server", "--reuse-values", "--set", f"postgres.storage.size={size}"]
    return installation.cluster.helm("upgrade", release.name, release.chart, *flags)


def test_another_size_of_the_data_volume_is_refused_with_the_way_to_grow_it(installation: Installation) -> None:
    """A StatefulSet keeps the size it was made with; the claim itself can grow."""
    with pytest.raises(CommandFailed, match=r"set postgres\.storage\.size=\S+, and to grow the volume run `kubectl"):
        _upgrade_on_trial(installation, "9Gi")


def test_the_same_size_in_other_words_is_no_change(installation: Installation) -> None:
    """Kubernetes stores a size in its own spelling."""
    core = installation.cluster.core
    claim = f"data-{installation.release.object_name('postgres')}-0"
    stored = core.read_namespaced_persistent_volume_claim(claim, installation.namespace).spec.resources.requests[
        "storage"
    ]
    assert stored.endswith("Gi")

    assert _upgrade_on_trial(installation, f"{int(stored.removesuffix('Gi')) * 1024}Mi")
