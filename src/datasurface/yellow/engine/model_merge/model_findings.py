"""What stands against a model before its tables are looked at: all findings, never just the first. Pure."""

from collections.abc import Sequence
from typing import Final

from datasurface.lint import authority, compatibility
from datasurface.lint.check import check
from datasurface.lint.report import Finding, Severity
from datasurface.lint.rules import merge_database
from datasurface.loader import LoadedModel
from datasurface.model.repositories import GitRepository
from datasurface.yellow.engine.control.revisions import StoredModel
from datasurface.yellow.plan import findings as plan_findings

#: An origin that owns nothing: what it may not change is all that changed.
_NOBODY: Final = GitRepository("-", branch="-", host="-")


def of_model(loaded: LoadedModel, deployed: StoredModel | None) -> list[Finding]:
    """Findings of the model by itself, of its physical names, and of what it breaks of the `deployed` one."""
    found = [
        *check(loaded.ecosystem, loaded.mapping, loaded.mapping_findings).findings,
        *plan_findings.findings(loaded.ecosystem, loaded.mapping),
    ]
    if deployed is not None:
        found += compatibility.findings(deployed.ecosystem, loaded.ecosystem)
    return sorted(found, key=lambda finding: finding.rule)


def not_judged(loaded: LoadedModel, deployed: StoredModel | None) -> list[Finding]:
    """A warning for each part that changed, because nobody knows from which repository the change comes."""
    changed = authority.findings(
        None if deployed is None else deployed.ecosystem,
        loaded.ecosystem,
        _NOBODY,
        deployed_mapping=None if deployed is None else deployed.mapping,
        new_mapping=loaded.mapping,
    )
    return [
        Finding(
            merge_database.NOT_JUDGED.id,
            finding.path,
            f"changed, and the origin of the revision is not known ({finding.rule} was not judged)",
            "deploy from the repository that owns the part to have that judged",
            Severity.WARNING,
        )
        for finding in changed
    ]


def errors(findings: Sequence[Finding]) -> list[Finding]:
    """Those that keep the model from being deployed."""
    return [finding for finding in findings if finding.severity is Severity.ERROR]
