"""The statements of docs/consumers.md do what the guide says, for a reader of the demo's workspace."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection

from datasurface.loader import load
from datasurface.yellow.engine.batch import run
from datasurface.yellow.engine.batch.run import RunRequest
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.model_merge import model_apply
from tests.db.installation import Installation

ROOT = Path(__file__).parents[2]
STATEMENTS = re.findall(r"^```sql\n(.*?)^```$", (ROOT / "docs" / "consumers.md").read_text("utf-8"), re.S | re.M)
PLATFORMS = ("YellowLive", "YellowForensic")


def statement(beginning: str) -> str:
    """The one statement of the guide that contains this text."""
    found = [text for text in STATEMENTS if beginning in text]
    assert len(found) == 1
    return found[0]


def looked(installation: Installation, *changes: str) -> None:
    """Change the source and let both platforms look at it."""
    with installation.session("admin", "source") as source, source.raw.cursor() as cursor:
        cursor.execute("SET search_path = public")
        for change in changes:
            cursor.execute(change)
        source.commit()
    for platform in PLATFORMS:
        request = RunRequest(platform=platform, store="Store1", budget_seconds=0)
        run.run(request, Links(installation.connections), lambda *_: None)


@pytest.fixture
def ann(installation) -> Iterator[connection]:
    """A reader of Consumer1 with the settings of an ordinary client, after three batches."""
    installation.make_demo_source()
    loaded = load(ROOT / "models" / "demo")
    model_apply.apply_revision(Links(installation.connections), loaded, None)
    looked(installation)
    looked(installation, "UPDATE customers SET email = 'new@example.com' WHERE id = 'CUST003'")
    looked(
        installation,
        "UPDATE customers SET phone = '555-0177' WHERE id = 'CUST003'",
        "DELETE FROM customers WHERE id = 'CUST005'",
        "INSERT INTO customers (id, firstname, lastname, dob) VALUES ('CUST006', 'Zoe', 'New', '2000-01-01')",
    )
    name, reader = installation.roles.named("ann"), installation.roles.reader("Consumer1")
    with installation.session("admin") as admin, admin.raw.cursor() as cursor:
        cursor.execute(f'CREATE ROLE "{name}" LOGIN PASSWORD \'ann\' IN ROLE "{reader}"')
        admin.commit()
        merge = installation.endpoint()
        client = psycopg2.connect(
            host=merge.host, port=merge.port, dbname=merge.database, user=name, password="ann", sslmode=merge.sslmode
        )
        try:
            yield client
        finally:
            client.close()
            cursor.execute(f'DROP ROLE "{name}"')
            admin.commit()


def rows(client: connection, text: str) -> list[tuple[Any, ...]]:
    """Rows of a statement, in a transaction of its own."""
    with client.cursor() as cursor:
        cursor.execute(text)
        found = cursor.fetchall()
    client.rollback()
    return found


@pytest.mark.row("V06", "V08")
def test_every_statement_of_the_guide_runs_for_a_reader(ann):
    """Each gives what its sentence promises, with the demo's rows and three batches."""
    answers = {text: rows(ann, text) for text in STATEMENTS}

    assert len(STATEMENTS) == 10
    listed = dict(answers[statement("obj_description")])
    assert len(listed) == 6
    assert listed["yellowlive_consumer1_livedsg_customers_view"] == (
        "Store1/customers for Consumer1/LiveDSG by YellowLive: as of the last batch"
    )
    assert [
        row[0] for row in answers[statement("FROM yellowlive_consumer1_livedsg_customers_view\n WHERE id = 'C")]
    ] == ["CUST003"]
    as_of_first = {key: (email, phone) for key, email, phone in answers[statement("valid_from_batch <= 1 AND")]}
    assert sorted(as_of_first) == ["CUST001", "CUST002", "CUST003", "CUST004", "CUST005"]
    assert as_of_first["CUST003"][0] != "new@example.com"
    assert answers[statement("interval '1 day'")] == []
    life = answers[statement("SELECT valid_from_batch, valid_to_batch, valid_from, email")]
    assert [(row[0], row[1], row[3]) for row in life[1:]] == [
        (2, 2, "new@example.com"),
        (3, None, "new@example.com"),
    ]
    assert (life[0][0], life[0][1]) == (1, 1)
    assert answers[statement("AS change")] == [("CUST003", "changed"), ("CUST005", "gone"), ("CUST006", "new")]
    assert answers[statement("last_batch_with_a_change")][0][0] == 3
    assert all(row[0] <= "CUST005" for row in answers[statement("c.valid_from_batch <= 2")])


@pytest.mark.row("V06")
def test_as_of_now_is_the_present(ann):
    """The conditions of the guide, asked for this moment, give just the current view."""
    current = "SELECT * FROM yellowforensic_consumer1_forensicdsg_customers_view ORDER BY id"
    columns = "id, firstname, lastname, dob, email, phone, primaryaddressid, billingaddressid"
    as_of_now = (
        "SELECT {} FROM yellowforensic_consumer1_forensicdsg_customers_history_view"
        " WHERE valid_from <= now() AND (valid_to IS NULL OR valid_to > now()) ORDER BY id"
    )

    assert rows(ann, as_of_now.format(columns)) == rows(ann, current)
    assert rows(ann, current) == rows(
        ann, current.replace("yellowforensic", "yellowlive").replace("forensicdsg", "livedsg")
    )


@pytest.mark.parametrize(
    ("condition", "uses_index"),
    [
        ("id = 'CUST003'", True),
        ("id IN ('CUST003', 'CUST004')", True),
        ("id BETWEEN 'CUST003' AND 'CUST004'", True),
        ("id = ANY (ARRAY(SELECT 'CUST003'))", True),
        ("id LIKE 'CUST003%'", False),
        ("lower(id) = 'cust003'", False),
    ],
)
def test_conditions_find_rows_by_the_key_as_the_guide_says(installation, ann, condition, uses_index):
    """The guide's table of what is fast is what the planner does."""
    for view in ("yellowlive_consumer1_livedsg", "yellowforensic_consumer1_forensicdsg"):
        with ann.cursor() as cursor:
            # So few rows are read faster without the index; whether it could be used is the question.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN SELECT id FROM {view}_customers_view WHERE {condition}")  # noqa: S608 - constants
            plan = "\n".join(line for (line,) in cursor.fetchall())
        ann.rollback()
        assert ("Index Cond: (" in plan) == uses_index, plan
