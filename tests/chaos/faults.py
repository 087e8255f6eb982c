"""What can strike a job at a named point. Each fault strikes while the job is held there, or right after it went on.

A fault leaves its servers up, its proxies whole and the job ended; what it says back is how the job ended.
"""

import contextlib
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Literal

from psycopg2 import OperationalError, sql
from psycopg2.errors import LockNotAvailable

from datasurface.yellow.engine.batch.crash_points import CrashPoint
from tests.chaos.jobs import Ended, Job
from tests.chaos.landscape import Site
from tests.chaos.proxy import Proxy
from tests.chaos.servers import SMALL, ChaosServer

#: How long after a point a fault may strike that does not strike at it.
_LATER_SECONDS: Final = 0.03
JOB: Final = "datasurface job"


@dataclass(kw_only=True)
class Blow:
    """One fault about to strike: the job stands at its point; `merge_tables` are its stream's."""

    site: Site
    job: Job
    chance: random.Random
    merge_tables: Sequence[str]

    def go_on(self) -> bool:
        """Perhaps let the job go on for a moment before the fault; says whether it did."""
        if self.chance.random() < 0.5:
            return False
        self.job.go()
        time.sleep(self.chance.random() * _LATER_SECONDS)
        return True

    def server(self, side: str) -> ChaosServer:
        return self.site.source if side == "source" else self.site.merge

    def proxy(self, side: str) -> Proxy:
        return self.site.source_proxy if side == "source" else self.site.merge_proxy


def kill(blow: Blow) -> Ended:
    """SIGKILL."""
    blow.go_on()
    blow.job.send(signal.SIGKILL)
    return blow.job.ended()


def ask_to_end(blow: Blow) -> Ended:
    """SIGTERM, as when a pod is deleted."""
    blow.job.send(signal.SIGTERM)
    blow.job.go()
    return blow.job.ended()


def crash(side: str) -> Callable[[Blow], Ended]:
    """`pg_ctl stop -m immediate`, at times `fast`, and a start before or after the job has ended."""

    def strike(blow: Blow) -> Ended:
        server = blow.server(side)
        blow.go_on()
        server.stop(blow.chance.choice(("immediate", "immediate", "fast")))
        if blow.chance.random() < 0.5:
            server.start()
        blow.job.go()
        ended = blow.job.ended()
        server.start()
        return ended

    return strike


def kill_backend(side: str) -> Callable[[Blow], Ended]:
    """SIGKILL of one of the job's server processes: the server ends all sessions and recovers by itself."""

    def strike(blow: Blow) -> Ended:
        server = blow.server(side)
        with server.connected() as session, session.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name = %s", [JOB])
            pids = [pid for (pid,) in cursor.fetchall()]
        blow.go_on()
        if pids:
            server.end_process(blow.chance.choice(pids))
        blow.job.go()
        ended = blow.job.ended()
        bring_up(server)
        return ended

    return strike


def reset(side: str) -> Callable[[Blow], Ended]:
    """Every connection to a server ends by RST."""

    def strike(blow: Blow) -> Ended:
        blow.go_on()
        blow.proxy(side).reset()
        blow.job.go()
        return blow.job.ended()

    return strike


def lose_answers(side: str) -> Callable[[Blow], Ended]:
    """What the job asks reaches the server, the answers do not; then the connections end."""

    def strike(blow: Blow) -> Ended:
        proxy = blow.proxy(side)
        proxy.lose_answers()
        blow.job.go()
        time.sleep(0.02 + blow.chance.random() * 0.08)
        proxy.heal()
        proxy.reset()
        return blow.job.ended()

    return strike


def stall(side: str) -> Callable[[Blow], Ended]:
    """A connection falls silent; then it goes on, or ends, or the job is killed or asked to end meanwhile."""

    def strike(blow: Blow) -> Ended:
        proxy = blow.proxy(side)
        proxy.silence()
        blow.job.go()
        time.sleep(0.1 + blow.chance.random() * 0.4)
        ending = blow.chance.choice(["goes on", "reset", "kill", "asked to end"])
        if ending in ("kill", "asked to end"):
            blow.job.send(signal.SIGKILL if ending == "kill" else signal.SIGTERM)
            time.sleep(0.1)
        proxy.heal()
        if ending != "goes on":
            proxy.reset()
        return blow.job.ended()

    return strike


def end_sessions(side: str, function: str) -> Callable[[Blow], Ended]:
    """The server ends one or all of the job's sessions, or cancels what they do."""

    def strike(blow: Blow) -> Ended:
        is_running = function == "pg_cancel_backend" or blow.chance.random() < 0.5
        if is_running:
            blow.job.go()
            time.sleep(blow.chance.random() * _LATER_SECONDS)
        with blow.server(side).connected() as session, session.cursor() as cursor:
            cursor.execute(
                sql.SQL(
                    "SELECT {}(pid) FROM pg_stat_activity WHERE application_name = %s ORDER BY random() LIMIT %s"
                ).format(sql.Identifier(function)),
                [JOB, blow.chance.choice([1, None])],
            )
        blow.job.go()
        return blow.job.ended()

    return strike


def disk_full(name: str) -> Callable[[Blow], Ended]:
    """The merge database's tablespace, or its WAL, has no room left; later it has."""

    def strike(blow: Blow) -> Ended:
        server = blow.site.merge
        filler = server.fill(name)
        try:
            blow.job.go()
            if name == "wal":
                _use_up_segments(server)
            return blow.job.ended()
        finally:
            filler.unlink()
            bring_up(server)

    return strike


def _use_up_segments(server: ChaosServer) -> None:
    """Go to the next WAL segment until there is none: the server panics, as it must."""
    try:
        with server.connected() as session, session.cursor() as cursor:
            for _ in range(200):
                cursor.execute("SELECT pg_logical_emit_message(false, 'chaos', repeat('x', 1000000))")
    except OperationalError:
        return


def bring_up(server: ChaosServer) -> None:
    """Wait for a server that recovers, and start it if it is down."""
    for _ in range(100):
        try:
            with server.connected():
                return
        except OperationalError:
            time.sleep(0.05)
            if not server.is_running:
                server.start()


def lock_table(blow: Blow) -> Ended:
    """A stranger locks a merge table away for a while; the job waits, and perhaps its waiting is cancelled."""
    with blow.site.merge.connected("chaos_merge") as stranger, stranger.cursor() as cursor:
        cursor.execute("BEGIN; SET LOCAL lock_timeout = '100ms'")
        with contextlib.suppress(LockNotAvailable):
            cursor.execute(
                sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(
                    sql.Identifier("public", blow.chance.choice(blow.merge_tables))
                )
            )
        blow.job.go()
        time.sleep(0.05 + 0.2 * blow.chance.random())
        if blow.chance.random() < 0.5:
            with blow.site.merge.connected() as session, session.cursor() as cancelling:
                cancelling.execute(
                    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = %s AND wait_event_type = 'Lock'",
                    [JOB],
                )
    return blow.job.ended()


class Stage:
    """What a fault may set up before the run that it strikes.

    `undo` runs when the stream is at rest again, `closing` at the very end. `make_batches` lets the streams make
    batches, `write` changes the source.
    """

    def __init__(
        self, site: Site, chance: random.Random, *, make_batches: Callable[[], None], write: Callable[[], None]
    ) -> None:
        self.site = site
        self.chance = chance
        self.make_batches = make_batches
        self.write = write
        self.undo = ExitStack()


Strike = Callable[[Blow], Ended]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A kind of fault; `weight` is how many of a thousand are to be of it, `bulk_bytes` what the batch has to carry.

    `staged` sets something up before the run begins and gives the `strike`. `goes_back` is the side that may lose what
    it had committed.
    """

    strike: Strike | None = None
    staged: Callable[[Stage], Strike] | None = None
    weight: int
    goes_back: Literal["merge", "source"] | None = None
    statuses: frozenset[int] = frozenset({0, 75})
    points: frozenset[CrashPoint] = frozenset(CrashPoint)
    bulk_bytes: int = 0
    needs: Literal["disks", "clock"] | None = None


_KILLED: Final = frozenset({0, 75, -signal.SIGKILL})
#: A job that is at work on the merge database's tables.
_WRITING: Final = frozenset(CrashPoint) - {CrashPoint.AFTER_COMMIT, CrashPoint.BEFORE_EXIT}

FAULTS: Final[dict[str, Fault]] = {
    "SIGKILL of the job": Fault(strike=kill, weight=300, statuses=_KILLED),
    "SIGTERM to the job": Fault(strike=ask_to_end, weight=60),
    "merge server crashes": Fault(strike=crash("merge"), weight=80),
    "source server crashes": Fault(strike=crash("source"), weight=60),
    "merge backend killed": Fault(strike=kill_backend("merge"), weight=30),
    "source backend killed": Fault(strike=kill_backend("source"), weight=20),
    "merge connection reset": Fault(strike=reset("merge"), weight=90),
    "source connection reset": Fault(strike=reset("source"), weight=60),
    "merge answers lost": Fault(strike=lose_answers("merge"), weight=60),
    "source answers lost": Fault(strike=lose_answers("source"), weight=20),
    "merge connection stalls": Fault(strike=stall("merge"), weight=25, statuses=_KILLED),
    "source connection stalls": Fault(strike=stall("source"), weight=15, statuses=_KILLED),
    "merge sessions ended": Fault(strike=end_sessions("merge", "pg_terminate_backend"), weight=50),
    "source sessions ended": Fault(strike=end_sessions("source", "pg_terminate_backend"), weight=30),
    "merge statements cancelled": Fault(strike=end_sessions("merge", "pg_cancel_backend"), weight=30),
    "source statements cancelled": Fault(strike=end_sessions("source", "pg_cancel_backend"), weight=15),
    "merge table locked": Fault(strike=lock_table, weight=15),
    "tablespace full": Fault(strike=disk_full(SMALL), weight=30, points=_WRITING, bulk_bytes=400_000, needs="disks"),
    "WAL disk full": Fault(strike=disk_full("wal"), weight=15, points=_WRITING, bulk_bytes=400_000, needs="disks"),
}
