"""The real data as a source: what is in its tables, and that its changes are as many as it says."""

from pathlib import Path

import pytest
from psycopg2 import sql

from datasurface import loader
from datasurface.demo.flights_source import FlightsSource
from datasurface.demo.installation import Installation as DemoInstallation
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.engine.init.init_plan import InitPlan
from tests.db.installation import Installation

MODEL = Path(__file__).parents[2] / "models" / "flights"
TABLES = ("airlines", "airports", "planes", "weather", "flights")


@pytest.fixture
def source() -> FlightsSource:
    """The source that the committed model describes."""
    _, store = next(loader.load(MODEL).ecosystem.stores())
    return FlightsSource(store=store, seed=1)


@pytest.fixture
def filled(installation: Installation, source: FlightsSource, tmp_path: Path) -> DemoInstallation:
    """The tour's view of this test's databases, with the files loaded."""
    (tmp_path / "credentials").symlink_to(installation.template.credentials)
    database = installation.endpoint("source").database
    plan = InitPlan(roles=installation.roles, customer_database=database, demo=source.tables)
    with installation.session("admin", "source") as session, session.raw.cursor() as cursor:
        cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(installation.roles.customer_owner)))
        cursor.execute("SET LOCAL search_path = public")
        cursor.execute(source.tables.ddl)
        session.commit()
    demo = DemoInstallation(
        server=installation.server.endpoint(), admin=installation.server.login, plan=plan, folder=tmp_path
    )
    source.fill(demo, lambda done, total: None)
    return demo


def rows(installation: Installation, query: str) -> list[tuple]:
    """Rows of the source."""
    with installation.session("admin", "source") as session, session.raw.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def test_every_row_of_the_files_is_there(installation, filled, source):
    """336,776 flights and the four small tables, with the nulls that the files write as NA."""
    counts = {table: rows(installation, f"SELECT count(*) FROM public.{table}")[0][0] for table in TABLES}  # noqa: S608
    cancelled, unknown_years = (
        rows(installation, "SELECT count(*) FROM public.flights WHERE dep_time IS NULL")[0][0],
        rows(installation, "SELECT count(*) FROM public.planes WHERE year IS NULL")[0][0],
    )

    assert tuple(source.tables.tables) == TABLES
    assert counts == {
        "airlines": 16,
        "airports": 1_458,
        "planes": 3_322,
        "weather": 26_115,
        "flights": 336_776,
    }
    assert (cancelled, unknown_years) == (8_255, 70)


def test_one_per_cent_is_changed_as_announced(installation, filled, source):
    """40 % of the changes are new rows, 50 % changed ones, 10 % removed; a second look finds exactly these."""
    with installation.session("admin", "source") as session, session.raw.cursor() as cursor:
        cursor.execute("CREATE TABLE public.before AS TABLE public.flights")
        session.commit()

    changes = source.change(filled, lambda done, total: None)

    assert changes.counts["flights"] == Counts(inserted=1_348, updated=1_684, deleted=336)
    assert changes.counts["weather"] == Counts(inserted=105, updated=130, deleted=26)
    assert changes.counts["planes"] == Counts(inserted=14, updated=16, deleted=3)
    found = rows(
        installation,
        """SELECT count(*) FILTER (WHERE b.hour IS NULL), count(*) FILTER (WHERE a.hour IS NULL),
                  count(*) FILTER (WHERE a.hour = b.hour AND a *<> b)
             FROM public.flights AS a FULL JOIN public.before AS b USING (year, month, day, carrier, flight, origin)""",
    )
    assert found == [(1_348, 336, 1_684)]
