"""A test's installation with models applied to it, and what can be seen in it."""

from dataclasses import dataclass
from typing import Any, Final

from psycopg2 import sql

from datasurface.yellow.engine import columns
from datasurface.yellow.engine.control.control_tables import RevisionOutcome
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.model_merge import model_apply, model_findings
from datasurface.yellow.engine.model_merge.model_apply import ApplyOutcome
from datasurface.yellow.plan.installation import Installation as Installed
from tests.db.installation import Installation
from tests.db.models import Landscape
from tests.db.streams import SCHEMA

INSTALLED: Final = Installed(v=1, image="registry.example/datasurface:1", namespace="data")


@dataclass(kw_only=True)
class Site:
    """A test's installation, and models applied to it."""

    installation: Installation

    def apply(self, model: Landscape, **options: Any) -> ApplyOutcome:
        """Apply a model as the command does."""
        installed = options.pop("installed", INSTALLED)
        links = Links(self.installation.connections, application_name="test apply")
        return model_apply.apply_revision(links, model.loaded(), installed, **options)

    def query(self, text: str, *tables: str, who: str = "admin") -> list[tuple[Any, ...]]:
        """Rows of a query in the merge database; `{}` are its tables."""
        with self.installation.session(who, "merge") as session, session.raw.cursor() as cursor:
            cursor.execute(sql.SQL(text).format(*[sql.Identifier(SCHEMA, name) for name in tables]))
            return cursor.fetchall() if cursor.description else []

    def execute(self, text: str, *tables: str) -> None:
        """Run a statement as a superuser and commit."""
        with self.installation.session("admin") as session, session.raw.cursor() as cursor:
            cursor.execute(sql.SQL(text).format(*[sql.Identifier(SCHEMA, name) for name in tables]))
            session.commit()

    def columns(self, relation: str) -> dict[str, str]:
        """Names and types of a relation's columns."""
        with self.installation.session("admin") as session:
            found = columns.read(session, SCHEMA, [relation]).get(relation, {})
            return {name: fact.sql_type for name, fact in found.items()}

    def revisions(self) -> list[tuple[str, str | None, str]]:
        """Revision, parent and outcome of every decision."""
        return self.query("SELECT revision, parent, outcome FROM {} ORDER BY id", "ds_revision")

    def everything(self) -> list[tuple[Any, ...]]:
        """What anybody could see of a deployed revision: relations, columns, rights, and the rows of control tables."""
        catalogue = self.query(
            "SELECT c.relname, c.relkind, c.relacl::text, a.attname, format_type(a.atttypid, a.atttypmod),"
            " pg_get_viewdef(c.oid), obj_description(c.oid)"
            " FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0"
            " ORDER BY 1, a.attnum"
        )
        rows = [
            row
            for table in (
                "ds_platform",
                "yellowlive_stream_plan",
                "yellowlive_airflow_dsg",
                "yellowforensic_stream_plan",
            )
            for row in self.query("SELECT t::text FROM {} AS t ORDER BY 1", table)
        ]
        return [*catalogue, *rows]

    def visible(self) -> list[tuple[Any, ...]]:
        """What a reader or a job sees: the columns of views that somebody may read, and the rows of control tables."""
        views = self.query(
            "SELECT c.relname, c.relacl::text, a.attname, format_type(a.atttypid, a.atttypmod)"
            " FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid"
            " WHERE c.relkind = 'v' AND c.relnamespace = 'public'::regnamespace"
            " AND c.relacl::text LIKE '%reader=%' ORDER BY 1, a.attnum"
        )
        return [*views, *(row for row in self.everything() if len(row) == 1)]


def applied(outcome: ApplyOutcome) -> None:
    """Fail with the findings, if there are any that refuse the model."""
    assert model_findings.errors(outcome.findings) == []
    assert outcome.outcome is RevisionOutcome.APPLIED
