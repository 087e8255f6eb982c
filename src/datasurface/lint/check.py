"""The whole check of a model by itself: every rule, every finding. What is deployed is compared elsewhere."""

from collections.abc import Sequence

from datasurface.lint.context import LintContext
from datasurface.lint.report import Finding, Report
from datasurface.lint.rule import all_rules
from datasurface.model.collection_pause import without_collection
from datasurface.model.ecosystem import Ecosystem
from datasurface.model.mapping import PlatformMapping


def check(ecosystem: Ecosystem, mapping: PlatformMapping, mapping_findings: Sequence[Finding] = ()) -> Report:
    """Run every rule over the model and its mapping.

    `mapping_findings` is what reading the mapping file found; it becomes part of the report.
    """
    context = LintContext(ecosystem, mapping, mapping_is_whole=not mapping_findings)
    with without_collection():
        findings = [finding for rule in all_rules() for finding in rule.findings(context)]
    return Report(tuple(sorted([*findings, *mapping_findings], key=lambda finding: finding.rule)))
