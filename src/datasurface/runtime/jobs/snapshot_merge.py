"""One run of a stream as a process: it ends at once when asked to, and reports on every path.

The run works in a thread, so that the main thread is free to hear of SIGTERM and SIGINT. The report is for three
readers: lines per dataset and the result code on stdout for people, the record in a file for orchestration, the log for
both. What a run does is the engine's matter.
"""

import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

from datasurface.connections import load_connections
from datasurface.errors import DatasurfaceError, ExitStatus, TransientError
from datasurface.runtime import logs
from datasurface.runtime.jobs.stop_request import StopRequest
from datasurface.runtime.settings import ResultSettings, read_settings
from datasurface.yellow.engine.batch import crash_points, run, run_result
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.batch.looking import LookOutcome
from datasurface.yellow.engine.batch.run import RunRequest
from datasurface.yellow.engine.batch.run_result import Outcome, RunResult
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.engine.links import Links
from datasurface.yellow.plan.streams import StreamPlan

#: After a signal a run that hangs (in a connect, on a silent server) is given up; Kubernetes would kill it at 30 s.
GRACE_SECONDS: Final = 20

Print = Callable[[str], None]


def run_job(request: RunRequest, say: Print, stop: StopRequest) -> ExitStatus:
    """Run the stream once and report; `say` prints a line on stdout. Never raises, whatever happens to the run.

    `stop` has taken the signals already, and keeps them.
    """
    logs.configure()
    try:
        result = _result(request, say, stop)
    except DatasurfaceError as error:
        logs.logger("job").error(error.message, fix=error.fix, family=error.family)
        logs.logger("job").debug("the error came from", exc_info=error)
        result = run_result.failed(request.run_id, error)
    except BaseException as error:  # whatever it is, it has to be reported
        logs.logger("job").error("the run failed for a reason that nobody foresaw", exc_info=error)
        result = run_result.failed(request.run_id, DatasurfaceError(f"{type(error).__name__}, which nobody foresaw"))
    report(result, say)
    return result.exit_status


def report(result: RunResult, say: Print) -> None:
    """Write the record where DATASURFACE_RESULT_FILE says, and print the result code as the last line of stdout."""
    path = ResultSettings().result_file
    if path is not None:
        _write(path, result)
    say(f"DATASURFACE_RESULT_CODE={result.rc}")
    crash_points.reached(CrashPoint.BEFORE_EXIT)


def look_lines(stream: StreamPlan, outcome: LookOutcome) -> list[str]:
    """What a batch did, for people: a line per dataset and one of totals; none for a look that made no batch."""
    if outcome.batch_id is None:
        return []
    where = f"{stream.platform}/{stream.stream_key} batch {outcome.batch_id}"
    width = max(map(len, ("total", *outcome.datasets)))
    lines = [_counts_line(where, name.ljust(width), counts) for name, counts in sorted(outcome.datasets.items())]
    return [*lines, _counts_line(where, "total".ljust(width), outcome.counts)]


def _counts_line(where: str, name: str, counts: Counts) -> str:
    unchanged = counts.total - counts.inserted - counts.updated
    return (
        f"{where}  {name}  New {counts.inserted}  Changed {counts.updated}  Deleted {counts.deleted}"
        f"  Unchanged {unchanged}"
    )


def _result(request: RunRequest, say: Print, stop: StopRequest) -> RunResult:
    settings = read_settings()
    logs.configure(settings.log_format, settings.log_level)
    log = logs.logger("job")
    links = Links(load_connections(settings.connections), application_name="datasurface job")

    def watch(stream: StreamPlan, outcome: LookOutcome) -> None:
        for line in look_lines(stream, outcome):
            say(line)
        tell = log.debug if outcome.batch_id is None else log.info
        note = {"note": outcome.note} if outcome.note else {}
        tell("looked", stream=stream.stream_key, batch_id=outcome.batch_id, **asdict(outcome.counts), **note)

    log.info("run begins", platform=request.platform, store=request.store, dataset=request.dataset, run=request.run_id)
    result = _Worker(links, lambda: run.run(request, links, watch), stop).result()
    if result.batch_id is None:
        say(f"{request.platform}/{request.store}  {_without_batch(result)}")
    log.info("run ended", **result.document())
    return result


def _without_batch(result: RunResult) -> str:
    """What a run says that made no batch."""
    if result.outcome is not Outcome.UNCHANGED:
        return result.message
    return f"unchanged, {result.total} rows" + (f" ({result.message})" if result.message else "")


class _Worker:
    """A run in a thread of its own, and the main thread that waits for it and hears of the signals."""

    def __init__(self, links: Links, work: Callable[[], RunResult], stop: StopRequest) -> None:
        self._links = links
        self._work = work
        self._stop = stop
        self._thread = threading.Thread(target=self._run, name="run", daemon=True)
        self._cancelling: threading.Thread | None = None
        self._result: RunResult | None = None
        self._error: BaseException | None = None

    def result(self) -> RunResult:
        """Run and wait. Raises what the run raised, or TransientError if a signal ended it or came before it."""
        with self._stop.telling(self._cancel_if_asked):
            if self._stop.signal is None:
                self._thread.start()
            while self._thread.is_alive() and not self._is_given_up():
                self._thread.join(timeout=1)
                self._cancel_if_asked()
        if self._result is not None:
            return self._result
        if self._stop.signal is not None:
            raise TransientError(
                f"{self._stop.signal.name}: the job was asked to end; nothing of the unfinished batch was kept",
                fix="The next run goes on",
            ) from self._error
        if self._error is None:
            raise RuntimeError("a run that ended has a result or an error")
        raise self._error

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # handed to the waiting thread
            self._error = error

    def _cancel_if_asked(self) -> None:
        """Cancel what runs, again and again: a statement may have begun right after the last time.

        In a thread of its own: asking a silent server takes long.
        """
        if self._stop.signal is None or (self._cancelling is not None and self._cancelling.is_alive()):
            return
        self._cancelling = threading.Thread(target=self._links.cancel, name="cancel", daemon=True)
        self._cancelling.start()

    def _is_given_up(self) -> bool:
        asked = self._stop.seconds_ago
        return asked is not None and asked > GRACE_SECONDS


def _write(path: Path, result: RunResult) -> None:
    """In place: Kubernetes mounts the file of a termination message, which cannot be replaced."""
    try:
        path.write_text(result.text(), encoding="utf-8")
    except OSError as error:
        logs.logger("job").error(f"the result cannot be written to {path}: {error.strerror}")
