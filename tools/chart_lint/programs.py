"""Finds ct and kubeconform: on PATH, or in the archive or folder that CHART_TOOLS names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from tools.cluster.programs import output_of

#: The environment with checkov, the schemas, yamale and yamllint, apart from our own: they bring a hundred packages.
LINT_ENVIRONMENT: Final = Path(".venv-lint")
ENVIRONMENT_PROGRAMS: Final = LINT_ENVIRONMENT / "bin"


def find_program(name: str, unpacked: Path) -> Path | None:
    """The program, or None where there is none; an archive is unpacked into the folder `unpacked` once."""
    given = os.environ.get("CHART_TOOLS", "")
    folder = Path(given) if given else unpacked
    if given and Path(given).is_file():
        folder = unpacked
        if not unpacked.exists():
            output_of([ENVIRONMENT_PROGRAMS / "python", "-m", "tools.chart_lint.unpack", given, unpacked])
    found = shutil.which(name) or shutil.which(name, path=str(folder))
    return Path(found) if found else None


def schema_package() -> Path:
    """The folder of the package kubernetes-validate."""
    (package,) = LINT_ENVIRONMENT.glob("lib/python*/site-packages/kubernetes_validate")
    return package
