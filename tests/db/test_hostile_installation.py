"""An installation whose databases and schema have names that would break out of a statement."""

import json
from contextlib import ExitStack
from dataclasses import replace

import pytest

from datasurface.yellow.engine.audit import audit
from datasurface.yellow.engine.audit.audit import AuditRequest
from datasurface.yellow.engine.batch import run
from datasurface.yellow.engine.batch.run import RunRequest
from datasurface.yellow.engine.init.init_plan import DemoSource
from datasurface.yellow.engine.init.run import initialise
from datasurface.yellow.engine.init.step import Outcome
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.engine.views import reader_checks
from tests.db.installation import Installation, Template, init_plan
from tests.db.models import CUSTOMERS, PLATFORMS
from tests.db.site import Site, applied

SOURCE = DemoSource(
    ddl="CREATE TABLE IF NOT EXISTS public.customers (id varchar(20) PRIMARY KEY, name varchar(100));",
    seed="INSERT INTO public.customers VALUES ('C1', 'Ada') ON CONFLICT DO NOTHING;",
    tables=("customers",),
)
NAMES = {
    "marks": ("a\"b''c\\ $function$; SELECT 1; $function$ %s %(key)s {} {0}", "d\"e''f\\ $function$ {} {0} {merge}"),
    "connection": ("host=evil.example dbname=postgres", "postgresql://evil.example/x"),
}


@pytest.mark.parametrize(("database", "schema"), NAMES.values(), ids=NAMES)
def test_database_and_schema_of_any_name_serve(bare_server, tmp_path, database, schema):
    """`init` makes them and finds all done when it comes again; a model is applied, loaded, read and audited there."""
    plan = replace(
        init_plan(Roles(), bare_server.port, demo=SOURCE),
        merge_database=database,
        merge_schema=schema,
        customer_database=f"{database} s",
        consumer_database=f"{database} c",
        airflow_database=f"{database} a",
    )
    credentials = tmp_path / "credentials"
    initialise(bare_server.endpoint(), bare_server.login, plan, credentials)
    again = initialise(bare_server.endpoint(), bare_server.login, plan, credentials)
    assert again.titles(Outcome.MADE) == []

    connections = _connections(bare_server, credentials, database, schema)
    applied(Site(installation=connections).apply(CUSTOMERS))
    links = Links(connections.connections, application_name="test")
    for platform in PLATFORMS.values():
        assert run.run(RunRequest(platform=platform, store="Store1"), links, lambda *_: None).inserted == 1
    assert [answer for answer in reader_checks.ask(links) if not answer.is_ok] == []
    assert [verdict.findings for verdict in audit.audit(links, AuditRequest())] == [(), ()]


def _connections(server, credentials, database, schema):
    """The installation itself, not a copy of it."""
    template = Template(server=server, roles=Roles(), credentials=credentials, databases={})
    installation = Installation(template=template, directory=credentials.parent, number=0, closing=ExitStack())
    installation.write_connections()
    file = json.loads(installation.connections_path.read_text())
    file["merge"] |= {"schema": schema, "database": database}
    file["containers"]["customer_db"]["database"] = f"{database} s"
    installation.connections_path.write_text(json.dumps(file))
    return installation
