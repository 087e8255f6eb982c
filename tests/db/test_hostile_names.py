"""Names and values that would break out of a statement, from the model through every stage to the consumer's view.

One model holds a hostile name wherever the linter lets one through, hypothesis puts more of them together. A statement
that somewhere forgot to quote fails, or touches what stands beside: the canary table, which has to live.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import sql

from datasurface.connections import load_connections
from datasurface.dsl import Integer
from datasurface.loader import LoadedModel
from datasurface.yellow.engine.audit import audit
from datasurface.yellow.engine.audit.audit import AuditRequest
from datasurface.yellow.engine.batch import run
from datasurface.yellow.engine.batch.run import RunRequest
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.views import reader_checks, workspace_views
from datasurface.yellow.plan import names
from tests.db import hostile_model
from tests.db.hostile_model import EVERY_NAME, VALUES, Names
from tests.db.installation import Installation, Template, copied
from tests.db.site import Site, applied

CANARY: Final = "canary"
#: How many models of random names are made.
EXAMPLES: Final = int(os.environ.get("NAMES", "2"))


@dataclass(kw_only=True)
class World:
    """An installation with the model of some names, its source tables and a canary in both databases."""

    installation: Installation
    names: Names

    @property
    def site(self) -> Site:
        return Site(installation=self.installation)

    def begin(self) -> None:
        """Make source tables and canaries, and apply the model."""
        self._write_connections()
        reader = sql.Identifier(self.installation.roles.customer_reader)
        schema = sql.Identifier(self.names.schema)
        with self.installation.session("admin", "source") as session, session.raw.cursor() as cursor:
            cursor.execute("CREATE TABLE public.canary (v text)")
            cursor.execute(sql.SQL("CREATE SCHEMA {0}; GRANT USAGE ON SCHEMA {0} TO {1}").format(schema, reader))
            for table, dataset in zip(self.names.tables, hostile_model.datasets(self.names), strict=True):
                columns = [
                    sql.SQL("{} {}").format(
                        sql.Identifier(column.name), sql.SQL("integer" if isinstance(column.type, Integer) else "text")
                    )
                    for column in dataset.schema.columns
                ]
                place = sql.Identifier(self.names.schema, table)
                cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(place, sql.SQL(", ").join(columns)))
                cursor.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(place, reader))
            session.commit()
        self.site.execute("CREATE TABLE public.canary (v text)")
        applied(self.site.apply(_Fixed(hostile_model.loaded(self.names))))

    def fill(self, rows: Sequence[Sequence[Sequence[Any]]]) -> None:
        """Put these rows into the source tables, in place of what is there."""
        with self.installation.session("admin", "source") as session, session.raw.cursor() as cursor:
            for table, lines in zip(self.names.tables, rows, strict=True):
                place = sql.Identifier(self.names.schema, table)
                cursor.execute(sql.SQL("TRUNCATE {}").format(place))
                for line in lines:
                    row = sql.SQL(", ").join(map(sql.Literal, line))
                    cursor.execute(sql.SQL("INSERT INTO {} VALUES ({})").format(place, row))
            session.commit()

    def run(self, **options: Any) -> None:
        """Run both streams."""
        links = Links(self.installation.connections, application_name="test job")
        for platform in self.names.platforms.values():
            request = RunRequest(platform=platform, store=self.names.store, **options)
            assert run.run(request, links, lambda *_: None).outcome == "committed"

    def shown(self, dataset: str) -> list[list[tuple[Any, ...]]]:
        """What the views of a dataset show, sorted."""
        found = []
        for strategy, platform in self.names.platforms.items():
            view = names.view(platform, self.names.workspace, hostile_model.group(self.names, strategy), dataset)
            found.append(sorted(self.site.query("SELECT * FROM {}", view), key=repr))
        return found

    def expect(self, rows: Sequence[Sequence[Sequence[Any]]]) -> None:
        """The views show these rows, every reader is answered, the audit and a second look find nothing."""
        for dataset, lines in zip(self.names.datasets, rows, strict=True):
            assert self.shown(dataset) == [sorted(map(tuple, lines), key=repr)] * 2
        links = Links(self.installation.connections, application_name="test")
        assert [answer for answer in reader_checks.ask(links) if not answer.is_ok] == []
        assert workspace_views.reconcile(links).views.is_ok
        assert [verdict.findings for verdict in audit.audit(links, AuditRequest())] == [(), ()]
        for platform in self.names.platforms.values():
            request = RunRequest(platform=platform, store=self.names.store, in_full=True)
            assert run.run(request, links, lambda *_: None).outcome == "unchanged"
        assert self.site.query("SELECT count(*) FROM {}", CANARY) == [(0,)]
        with self.installation.session("admin", "source") as session, session.raw.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM public.canary")
            assert cursor.fetchone() == (0,)

    def _write_connections(self) -> None:
        path = self.installation.connections_path
        file = load_connections(path).file.model_dump(mode="json", by_alias=True)
        file["containers"][self.names.container] = file["containers"]["customer_db"]
        file["credentials"][self.names.credential] = file["credentials"]["customer_reader"]
        path.write_text(json.dumps(file))


@dataclass(frozen=True)
class _Fixed:
    """A model that is loaded already."""

    model: LoadedModel

    def loaded(self) -> LoadedModel:
        return self.model


def rows_of(given_names: Names, values: Sequence[str], number: int) -> list[list[list[Any]]]:
    """Rows of both tables that hold each of the values in every text column."""
    width = len(given_names.columns)
    keyed = [
        [value, *[value] * (width - 1), number, given_names.labels[place % len(given_names.labels)]]
        for place, value in enumerate(dict.fromkeys(values))
    ]
    return [keyed, [[value] * width for value in (*values, values[0])]]


def passes_through(template: Template, folder: Path, given_names: Names, values: Sequence[str]) -> None:
    """From the model to the views and the audit: a first load, a batch by each path, and everything is as it was."""
    with copied(template, folder) as installation:
        world = World(installation=installation, names=given_names)
        world.begin()
        first = rows_of(given_names, values, 1)
        world.fill(first)
        world.run()
        world.expect(first)
        second = [lines[: len(lines) // 2 + 1] for lines in rows_of(given_names, values[::-1], 2)]
        world.fill(second)
        world.run()
        world.expect(second)
        world.fill(first)
        world.run(difference_bytes=0)
        world.expect(first)


def test_every_hostile_name_and_value_comes_through_as_it_is(template, tmp_path):
    """Each of the known ones at once, as a column, label and value, in tables and schemas with such names."""
    passes_through(template, tmp_path, EVERY_NAME, VALUES)


@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(given_names=hostile_model.some_names(), values=st.lists(hostile_model.value, min_size=2, max_size=6))
def test_any_names_that_the_linter_lets_through_are_safe(template, tmp_path_factory, given_names, values):
    """Whatever the linter accepts is created, loaded, shown and audited, and nothing beside it is touched."""
    passes_through(template, tmp_path_factory.mktemp("hostile"), given_names, values)
