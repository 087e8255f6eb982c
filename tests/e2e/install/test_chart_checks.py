"""The chart's own linters find nothing."""

from __future__ import annotations

import subprocess

import pytest

from tests.e2e.harness.cluster import ROOT
from tests.e2e.harness.measurements import Measurements


@pytest.mark.timeout(400)
def test_linters_of_the_chart_find_nothing(measurements: Measurements) -> None:
    """helm lint --strict, kubeconform and checkov, as `make chart-lint` runs them."""
    done = subprocess.run(
        ["make", "--no-print-directory", "chart-lint"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    skipped = [line for line in said.splitlines() if "not shown" in line]
    measurements.record("lint", 0 if done.returncode == 0 else 1, "; ".join(skipped) or said[-300:].replace("\n", " "))
