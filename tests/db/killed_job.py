"""A job that dies by SIGKILL at a named moment, so that a test finds what it left behind.

Each job is a process of its own, forked from one that has loaded the engine and nothing else: an interpreter that loads
it anew for every job would take most of the time of these tests.
"""

import dataclasses
import multiprocessing
import signal
import time

from datasurface.yellow.engine.batch.crash_points import CrashPoint
from tests.db.engine import dying_job
from tests.db.streams import Stream

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["datasurface.yellow.engine.batch.run", "datasurface.yellow.engine.links"])
_SECONDS = 60


def killed_job(stream: Stream, point: CrashPoint, **request: object) -> None:
    """Run the stream in a process of its own, which dies at `point`."""
    asked = dataclasses.asdict(stream.request(**request))
    job = _SERVER.Process(target=dying_job.die_at, args=(point, stream.installation.connections_path, asked))
    job.start()
    try:
        job.join(_SECONDS)
        assert job.exitcode == -signal.SIGKILL, f"the job ended with {job.exitcode}"
    finally:
        job.kill()
        job.join()
        job.close()
    _let_go(stream)


def _let_go(stream: Stream) -> None:
    """Wait until the server has noticed: until then the dead job's locks are held."""
    deadline = time.monotonic() + _SECONDS
    with stream.installation.template.admin.raw.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT FROM pg_stat_activity WHERE starts_with(application_name, %s)", [dying_job.NAME])
            if not cursor.rowcount:
                return
            time.sleep(0.01)
    raise AssertionError("the server still serves a job that is dead")
