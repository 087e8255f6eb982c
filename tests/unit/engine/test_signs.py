"""When two snapshots of a server see the same, by their texts alone."""

from dataclasses import replace

import pytest

from datasurface.yellow.engine.source import signs
from datasurface.yellow.engine.source.signs import ServerState, Sign

SERVER = ServerState(
    snapshot="100:100:", system="7", started_at="2026-11-21 10:00:00+00", checkpoint="1 0/1", database="5"
)
SIGN = Sign(subject="s", server=SERVER)


def _sign(snapshot: str, recorded_by: str | None = None) -> Sign:
    return replace(SIGN, server=replace(SERVER, snapshot=snapshot), recorded_by=recorded_by)


@pytest.mark.parametrize("snapshot", ["100:100:", "90:100:90", "90:100:90,95"])
def test_same_text_repeats(snapshot: str) -> None:
    """Whatever runs, if it is the same, nothing ended in between."""
    assert signs.repeats(_sign(snapshot), _sign(snapshot))


@pytest.mark.parametrize(
    "now",
    [
        _sign("100:101:"),
        _sign("90:100:90"),
        replace(SIGN, subject="other"),
        replace(SIGN, v=2),
        replace(SIGN, server=replace(SERVER, system="8")),
        replace(SIGN, server=replace(SERVER, started_at="2026-11-21 10:00:01+00")),
        replace(SIGN, server=replace(SERVER, checkpoint="1 0/2")),
        replace(SIGN, server=replace(SERVER, database="6")),
    ],
)
def test_anything_else_does_not(now: Sign) -> None:
    """Another number, server, start, checkpoint, database, subject or form."""
    assert not signs.repeats(SIGN, now)


def test_nothing_repeats_what_is_not_there_or_lied() -> None:
    """No sign, then or now, and one that was found wrong."""
    assert not signs.repeats(None, SIGN)
    assert not signs.repeats(SIGN, None)
    assert not signs.repeats(replace(SIGN, lied_at="2026-11-21T10:00:00+00:00"), SIGN)


def test_snapshot_that_does_not_list_what_runs_repeats_nothing() -> None:
    """A standby's has an xmin below xmax and no list: what is in between may end without a trace in the text."""
    assert not signs.is_complete("90:100:")
    assert not signs.repeats(_sign("90:100:"), _sign("90:100:"))


@pytest.mark.parametrize(
    ("then", "now"), [("100:100:", "101:101:"), ("90:100:90", "90:101:90"), ("90:100:90,95", "90:101:90,95")]
)
def test_recording_transaction_may_end(then: str, now: str) -> None:
    """It is the first number that the sign's snapshot does not see, and the only one that ended since."""
    assert signs.repeats(_sign(then, recorded_by="100"), _sign(now, recorded_by="101"))


@pytest.mark.parametrize(
    ("then", "recorded_by", "now"),
    [
        ("100:100:", None, "101:101:"),
        ("100:100:", "100", "102:102:"),
        ("100:100:", "101", "102:102:"),
        ("100:100:", "101", "100:102:100"),
        ("100:100:", "101", "101:101:"),
        ("90:100:90", "100", "101:101:"),
        ("90:100:90,95", "100", "90:101:90"),
        ("100:100:", "100", "99:101:99"),
        ("90:100:", "100", "90:101:"),
    ],
)
def test_no_other_transaction_may_end_with_it(then: str, recorded_by: str | None, now: str) -> None:
    """A second number, one that was running, one that was given out before: the rows are compared."""
    assert not signs.repeats(_sign(then, recorded_by=recorded_by), _sign(now))


def test_neighbours_are_two_databases_of_one_running_server() -> None:
    """One and the same database is none: what records the sign there writes to the source."""
    beside = replace(SERVER, database="6", snapshot="1:1:")
    assert signs.are_neighbours(SERVER, beside)
    assert not signs.are_neighbours(SERVER, SERVER)
    assert not signs.are_neighbours(SERVER, replace(beside, system="8"))
    assert not signs.are_neighbours(SERVER, replace(beside, started_at="later"))


def test_lie_is_remembered_of_its_cluster_alone() -> None:
    """Another server begins anew."""
    lied = replace(SIGN, lied_at="2026-11-21T10:00:00+00:00")
    assert signs.is_distrusted(lied, SERVER)
    assert not signs.is_distrusted(lied, replace(SERVER, system="8"))
    assert not signs.is_distrusted(SIGN, SERVER)
    assert not signs.is_distrusted(None, SERVER)
