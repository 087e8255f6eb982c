"""Schedules: readable, and as fast as the promise made to consumers."""

from collections.abc import Iterator
from functools import lru_cache

from datasurface.lint.context import LintContext
from datasurface.lint.cron import longest_gap_seconds, schedule_problem, timezone_exists
from datasurface.lint.rule import Problem, rule
from datasurface.model.datastores import Datastore
from datasurface.model.platforms import YellowDataPlatform
from datasurface.model.triggers import CronTrigger, ExternalTrigger


@rule("DS611")
def cron_schedule(context: LintContext) -> Iterator[Problem]:
    """A schedule is five fields of cron that every reader understands alike."""
    for path, _, trigger in _crons(context):
        problem = schedule_problem(trigger.schedule)
        if problem is not None:
            yield Problem(
                path,
                f'the schedule "{trigger.schedule[:100]}" {problem}',
                'write five fields, e.g. "*/10 * * * *" for every ten minutes',
            )


@rule("DS612")
def known_timezone(context: LintContext) -> Iterator[Problem]:
    """The zone of a schedule is a name of the tz database."""
    for path, _, trigger in _crons(context):
        if not timezone_exists(trigger.timezone):
            yield Problem(
                path, f'there is no time zone "{trigger.timezone[:100]}"', 'write "UTC" or e.g. "Europe/Paris"'
            )


@rule("DS613")
def kept_latency(context: LintContext) -> Iterator[Problem]:
    """No stream is looked at more rarely than a group was promised.

    The longest time between two looks counts. A run looks again and again while its budget lasts, so that the budget
    shortens it. A store with an ExternalTrigger has no schedule to be judged by.
    """
    for served in context.served:
        promised = served.group.requirements.latency_seconds
        for store in {sink.store: store for sink, store, _ in context.known_sinks(served.group)}.values():
            schedule = _schedule(store, served.platform)
            gap = None if schedule is None else _gap_between_looks(schedule, served.platform)
            if gap is not None and gap > promised:
                yield Problem(
                    served.path,
                    f"promises data at most {promised} s old, but {served.platform.name} looks at {store.name}"
                    f' only every {gap} s (schedule "{schedule}")',
                    "make the schedule or the run budget fit, or promise what they can keep",
                )


def _crons(context: LintContext) -> Iterator[tuple[str, str, CronTrigger]]:
    for platform in context.ecosystem.data_platforms:
        trigger = CronTrigger(platform.default_schedule, platform.timezone)
        yield f"{context.ecosystem.name}/{platform.name}", platform.name, trigger
    for path, store in context.ecosystem.stores():
        if isinstance(store.capture.trigger, CronTrigger):
            yield path, store.name, store.capture.trigger


def _schedule(store: Datastore, platform: YellowDataPlatform) -> str | None:
    """The schedule of the store's streams on the platform; None where it has none or cannot be read."""
    trigger = store.capture.trigger
    if isinstance(trigger, ExternalTrigger):
        return None
    schedule = platform.default_schedule if trigger is None else trigger.schedule
    return None if schedule_problem(schedule) else schedule


@lru_cache(maxsize=4096)
def _gap_between_looks(schedule: str, platform: YellowDataPlatform) -> int | None:
    gap = longest_gap_seconds(schedule)
    if gap is None or platform.run_budget_seconds == 0:
        return gap
    return max(gap - platform.run_budget_seconds, platform.look_interval_seconds)
