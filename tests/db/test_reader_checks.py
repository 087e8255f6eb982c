"""Every view is asked as its workspace would ask: what answers, what does not and why."""

import json
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from psycopg2 import sql

from datasurface.cli.main import cli
from datasurface.demo.embedded import EmbeddedServer
from datasurface.errors import ExitStatus
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.views import reader_checks
from datasurface.yellow.engine.views.reader_checks import ReaderAnswer
from tests.db.installation import Installation
from tests.db.models import CUSTOMERS
from tests.db.site import Site, applied

VIEW = "yellowlive_consumer1_livedsg_customers_view"
HISTORY = "yellowforensic_consumer1_forensicdsg_customers_history_view"
MERGE = "yellowlive_store1_customers_merge"


@pytest.fixture
def site(installation: Installation) -> Site:
    """An installation with views of customers, of both kinds, for Consumer1."""
    site = Site(installation=installation)
    applied(site.apply(CUSTOMERS))
    return site


def reconciled(installation: Installation, *options: str) -> Result:
    """Run the command with a check of the readers."""
    environment = {"DATASURFACE_CONNECTIONS": str(installation.connections_path)}
    return CliRunner().invoke(cli, ["reconcile-workspace-views", "--check-readers", *options], env=environment)


def answers(installation: Installation, **options: str) -> dict[str, ReaderAnswer]:
    """What each view answered, by database and name."""
    found = reader_checks.ask(Links(installation.connections), **options)
    return {f"{'' if answer.database.endswith('merge') else 'consumer '}{answer.view}": answer for answer in found}


def revoke(site: Site, relation: str, role: str) -> None:
    """Take a role's right to read."""
    statement = sql.SQL("REVOKE SELECT ON {} FROM {}").format(sql.Identifier("public", relation), sql.Identifier(role))
    with site.installation.session("admin") as session, session.raw.cursor() as cursor:
        cursor.execute(statement)
        session.commit()


@pytest.mark.row("V05", "V06", "V08")
def test_every_view_answers_its_reader(site):
    """Right after the merge, with and without rows, current and history; the command says so and ends well."""
    site.execute("INSERT INTO {} VALUES ('C1', 'Ada', 1)", MERGE)

    found = answers(site.installation)
    shown = reconciled(site.installation)

    assert len(found) == 3
    assert {answer.reader for answer in found.values()} == {site.installation.roles.reader("Consumer1")}
    assert [answer.reason for answer in found.values()] == [None] * 3
    assert shown.exit_code == ExitStatus.DONE, shown.output
    assert shown.output.splitlines()[-1] == "Summary: 3 of 3 views answer their readers"
    assert "Ada" not in shown.output
    assert list(answers(site.installation, platform="YellowForensic")) == [
        HISTORY,
        HISTORY.replace("_history", ""),
    ]


@pytest.mark.row("V05", "V06", kind="refusal")
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ('REVOKE USAGE ON SCHEMA public FROM "{readers}"', "42501"),
        ('DROP VIEW public."{view}"', "42P01"),
        ('REVOKE SELECT ON public."{view}" FROM "{reader}"', "42501"),
        ('REVOKE SELECT ON public."{merge}" FROM "{views}"', "42501"),
    ],
    ids=["schema", "no view", "no grant", "owner without a right"],
)
def test_view_that_does_not_answer_is_told_with_its_reason(site, damage, reason):
    """Asking does not heal: each thing that keeps a reader from its rows is said, and nothing of the data."""
    roles = site.installation.roles
    names = {"reader": roles.reader("Consumer1"), "readers": roles.readers, "views": roles.views}
    site.execute(damage.replace("{view}", VIEW).replace("{merge}", MERGE).format(**names).replace("{", "{{"))

    found = answers(site.installation)

    assert reason in str(found[VIEW].reason)


@pytest.mark.row("V05", "V07", kind="refusal")
def test_command_ends_badly_if_one_reader_gets_no_answer(site):
    """What a reconcile cannot heal: the views are as they should be, and yet their owner may not read a table."""
    roles = site.installation.roles
    revoke(site, MERGE, roles.views)

    shown, document = reconciled(site.installation), reconciled(site.installation, "--json")

    assert shown.exit_code == document.exit_code == ExitStatus.FINDINGS
    silent = [line for line in shown.output.splitlines() if line.startswith("silent")]
    assert [VIEW in line for line in silent] == [True]
    assert "Summary: 2 of 3 views answer their readers" in shown.output
    parsed = json.loads(document.output)
    assert (parsed["is_ok"], [each["view"] for each in parsed["readers"] if each["reason"]]) == (False, [VIEW])


@pytest.mark.row("V07")
def test_command_heals_first_and_asks_then(site):
    """A view that somebody dropped and a right that somebody took come back, and both answer."""
    reader = site.installation.roles.reader("Consumer1")
    site.execute("DROP VIEW {}", VIEW)
    revoke(site, HISTORY, reader)

    shown = reconciled(site.installation)

    assert shown.exit_code == ExitStatus.DONE, shown.output
    assert f"created    {VIEW}" in shown.output
    assert f"updated    {HISTORY}" in shown.output


@pytest.mark.row("V08")
def test_views_of_a_consumers_database_are_asked_there(linked_installation):
    """Through the link, as the same role; what does not answer there is told of that database alone."""
    linked_installation.endpoint("consumer")
    site = Site(installation=linked_installation)
    applied(site.apply(CUSTOMERS.but(1, consumer_database="consumer_db")))
    assert {name: answer.reason for name, answer in answers(linked_installation).items() if answer.reason} == {}
    assert len(answers(linked_installation)) == 6

    link = linked_installation.roles.link
    revoke(site, VIEW, link)

    found = answers(linked_installation)
    assert [name for name, answer in found.items() if answer.reason] == [f"consumer {VIEW}"]


@pytest.mark.row("V08", kind="refusal")
def test_consumers_database_that_is_away_is_the_answer_of_its_views(installation):
    """The others are asked nevertheless."""
    site = Site(installation=installation)
    applied(site.apply(CUSTOMERS.but(1, consumer_database="nowhere_db")))

    found = reader_checks.ask(Links(installation.connections))

    assert [answer.is_ok for answer in found] == [True] * 3 + [False] * 3
    assert all('"nowhere_db" does not exist' in str(answer.reason) for answer in found[3:])


@pytest.mark.row("V05", "V07")
def test_first_revision_is_waited_for(installation):
    """Started before any model: it waits quietly, and goes on as soon as a revision is applied."""
    site = Site(installation=installation)
    applying = threading.Timer(1.5, lambda: site.apply(CUSTOMERS))
    applying.start()
    try:
        shown = reconciled(installation, "--wait-for-revision-seconds", "60")
    finally:
        applying.join()

    assert shown.exit_code == ExitStatus.DONE, shown.output
    assert "Summary: 3 of 3 views answer their readers" in shown.output
    told = [json.loads(line)["event"] for line in shown.stderr.splitlines()]
    assert told[0].startswith("waiting: no revision of a model is applied in ")
    assert told[-1] == "goes on"


@pytest.mark.row("V05", kind="refusal")
def test_revision_that_does_not_come_is_transient(installation):
    """Status 75 when the time is over; without an option to wait there is nothing to reconcile, which is fine."""
    assert reconciled(installation, "--wait-for-revision-seconds", "0.2").exit_code == ExitStatus.TRANSIENT
    assert reconciled(installation).exit_code == ExitStatus.DONE


@pytest.mark.row("V05", kind="refusal")
def test_server_before_its_initialisation_is_waited_for_as_well(
    bare_server: EmbeddedServer, installation: Installation, tmp_path: Path
):
    """A server says of a login that it does not know yet that its password is wrong: that may pass as well."""
    document = json.loads(installation.connections_path.read_text())
    endpoint = bare_server.endpoint("datasurface_merge")
    document["merge"] |= {"host": endpoint.host, "port": endpoint.port, "database": endpoint.database}
    path = tmp_path / "bare.json"
    path.write_text(json.dumps(document))
    command = ["reconcile-workspace-views", "--wait-for-revision-seconds", "1"]

    shown = CliRunner().invoke(cli, command, env={"DATASURFACE_CONNECTIONS": str(path)})

    assert shown.exit_code == ExitStatus.FINDINGS
    assert "28P01" in shown.stderr
    assert json.loads(shown.stderr.splitlines()[0])["event"].startswith("waiting: connecting to ")
