"""Views of a workspace in another database, through postgres_fdw of the system's PostgreSQL."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql

from datasurface.connections import Login
from datasurface.dsl import BigInt, DDLColumn, Integer, Text, VarChar
from datasurface.yellow.engine.connect import Purpose, open_session
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.views import workspace_views
from datasurface.yellow.engine.views.view_steps import ViewAction
from datasurface.yellow.engine.views.workspace_views import WorkspaceViews
from tests.db.installation import Installation
from tests.db.models import CUSTOMERS, FORENSIC, ID, NAME
from tests.db.site import Site, applied
from tests.db.streams import SCHEMA

VIEW = "yellowlive_consumer1_livedsg_customers_view"
HISTORY = "yellowforensic_consumer1_forensicdsg_customers_history_view"
MERGE = "yellowlive_store1_customers_merge"
SHOWN = CUSTOMERS.but(1, consumer_database="consumer_db")


@dataclass(kw_only=True)
class Consumers:
    """A site, and the consumers' database beside it."""

    site: Site

    @property
    def installation(self) -> Installation:
        return self.site.installation

    def query(self, text: str, *tables: str, login: Login | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query in the consumers' database, as the superuser or as `login`; what it changes is committed."""
        endpoint = self.installation.endpoint("consumer")
        login = login or self.installation.login("admin")
        with (
            open_session(endpoint, login, application_name="test consumer", purpose=Purpose.MERGE) as session,
            session.raw.cursor() as cursor,
        ):
            cursor.execute(sql.SQL(text).format(*[sql.Identifier(SCHEMA, name) for name in tables]))
            found = cursor.fetchall() if cursor.description else []
            session.commit()
            return found

    def views(self) -> list[str]:
        """Names of the views of the consumers' database."""
        return [name for (name,) in self.query("SELECT viewname FROM pg_views WHERE schemaname = 'public' ORDER BY 1")]

    def reconciled(self) -> WorkspaceViews:
        """Reconcile all views."""
        return workspace_views.reconcile(Links(self.installation.connections), wait_seconds=1)


@pytest.fixture
def consumers(linked_installation) -> Consumers:
    linked_installation.endpoint("consumer")
    return Consumers(site=Site(installation=linked_installation))


@pytest.fixture
def ann(consumers) -> Iterator[Login]:
    """A person of Consumer1."""
    roles = consumers.installation.roles
    applied(consumers.site.apply(SHOWN))
    consumers.site.execute(f"CREATE ROLE ann LOGIN PASSWORD 'ann' IN ROLE \"{roles.reader('Consumer1')}\"")
    yield Login(username="ann", password="ann")
    consumers.site.execute("DROP ROLE ann")


def happened(consumers: WorkspaceViews) -> dict[str, int]:
    """What happened to the views of the consumers' database, without what happened to none."""
    return {action.value: count for action, count in consumers.consumers[0].views.counts.items() if count}


@pytest.mark.row("V08")
def test_a_workspace_finds_its_views_in_its_own_database(consumers, ann):
    """The same names, columns, types and rows, through a login of the workspace's role."""
    consumers.site.execute("INSERT INTO {} VALUES ('C1', 'Ada', 1), ('C2', 'Bob', 1)", MERGE)

    assert consumers.query("SELECT * FROM {} ORDER BY id", VIEW, login=ann) == [("C1", "Ada"), ("C2", "Bob")]
    assert consumers.query("SELECT name FROM {} WHERE id = 'C2'", VIEW, login=ann) == [("Bob",)]
    assert consumers.query("SELECT count(*) FROM {}", HISTORY, login=ann) == [(0,)]
    columns = consumers.query(
        "SELECT attname, format_type(atttypid, atttypmod)"
        " FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid"
        " WHERE relname LIKE '%history_view' AND attnum > 0 ORDER BY attnum"
    )
    assert dict(columns) == consumers.site.columns(HISTORY)


@pytest.mark.row("V08", kind="refusal")
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM {}",
        "CREATE FOREIGN TABLE mine (id text) SERVER ds_merge_database OPTIONS (table_name 'ds_revision')",
        "CREATE USER MAPPING FOR ann SERVER ds_merge_database OPTIONS (user 'ds_link', password '')",
        "CREATE TABLE public.mine (id text)",
    ],
    ids=["foreign table", "own foreign table", "own mapping", "own table"],
)
def test_the_link_behind_the_views_is_not_the_readers(consumers, ann, statement):
    """The foreign tables and the login behind them are for the views' owner alone."""
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        consumers.query(statement, f"{VIEW}_link", login=ann)
    options = consumers.query("SELECT umoptions FROM pg_user_mappings", login=ann)
    assert options == [(None,)]


def test_a_second_apply_finds_them_unchanged(consumers):
    """Nothing is written there when nothing changed."""
    applied(consumers.site.apply(SHOWN))

    assert happened(consumers.reconciled()) == {"unchanged": 3}


@pytest.mark.row("V08", "I17")
def test_columns_and_types_follow(consumers, ann):
    """A new column is appended; a wider type and a column that left take a new view, which keeps its reader."""
    numbered = (ID, NAME, DDLColumn("n", Integer()))
    applied(consumers.site.apply(SHOWN.but(2, datasets={"customers": numbered})))
    consumers.site.execute("INSERT INTO {} (id, name, n, ds_surf_batch_id) VALUES ('C1', 'Ada', 7, 1)", MERGE)
    assert consumers.query("SELECT * FROM {}", VIEW, login=ann) == [("C1", "Ada", 7)]

    wider = (DDLColumn("id", Text(), primary_key=True), DDLColumn("n", BigInt()))
    applied(consumers.site.apply(SHOWN.but(3, datasets={"customers": wider})))

    assert consumers.query("SELECT *, pg_typeof(n)::text FROM {}", VIEW, login=ann) == [("C1", 7, "bigint")]
    assert happened(consumers.reconciled()) == {"unchanged": 3}


def test_order_is_that_of_the_merge_database(consumers):
    """A key's byte order is known on both sides, so that sorting may happen on either."""
    applied(consumers.site.apply(SHOWN))
    consumers.site.execute("INSERT INTO {} VALUES ('b', '', 1), ('B', '', 1), ('a', '', 1), ('Ä', '', 1)", MERGE)

    assert consumers.query("SELECT id FROM {} ORDER BY id", VIEW) == [("B",), ("a",), ("b",), ("Ä",)]


@pytest.mark.row("V08", kind="refusal")
def test_a_view_that_leaves_goes_there_as_well(consumers):
    """Also where the workspace gives its database up; what is not ours stays."""
    applied(consumers.site.apply(SHOWN))
    consumers.query("CREATE VIEW {} AS SELECT 1 AS one", "yellowlive_of_mine")

    applied(consumers.site.apply(SHOWN.but(2, strategies=(FORENSIC,))))
    assert consumers.views() == [HISTORY, HISTORY.replace("_history", ""), "yellowlive_of_mine"]
    applied(consumers.site.apply(SHOWN.but(3, strategies=(FORENSIC,), consumer_database=None)))

    assert consumers.views() == ["yellowlive_of_mine"]
    assert consumers.query("SELECT count(*) FROM pg_foreign_table") == [(0,)]
    merge = consumers.site.query("SELECT relacl::text FROM pg_class WHERE relname LIKE '%history_view'")
    assert f"{consumers.installation.roles.link}=" not in merge[0][0]


def test_a_database_that_is_away_keeps_no_revision_from_being_applied(consumers):
    """The outcome says why, view by view or at once, and the next reconcile makes it good."""
    consumers.query("ALTER SERVER ds_merge_database RENAME TO elsewhere")

    outcome = consumers.site.apply(SHOWN)

    applied(outcome)
    assert [consumer.is_ok for consumer in outcome.consumers] == [False]
    assert {result.action for result in outcome.consumers[0].views.results} == {ViewAction.FAILED}
    assert "ds_merge_database" in str(outcome.consumers[0].views.results[0].reason)
    consumers.query("ALTER SERVER elsewhere RENAME TO ds_merge_database")
    assert happened(consumers.reconciled()) == {"created": 3}


def test_a_database_that_does_not_exist_is_named(consumers):
    """The revision is applied and the reason says which database could not be reached."""
    outcome = consumers.site.apply(CUSTOMERS.but(1, consumer_database="nowhere_db"))

    applied(outcome)
    assert [(each.database, each.is_ok) for each in outcome.consumers] == [("nowhere_db", False)]
    assert 'database "nowhere_db" does not exist' in str(outcome.consumers[0].reason)
    gone = consumers.site.apply(CUSTOMERS.but(2))
    assert [(each.database, each.is_ok) for each in gone.consumers] == [("nowhere_db", True)]


@pytest.mark.parametrize("name", ['say "hi"', "100%", "select", "Größe", "a" * 63, "{}", "' or '1'='1"])
def test_any_name_of_a_column_arrives(consumers, name):
    """Quotes, percent signs and the longest name come through the link."""
    applied(consumers.site.apply(SHOWN.but(1, datasets={"customers": (ID, DDLColumn(name, VarChar(5)))})))
    consumers.site.execute("INSERT INTO {} VALUES ('C1', 'x', 1)", MERGE)

    assert consumers.query("SELECT * FROM {}", VIEW) == [("C1", "x")]
    assert happened(consumers.reconciled()) == {"unchanged": 3}


def test_a_strangers_view_there_is_named_and_never_dropped(consumers):
    """What depends on a view that would have to go keeps it, with a reason; the merge database follows nevertheless."""
    applied(consumers.site.apply(SHOWN))
    consumers.query("CREATE VIEW {} AS SELECT name FROM {}", "report", VIEW)

    outcome = consumers.site.apply(SHOWN.but(2, datasets={"customers": (ID,)}))

    applied(outcome)
    failed = [result for result in outcome.consumers[0].views.results if result.action is ViewAction.FAILED]
    assert [result.name for result in failed] == [VIEW]
    assert "view public.report" in str(failed[0].reason)
    assert "report" in consumers.views()
