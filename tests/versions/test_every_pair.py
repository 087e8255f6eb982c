"""A stream's life, for every ordered pair of the PostgreSQL that are here as source and as merge database."""

from itertools import product

import pytest

from datasurface.dsl import MilestoneStrategy
from tests.versions import servers
from tests.versions.tour import CHANGES, LATER_MODEL, MODEL, SEED, TYPED_ROWS, Tour

LIVE, FORENSIC = MilestoneStrategy.LIVE_ONLY, MilestoneStrategy.BATCH_MILESTONED
PAIRS = list(product(servers.found(), repeat=2))
#: Small enough for the staging path; and more than a difference of these tables takes.
PATHS = (0, 1 << 20)
assert len(SEED) + 1 == len(MODEL.datasets)


def test_every_supported_version_is_here():
    """Versions without programs on this machine are named, since nothing below says anything of them."""
    if servers.missing():
        pytest.skip(servers.summary()[-1])


@pytest.mark.row("I09", "I10")
@pytest.mark.parametrize(("source", "merge"), PAIRS, ids=[f"{one}-to-{other}" for one, other in PAIRS])
def test_a_stream_lives_on_every_pair_of_versions(installation_of, source, merge):
    """Init, model, first load, changes on both paths, a changed schema, audit and views: all is as in the source."""
    tour = Tour(installation=installation_of(source, merge))
    tour.prepare()
    findings = []

    for strategy in (LIVE, FORENSIC):
        result = tour.run(strategy)
        rows = TYPED_ROWS + 12
        findings += _unless(f"{strategy} load", (result.inserted, result.updated, result.deleted), (rows, 0, 0))
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

    assert findings == []
    assert tour.command("audit")["ok"] is True
    assert tour.command("reconcile-workspace-views")
    assert tour.command("status")


def _unquiet(tour: Tour, strategy: MilestoneStrategy) -> list[str]:
    """What the views lack, and what another look finds on either path."""
    found = tour.unlike_views(strategy)
    for difference_bytes in PATHS:
        outcome = tour.run(strategy, difference_bytes=difference_bytes).outcome
        found += _unless(f"{strategy} another look", outcome, "unchanged")
    return found


def _unless(what: str, found: object, expected: object) -> list[str]:
    return [] if found == expected else [f"{what}: {found} instead of {expected}"]
