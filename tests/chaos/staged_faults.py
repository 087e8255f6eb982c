"""Faults that need something set up before the run that they strike: standbys, a clock of its own, timeouts."""

import time
from typing import Any, Final

from psycopg2 import sql

from tests.chaos.faults import Blow, Fault, Stage, Strike
from tests.chaos.jobs import Ended
from tests.chaos.servers import ChaosServer, Standby

NAME: Final = "standby"
_CATCHING_UP_SECONDS: Final = 30
#: Half of how long the job is held with its transactions open: it sets its own and must not notice.
_TIMEOUT: Final = "200ms"
_TIMEOUTS: Final = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


def synchronous_merge(stage: Stage) -> Strike:
    """The merge server's synchronous standby takes over: nothing that was committed is lost."""
    primary = stage.site.merge
    standby = _standby(stage, primary)
    _set(primary, "synchronous_standby_names", NAME)
    _wait(primary, "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = %s", "sync")
    return _promotion("merge", standby)


def lagging_merge(stage: Stage) -> Strike:
    """A standby takes over that never heard of the last batches."""
    standby = _standby(stage, stage.site.merge)
    _cut_off(stage.site.merge, standby)
    stage.make_batches()
    return _promotion("merge", standby)


def lagging_source(stage: Stage) -> Strike:
    """A standby of the source takes over that never heard of the last changes, of which batches were made."""
    standby = _standby(stage, stage.site.source)
    _cut_off(stage.site.source, standby)
    stage.make_batches()
    stage.write()
    return _promotion("source", standby)


def clock_back(stage: Stage) -> Strike:
    """The merge server's clock jumps back, by minutes or hours; it is right again when the stream has come to rest."""
    server = stage.site.merge
    server.use_own_clock(True)
    stage.undo.callback(_give_clock_back, server)

    def strike(blow: Blow) -> Ended:
        blow.go_on()
        server.turn_clock(-blow.chance.randint(60, 86_400))
        blow.job.go()
        return blow.job.ended()

    return strike


def impatient_servers(stage: Stage) -> Strike:
    """Somebody gave the job's roles timeouts that end every statement and every open transaction at once."""
    servers = (stage.site.source, stage.site.merge)
    for server in servers:
        _limit(server, sql.SQL("SET {} = {}"))

    def strike(blow: Blow) -> Ended:
        time.sleep(0.4)
        blow.job.go()
        try:
            return blow.job.ended()
        finally:
            for server in servers:
                _limit(server, sql.SQL("RESET {}"))

    return strike


STAGED_FAULTS: Final = {
    "sync merge standby promoted": Fault(staged=synchronous_merge, weight=15),
    "async merge standby promoted": Fault(staged=lagging_merge, weight=15, goes_back="merge"),
    "async source standby promoted": Fault(staged=lagging_source, weight=15, goes_back="source"),
    "merge clock jumps back": Fault(staged=clock_back, weight=15, needs="clock"),
    "timeouts of the roles": Fault(staged=impatient_servers, weight=15, statuses=frozenset({0})),
}


def _standby(stage: Stage, primary: ChaosServer) -> Standby:
    standby = Standby(primary, name=NAME)
    stage.site.closing.callback(standby.remove)
    standby.create()
    standby.start()
    _wait(primary, "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = %s", "streaming")
    return standby


def _cut_off(primary: ChaosServer, standby: Standby) -> None:
    """Let the standby have all there is now, and nothing that comes."""
    with primary.connected() as session, session.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_lsn()")
        (position,) = cursor.fetchone() or (None,)
    _wait(standby, "SELECT pg_last_wal_replay_lsn() >= %s", position)
    _set(standby, "primary_conninfo", "")
    _wait(standby, "SELECT count(*) = %s FROM pg_stat_wal_receiver", 0)


def _promotion(side: str, standby: Standby) -> Strike:
    def strike(blow: Blow) -> Ended:
        before = blow.server(side)
        blow.go_on()
        before.stop("immediate")
        standby.promote()
        blow.proxy(side).target_port = standby.port
        if side == "source":
            blow.site.source = standby
        else:
            blow.site.merge = standby
        blow.job.go()
        ended = blow.job.ended()
        before.retire()
        return ended

    return strike


def _give_clock_back(server: ChaosServer) -> None:
    if server.data.exists():
        server.use_own_clock(False)


def _limit(server: ChaosServer, action: sql.SQL) -> None:
    with server.connected() as session, session.cursor() as cursor:
        for role in ("ds_job", "customer_reader"):
            for name in _TIMEOUTS:
                setting = action.format(sql.Identifier(name), sql.Literal(_TIMEOUT))
                cursor.execute(sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(role), setting))


def _set(server: ChaosServer, name: str, value: str) -> None:
    with server.connected() as session, session.cursor() as cursor:
        cursor.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        cursor.execute("SELECT pg_reload_conf()")


def _wait(server: ChaosServer, question: str, value: Any) -> None:
    deadline = time.monotonic() + _CATCHING_UP_SECONDS
    while time.monotonic() < deadline:
        with server.connected() as session, session.cursor() as cursor:
            cursor.execute(question, [value])
            if cursor.fetchone() == (True,):
                return
        time.sleep(0.02)
    raise TimeoutError(f"a server of the test did not come to say yes to: {question}")
