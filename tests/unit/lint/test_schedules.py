"""Schedules that can be read and keep what was promised; credentials that can log in."""

from __future__ import annotations

import pytest

from datasurface import dsl
from datasurface.lint.cron import longest_gap_seconds, schedule_problem
from tests.unit.lint.landscape import ecosystem, found, group, only, platform, store, team, workspace

GROUP = "Eco/Zone/team/Consumer/Group"


def promised(latency_seconds, trigger=None, **of_platform):
    """The right model with another promise and schedule."""
    return ecosystem(
        team(
            stores=[store(capture={"trigger": trigger})],
            workspaces=[workspace(groups=[group(latency_seconds=latency_seconds)])],
        ),
        platforms=[platform(**of_platform)],
    )


@pytest.mark.row("M13")
@pytest.mark.parametrize(
    ("schedule", "gap"),
    [
        ("* * * * *", 60),
        ("*/10 * * * *", 600),
        ("*/7 * * * *", 420),
        ("0,1 * * * *", 3540),
        ("5 3 * * *", 86_400),
        ("0 8-17 * * *", 15 * 3600),
        ("* * * * MON-FRI", 2 * 86_400 + 60),
        ("0 0 * * 1", 7 * 86_400),
        ("0 0 1 * *", 31 * 86_400),
        ("* * 1 * *", 30 * 86_400 + 60),
        ("0 0 1,15 * 1", 7 * 86_400),
        ("0 0 1 1 *", 366 * 86_400),
        ("0 0 29 2 *", 1461 * 86_400),
        ("0 0 * * 7", 7 * 86_400),
    ],
)
def test_longest_gap_of_a_schedule(schedule, gap):
    """The longest wait counts: over the night, the weekend, the longest month."""
    assert schedule_problem(schedule) is None
    assert longest_gap_seconds(schedule) == gap


@pytest.mark.row("M13", kind="refusal")
@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("* * * *", "has 4 fields"),
        ("* * * * * *", "has 6 fields"),
        ("@hourly", "has 1 fields"),
        ("60 * * * *", "cannot be read: bad minute"),
        ("* 24 * * *", "cannot be read: bad hour"),
        ("* * 0 * *", "cannot be read: bad day-of-month"),
        ("* * 30 2 *", "cannot be read: bad day-of-month"),
        ("* * * 13 *", "cannot be read: bad month"),
        ("* * * * 8", "cannot be read: bad day-of-week"),
        ("*/0 * * * *", "cannot be read: bad minute"),
        ("5-1 * * * *", "cannot be read: bad minute"),
        ("+5 * * * *", "cannot be read: bad minute"),
        ("* * L * *", "uses more than numbers"),
        ("* * LW * *", "uses more than numbers"),
        ("* * * * 1#2", "uses more than numbers"),
        ("* * * * 5L", "uses more than numbers"),
        ("H * * * *", "uses more than numbers"),
        ("0 0 */2 * 1", "steps through the days"),
        ("0 0 1 * */2", "steps through the days"),
        ("1," * 5000 + "1 * * * *", "has 5 fields"),
    ],
)
def test_schedule_that_readers_disagree_about_is_found(schedule, problem):
    """Anything but the five plain fields of cron is refused, with the reason."""
    assert problem in schedule_problem(schedule)
    assert [rule for rule, _ in found(promised(60, dsl.CronTrigger(schedule)))] == ["DS611"]
    assert found(promised(60, default_schedule=schedule)) == [("DS611", "Eco/Yellow")]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "Europe", "utc\n", "x" * 5000])
def test_unknown_time_zone_is_found(zone):
    """A zone that the tz database does not have is refused, whatever it would be as a path."""
    assert found(promised(60, timezone=zone)) == [("DS612", "Eco/Yellow")]


def test_known_time_zone_is_right():
    """A named zone is a zone."""
    assert found(promised(60, dsl.CronTrigger("* * * * *", "Europe/Paris"))) == []


@pytest.mark.row("M13", kind="refusal")
@pytest.mark.parametrize(
    ("model", "gap"),
    [
        (promised(59), 60),
        (promised(599, default_schedule="*/10 * * * *"), 600),
        (promised(60, dsl.CronTrigger("*/2 * * * *")), 120),
        (promised(60, default_schedule="* * * * MON-FRI"), 172_860),
        (promised(60, default_schedule="*/2 * * * *", run_budget_seconds=55), 65),
        (promised(5, run_budget_seconds=59, look_interval_seconds=6), 6),
    ],
)
def test_schedule_slower_than_the_promise_is_found(model, gap):
    """A group that was promised more than its streams' schedule gives is told what it gives."""
    finding = only(model)

    assert (finding.rule, finding.path) == ("DS613", GROUP)
    assert f"only every {gap} s" in finding.message


@pytest.mark.row("M13")
@pytest.mark.parametrize(
    "model",
    [
        promised(60),
        promised(600, default_schedule="*/10 * * * *"),
        promised(120, dsl.CronTrigger("*/2 * * * *")),
        promised(5, run_budget_seconds=55),
        promised(65, default_schedule="*/2 * * * *", run_budget_seconds=55),
        promised(1, dsl.ExternalTrigger()),
        promised(2, run_budget_seconds=86_400, default_schedule="0 0 * * *"),
    ],
)
def test_promise_that_is_kept_is_right(model):
    """A store's trigger counts before the platform's, a budget shortens the wait, an outer trigger is not judged."""
    assert found(model) == []


@pytest.mark.row("M08", kind="refusal")
def test_token_cannot_log_in():
    """Credentials of databases are of the kind with a user and password, on stores and platforms."""
    token = dsl.Credential("token", dsl.CredentialType.API_TOKEN)
    model = ecosystem(team(stores=[store(capture={"credential": token})]), platforms=[platform(credential=token)])

    assert found(model) == [("DS601", "Eco/Yellow"), ("DS601", "Eco/Zone/team/Store")]


def test_credentials_that_differ_in_case_are_found():
    """Names of secrets are compared without case."""
    assert only(ecosystem(team(), platforms=[platform(credential=dsl.Credential("READER"))])).rule == "DS602"
