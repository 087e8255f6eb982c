"""Why a look at a read replica always compares: the text of its snapshots repeats while rows arrive."""

from collections.abc import Iterator

import pytest

from datasurface.demo.embedded import EmbeddedServer
from datasurface.yellow.engine import connect
from datasurface.yellow.engine.connect import Purpose
from datasurface.yellow.engine.source import server_state, signs
from tests.db.installation import administrator, rows
from tests.versions import servers
from tests.versions.standby import Standby, can_copy, replayed
from tests.versions.test_replica import until


@pytest.fixture
def primary() -> Iterator[EmbeddedServer]:
    """A server that can be copied and does nothing by itself."""
    folders = [programs.folder for programs in servers.found().values() if can_copy(programs.folder)]
    if not folders:
        pytest.skip("no pg_basebackup here")
    with EmbeddedServer(fast=True, binaries=folders[-1]) as server:
        rows(server, "postgres", "ALTER SYSTEM SET autovacuum = off")
        server.restart()
        rows(server, "postgres", "CREATE TABLE public.t (a text)")
        yield server


def test_standby_repeats_a_snapshot_while_a_row_arrives(primary: EmbeddedServer) -> None:
    """Between the oldest running transaction and the newest that ended another one commits: no text tells."""
    with Standby(primary) as standby, administrator(primary) as oldest, administrator(primary) as middle:
        for session in (oldest, middle):
            session.raw.autocommit = False
            with session.raw.cursor() as cursor:
                cursor.execute("INSERT INTO public.t VALUES ('in the middle')")
        rows(primary, "postgres", "INSERT INTO public.t VALUES ('newest')")
        before = _seen(primary, standby)
        middle.commit()
        after = _seen(primary, standby)
        oldest.rollback()

    assert (before[1], after[1]) == (1, 2)
    assert before[0] == after[0]
    assert not signs.is_complete(after[0])


def _seen(primary: EmbeddedServer, standby: Standby) -> tuple[str, int]:
    """The text of a snapshot of the standby once it has caught up, and how many rows it sees."""
    with administrator(primary) as ours, administrator(standby) as theirs:
        until(lambda: replayed(ours, theirs))
    with connect.open_session(
        standby.endpoint(), standby.login, application_name="test", purpose=Purpose.SOURCE
    ) as session:
        session.begin_snapshot()
        assert server_state.read(session) is None
        with session.raw.cursor() as cursor:
            cursor.execute("SELECT pg_current_snapshot()::text, (SELECT count(*) FROM public.t)")
            text, count = cursor.fetchone() or ("", 0)
    return text, count
