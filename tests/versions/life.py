"""What happens to two streams, live and forensic, from the first load to an audit; what is not as in the source."""

from datasurface.dsl import MilestoneStrategy
from tests.versions.tour import CHANGES, LATER_MODEL, TYPED_ROWS, Tour

LIVE, FORENSIC = MilestoneStrategy.LIVE_ONLY, MilestoneStrategy.BATCH_MILESTONED
#: Small enough for the staging path; and more than a difference of these tables takes.
PATHS = (0, 1 << 20)
#: Rows of the other datasets after the seed.
OTHER_ROWS = 12


def live_through(tour: Tour) -> list[str]:
    """Model, first load, changes on both paths, a changed schema, audit and views; returns what was wrong."""
    tour.prepare()
    findings = []
    for strategy in (LIVE, FORENSIC):
        result = tour.run(strategy)
        counts = (result.inserted, result.updated, result.deleted)
        findings += _unless(f"{strategy} load", counts, (TYPED_ROWS + OTHER_ROWS, 0, 0))
        findings += _unquiet(tour, strategy)
    for step, (changes, (inserted, updated, deleted)) in enumerate(CHANGES):
        tour.fill_typed(step + 1)
        tour.change(*changes)
        for strategy in (LIVE, FORENSIC):
            result = tour.run(strategy, difference_bytes=PATHS[step])
            counts = (result.inserted, result.updated, result.deleted)
            findings += _unless(f"{strategy} change {step}", counts, (inserted, updated + TYPED_ROWS, deleted))
            findings += _unquiet(tour, strategy)
    tour.apply(LATER_MODEL)
    for strategy in (LIVE, FORENSIC):
        result = tour.run(strategy)
        findings += _unless(f"{strategy} later model", (result.inserted, result.updated, result.deleted), (0, 2, 0))
        findings += tour.unlike_views(strategy, LATER_MODEL)
        findings += _unless(f"{strategy} full look", tour.run(strategy, in_full=True).outcome, "unchanged")
    findings += _unless("audit", tour.command("audit")["ok"], True)
    tour.command("reconcile-workspace-views")
    tour.command("status")
    return findings


def _unquiet(tour: Tour, strategy: MilestoneStrategy) -> list[str]:
    """What the views lack, and what another look finds on either path, which a write elsewhere has read every row."""
    found = tour.unlike_views(strategy)
    for difference_bytes in PATHS:
        tour.change("SELECT pg_current_xact_id()")
        outcome = tour.run(strategy, difference_bytes=difference_bytes).outcome
        found += _unless(f"{strategy} another look", outcome, "unchanged")
    return found


def _unless(what: str, found: object, expected: object) -> list[str]:
    return [] if found == expected else [f"{what}: {found} instead of {expected}"]
