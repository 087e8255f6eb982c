"""Every login has the same rights on every version: what a login may do there, what it may not, and what changed since.

Before PostgreSQL 15 everybody could create in the schema public, since 16 a membership has options, since 17 there is
MAINTAIN. The tables of statements are those of tests/db/test_init_rights.py.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest

from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.init.run import initialise
from datasurface.yellow.engine.init.step import Outcome
from datasurface.yellow.engine.roles import Roles
from tests.db.installation import Installation, Template, copied, init_plan
from tests.db.test_init_rights import ALLOWED, REFUSED, execute, filled, merge_model, session_of
from tests.versions import servers

#: Since when a right to look after a table can be granted by itself.
MAINTAIN_SINCE = 17
#: What each login does to tables that it does not own, in the words of that version.
MAINTAINING = (
    "VACUUM public.yellowlive_t_merge",
    "REINDEX TABLE public.yellowlive_t_merge",
    "CLUSTER public.yellowlive_t_merge USING yellowlive_t_merge_pkey",
)
IN_PUBLIC = (
    "CREATE TABLE public.mine (id text)",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
)
OF_READERS = (
    "CREATE FUNCTION pg_temp.tells(v text) RETURNS boolean LANGUAGE sql COST 0.001 AS 'SELECT true'",
    "SELECT pg_advisory_lock(1)",
    "TABLE pg_statistic",
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "LOCK TABLE public.yellowlive_t_merge IN ACCESS SHARE MODE",
)


@pytest.fixture(scope="module", params=sorted(servers.found()), ids=lambda major: f"PostgreSQL {major}")
def merged(
    request: pytest.FixtureRequest, template_of: Callable[[int], Template], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation on that version, with one platform, one view and its reader."""
    with copied(template_of(request.param), tmp_path_factory.mktemp("rights")) as installation:
        installation.make_demo_source()
        merge_model(installation)
        yield installation


@contextmanager
def as_login(installation: Installation, who: str) -> Iterator[Session]:
    """A session of a login in which nothing is only read."""
    with session_of(installation, who) as session:
        execute(session, "SET default_transaction_read_only = off")
        session.commit()
        yield session


def refused(session: Session, statements: Sequence[str]) -> list[str]:
    """The statements that were not refused for lack of rights."""
    done = []
    for statement in statements:
        try:
            execute(session, statement)
            done.append(statement)
        except psycopg2.errors.InsufficientPrivilege:
            pass
        session.rollback()
    return done


@pytest.mark.row("V08", "P01")
@pytest.mark.parametrize("who", ALLOWED)
def test_a_login_may_do_its_work(merged, who):
    """Every statement that a login needs for its work goes through."""
    with session_of(merged, who) as session:
        for statement in ALLOWED[who]:
            execute(session, filled(merged, statement))
            session.rollback()


@pytest.mark.row("V08", kind="refusal")
@pytest.mark.parametrize("who", REFUSED)
def test_a_login_may_do_nothing_else(merged, who):
    """What is not its work is refused, and so is making anything in the schema public."""
    statements = [filled(merged, statement) for statement in REFUSED[who]]
    with as_login(merged, who) as session:
        assert refused(session, [*statements, *(IN_PUBLIC if who != "job" else ())]) == []
        if who == "reader":
            assert refused(session, OF_READERS) == []


def test_only_jobs_look_after_their_tables(merged):
    """Owners may vacuum, index and cluster; nobody else was given that, by MAINTAIN or by a group of the server's."""
    with merged.session("job") as job:
        job.raw.autocommit = True
        execute(job, *MAINTAINING)
    for who in ("monitor", "link", "reader"):
        with as_login(merged, who) as session:
            session.raw.autocommit = True
            # Older servers skip a table with a warning, and cluster and reindex refuse.
            assert refused(session, MAINTAINING[1:]) == []
            if session.raw.server_version >= MAINTAIN_SINCE * 10_000:
                execute(session, "SELECT 1 / (NOT has_table_privilege('public.yellowlive_t_merge', 'MAINTAIN'))::int")


def test_init_finds_all_done(merged, tmp_path: Path):
    """A second call on the same server makes nothing."""
    server = merged.server
    plan = init_plan(Roles(), server.endpoint().port, demo=None)

    again = initialise(server.endpoint(), server.login, plan, merged.template.credentials)

    assert again.titles(Outcome.MADE) == []
