"""Findings of checkov that are meant to be so: each with its reason, and none that has outlived its finding."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

EXCEPTIONS: Final = Path("charts/checkov-exceptions.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What checkov says of an object: `Deployment.data.acme-datasurface-airflow` in `default.yaml`."""

    check: str
    says: str
    object: str
    file: str

    def __str__(self) -> str:
        return f"{self.file}: {self.object}: {self.check} {self.says}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Excepted:
    """A check that does not count for objects whose name matches `object`."""

    check: str
    object: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether the finding is this exception's."""
        return self.check == finding.check and re.fullmatch(self.object, finding.object) is not None


def read_exceptions(path: Path = EXCEPTIONS) -> tuple[Excepted, ...]:
    """The exceptions of the file; one without a reason is a mistake."""
    entries: list[dict[str, str]] = tomllib.loads(path.read_text())["exception"]
    return tuple(Excepted(**entry) for entry in entries)


def findings(report: Mapping[str, Any]) -> list[Finding]:
    """What failed in a report of checkov."""
    return [
        Finding(
            check=each["check_id"],
            says=each["check_name"],
            object=each["resource"],
            file=each["file_path"].lstrip("/"),
        )
        for each in report["results"]["failed_checks"]
    ]


def judged(found: Iterable[Finding], excepted: Sequence[Excepted]) -> list[str]:
    """The findings that no exception covers, and the exceptions that cover none."""
    found = list(found)
    left = [str(finding) for finding in found if not any(each.covers(finding) for each in excepted)]
    idle = [each for each in excepted if not any(each.covers(finding) for finding in found)]
    return left + [f"{EXCEPTIONS}: {each.check} for {each.object} excepts nothing any more" for each in idle]
