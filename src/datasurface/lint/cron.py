"""Schedules: whether five fields of cron are right, and how long the stream waits at most between two looks."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

FIELDS: Final = 5
DAY_SECONDS: Final = 86_400
#: Eight years from here hold every kind of month and two leap days. Fixed, so that a check is the same every day.
_FIRST_DAY: Final = datetime(2024, 1, 1, tzinfo=UTC)
_LAST_DAY: Final = _FIRST_DAY + timedelta(days=8 * 366)
_EVERY_DAY: Final = ["*", "*", "*"]
_LETTERS: Final = re.compile(r"[a-z]+", re.IGNORECASE)
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
MAX_LENGTH: Final = 200


@lru_cache(maxsize=4096)
def schedule_problem(schedule: str) -> str | None:
    """What is wrong with five fields of cron, or None.

    Only what every reader of cron understands alike is right: the scheduler and this check are different programs.
    """
    fields = schedule.split()
    if len(fields) != FIELDS or len(schedule) > MAX_LENGTH:
        return f"has {len(fields)} fields, cron has {FIELDS}: minute, hour, day of month, month, day of week"
    if "#" in schedule or not {name.upper() for name in _LETTERS.findall(schedule)} <= {*_DAYS, *_MONTHS}:
        return "uses more than numbers, lists, ranges, steps and the names of days and months"
    if any(day.startswith("*/") for day in fields[2::2]) and "*" not in fields[2::2]:
        return "steps through the days of the month or week and restricts the other: readers of cron disagree on that"
    try:
        CronSim(schedule, _FIRST_DAY)
    except CronSimError as error:
        return f"cannot be read: {str(error)[:1].lower()}{str(error)[1:]}"
    return None


@lru_cache(maxsize=4096)
def longest_gap_seconds(schedule: str) -> int | None:
    """The longest time between two looks of a right schedule, in local time; None where it comes less than twice.

    The times of a day are the same on each of its days, so days and times are looked at apart: a minutely schedule
    costs as little as a yearly one.
    """
    fields = schedule.split()
    clock = CronSim(schedule, _FIRST_DAY)
    times = sorted(hour * 3600 + minute * 60 for hour in clock.hours for minute in clock.minutes)
    within_a_day = max((later - earlier for earlier, later in pairwise(times)), default=0)
    days_apart = _longest_gap_days(fields[2:])
    if days_apart is None:
        return None
    return max(within_a_day, days_apart * DAY_SECONDS - (times[-1] - times[0]))


@lru_cache(maxsize=1024)
def timezone_exists(name: str) -> bool:
    """True for a name of the tz database."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        return False
    return True


def _longest_gap_days(day_fields: list[str]) -> int | None:
    if day_fields == _EVERY_DAY:
        return 1
    days = []
    for day in CronSim(" ".join(["0", "0", *day_fields]), _FIRST_DAY - timedelta(days=1)):
        if day > _LAST_DAY:
            break
        days.append(day)
    return max(((later - earlier).days for earlier, later in pairwise(days)), default=None)
