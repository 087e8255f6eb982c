"""Whether every stream has committed and keeps its promise, judged as `status` judges.

One that the site suspends is no failure, whatever its last run came to.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from datasurface.runtime.doctor.checks import Check, Group, Verdict
from datasurface.runtime.doctor.surroundings import Surroundings
from datasurface.runtime.durations import spoken
from datasurface.yellow.engine.audit import stream_status
from datasurface.yellow.engine.audit.stream_status import StreamState, StreamStatus
from datasurface.yellow.engine.connect import Session

#: So many are told one by one; of thousands that fail for one reason the others are only counted.
_MOST_TOLD: Final = 20
#: Suspended streams that are named.
_MOST_NAMED: Final = 5
_NO_RUN: Final = "no run came to its end: its DAG is paused, its pods do not start, or it still runs"


def streams(here: Surroundings, session: Session) -> Iterator[Check]:
    """One check per platform for what is well, and one per stream that is not."""
    status = stream_status.read(session, here.connections.merge_schema)
    if not status.streams:
        yield Check(group=Group.STREAMS, title="a stream is planned", verdict=Verdict.NOTE, evidence="none is")
        return
    told = [(stream, _evidence(stream)) for stream in status.streams if not stream.is_suspended]
    for platform in dict.fromkeys(stream.platform for stream in status.streams):
        yield from _well(platform, [(stream, why) for stream, why in told if stream.platform == platform])
        yield from _suspended(platform, status.streams)
    ill = [(stream, why) for stream, why in told if why is not None]
    for stream, why in ill[:_MOST_TOLD]:
        yield _failure(here, stream, why)
    if len(ill) > _MOST_TOLD:
        yield Check(
            group=Group.STREAMS,
            title="the other streams are well",
            verdict=Verdict.FAILED,
            evidence=f"{len(ill) - _MOST_TOLD} more are not",
            command="datasurface status",
        )


def _well(platform: str, told: Sequence[tuple[StreamStatus, str | None]]) -> Iterator[Check]:
    well = [stream for stream, why in told if why is None]
    if not well:
        return
    oldest = spoken(max(stream.age_seconds or 0 for stream in well))
    yield Check(
        group=Group.STREAMS,
        title=f"{platform}: {len(well)} of {len(told)} streams have committed and keep their promise, oldest {oldest}",
        verdict=Verdict.OK,
    )


def _suspended(platform: str, streams: Sequence[StreamStatus]) -> Iterator[Check]:
    keys = [stream.stream_key for stream in streams if stream.platform == platform and stream.is_suspended]
    if not keys:
        return
    more = len(keys) - _MOST_NAMED
    yield Check(
        group=Group.STREAMS,
        title=f"{platform}: every stream runs",
        verdict=Verdict.NOTE,
        evidence="the installation's file suspends "
        + ", ".join([*keys[:_MOST_NAMED], *([f"and {more} more"] if more > 0 else [])]),
    )


def _evidence(stream: StreamStatus) -> str | None:
    """What is wrong with a stream; None if it is well."""
    if stream.state is StreamState.FAILED:
        return f"batch {stream.open_batch_id} failed: {stream.failure or 'no reason was recorded'}"
    if stream.batch_id is None:
        return "no batch is committed yet" if stream.open_batch_id is None else "its first batch is under way"
    if stream.is_late:
        compared, promised = spoken(stream.age_seconds), spoken(stream.latency_seconds)
        return f"it was last compared with its source {compared} ago, promised are {promised}"
    return None


def _failure(here: Surroundings, stream: StreamStatus, evidence: str | None) -> Check:
    if stream.state is StreamState.FAILED:
        cause, command = _after_failure(here, stream)
    else:
        cause, command = _NO_RUN, here.pods_of("job", stream_status.run_command(stream))
    return Check(
        group=Group.STREAMS,
        title=f"{stream.platform}/{stream.stream_key} has committed and keeps its promise",
        verdict=Verdict.FAILED,
        evidence=evidence,
        cause=cause,
        command=command,
    )


def _after_failure(here: Surroundings, stream: StreamStatus) -> tuple[str | None, str | None]:
    """Why and what next: a command that the failure asks for, else another run, which Airflow starts by itself."""
    if here.namespace is not None and stream.command == stream_status.run_command(stream):
        return "once that is mended it goes on by itself at its next run", None
    return None, stream.command
