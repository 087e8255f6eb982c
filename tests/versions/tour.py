"""A stream's life in short, on any two servers: a model with every type, its source, batches, and what is in the views.

The assertions are the tests'; what is here makes and reads.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from click.testing import CliRunner
from psycopg2 import sql

from datasurface.cli.main import cli
from datasurface.dsl import JSON, Array, BigInt, DDLColumn, Decimal, Enum, Integer, MilestoneStrategy, Text, VarChar
from datasurface.model.datatypes import DataType
from datasurface.yellow.engine import copy
from datasurface.yellow.engine.batch import run
from datasurface.yellow.engine.batch.run import RunRequest
from datasurface.yellow.engine.batch.run_result import RunResult
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.links import Links
from datasurface.yellow.plan import names
from tests.db.engine.type_values import VALUES
from tests.db.installation import Installation
from tests.db.models import GROUPS, PLATFORMS, Landscape
from tests.db.site import Site, applied
from tests.db.streams import SCHEMA, STORE

#: A row for every value of the type that has most of them.
TYPED_ROWS: Final = max(map(len, VALUES.values()))
TYPED: Final = (
    DDLColumn("id", Integer(), primary_key=True),
    *(DDLColumn(f"v{number}", each) for number, each in enumerate(VALUES)),
)
KEYED: Final = (
    DDLColumn("name", Text(), primary_key=True),
    DDLColumn("number", Decimal(), primary_key=True),
    DDLColumn("v", Integer()),
)
ROWS: Final = (DDLColumn("a", Text()), DDLColumn("n", Decimal()), DDLColumn("j", JSON()))
MADE: Final = (
    DDLColumn("id", BigInt(), primary_key=True),
    DDLColumn("email", VarChar(50), nullable=False),
    DDLColumn("mood", Enum(["happy", "so so"])),
    DDLColumn("twice", BigInt()),
    DDLColumn("tags", Array(Text())),
)
MODEL: Final = Landscape(datasets={"typed": TYPED, "keyed": KEYED, "rows": ROWS, "made": MADE})
#: The same later: a column more and a wider one.
LATER_MODEL: Final = MODEL.but(
    2,
    datasets={
        **MODEL.datasets,
        "made": (MADE[0], DDLColumn("email", VarChar(80), nullable=False), *MADE[2:], DDLColumn("note", Text())),
    },
)
#: Since PostgreSQL 18 a generated column can be computed while it is read.
VIRTUAL_SINCE: Final = 18

SEED: Final = (
    "INSERT INTO keyed VALUES ('a', 1.0, 1), ('A', 1.0, 2), ('ä', 1.00, 3), ('leaves', 0, 4), (E'\\t', 'NaN', 5)",
    """INSERT INTO rows VALUES ('x', 1.0, '{"a":1}'), ('x', 1.0, '{"a":1}'), (NULL, NULL, NULL), ('', 1.00, 'null')""",
    """INSERT INTO made (email, mood, tags, note) VALUES ('a@b', 'happy', '{x}', 'n'), ('b@b', NULL, NULL, NULL),
       ('c@b', 'so so', '{}', 'n')""",
)
#: Changes, and what a batch counts of them beyond the rows of `typed`: inserted, updated, deleted.
CHANGES: Final[Sequence[tuple[Sequence[str], tuple[int, int, int]]]] = (
    (
        (
            "UPDATE keyed SET v = 20 WHERE name = 'A'",
            "DELETE FROM keyed WHERE name = 'leaves'",
            "INSERT INTO keyed VALUES ('comes', -1, NULL)",
            "DELETE FROM rows WHERE ctid = (SELECT min(ctid) FROM rows)",
            "UPDATE made SET mood = 'so so' WHERE id = 1",
        ),
        (1, 2, 2),
    ),
    (
        (
            "UPDATE keyed SET number = 1.0 WHERE name = 'ä'",
            "INSERT INTO keyed VALUES ('leaves', 0, 4)",
            """INSERT INTO rows VALUES ('x', 1.0, '{"a": 1}')""",
            "DELETE FROM made WHERE id = 2",
            "INSERT INTO made (email, tags) VALUES ('d@b', '{\"a,b\",NULL}')",
        ),
        (4, 0, 2),
    ),
)


@dataclass(kw_only=True)
class Tour:
    """An installation with the model of this module."""

    installation: Installation

    @property
    def links(self) -> Links:
        return Links(self.installation.connections, application_name="test tour")

    def prepare(self) -> None:
        """Make the source's tables with their first rows, and apply the model."""
        with self.installation.session("admin", "source") as source:
            is_virtual = source.raw.server_version >= VIRTUAL_SINCE * 10_000
            reader = self.installation.roles.customer_reader
            self.change(*_tables("VIRTUAL" if is_virtual else "STORED", reader), *SEED)
        self.fill_typed(0)
        self.apply(MODEL)

    def apply(self, model: Landscape) -> None:
        """Apply a model, which has to be well."""
        applied(Site(installation=self.installation).apply(model))

    def change(self, *statements: str) -> None:
        """Run statements in the source, in one transaction."""
        with self.installation.session("admin", "source") as session:
            with session.raw.cursor() as cursor:
                cursor.execute("SET LOCAL search_path = public")
                for statement in statements:
                    cursor.execute(statement)
            session.commit()

    def fill_typed(self, step: int) -> None:
        """Give every row of `typed` the next value in each of its columns."""
        insert = sql.SQL("INSERT INTO public.typed VALUES ({})")
        with self.installation.session("admin", "source") as session:
            with session.raw.cursor() as cursor:
                cursor.execute("DELETE FROM public.typed")
                for number in range(TYPED_ROWS):
                    values = [_value(each, texts, number + step) for each, texts in VALUES.items()]
                    cursor.execute(insert.format(sql.SQL(", ").join([sql.Literal(number), *values])))
            session.commit()

    def run(self, strategy: MilestoneStrategy, **changes: Any) -> RunResult:
        """One run of the store's stream."""
        request = RunRequest(platform=PLATFORMS[strategy], store=STORE, **changes)
        return run.run(request, self.links, lambda *_: None)

    def unlike_views(self, strategy: MilestoneStrategy, model: Landscape = MODEL) -> list[str]:
        """What source and views do not both have, as a reader of the workspace sees it: EXCEPT ALL of their texts."""
        found = []
        for dataset, columns in model.datasets.items():
            view = names.view(PLATFORMS[strategy], "Consumer1", GROUPS[strategy], dataset)
            ours, theirs = self._source_lines(dataset, columns), self._view_lines(view, columns)
            found += [f"{dataset}: only the source has {line!r}" for line in (ours - theirs)]
            found += [f"{dataset}: only the view has {line!r}" for line in (theirs - ours)]
        return found

    def command(self, *arguments: str) -> Mapping[str, Any]:
        """A command of the product that prints JSON; its exit status has to be 0."""
        environment = {"DATASURFACE_CONNECTIONS": str(self.installation.connections_path)}
        result = CliRunner().invoke(cli, [*arguments, "--json"], env=environment)
        assert result.exit_code == 0, result.output
        document: Mapping[str, Any] = json.loads(result.stdout)
        return document

    def _source_lines(self, dataset: str, columns: Sequence[DDLColumn]) -> Counter[bytes]:
        with self.installation.session("customer_reader") as session:
            return _lines(session, dataset, columns)

    def _view_lines(self, view: str, columns: Sequence[DDLColumn]) -> Counter[bytes]:
        with self.installation.session("admin", "merge") as session:
            with session.raw.cursor() as cursor:
                reader = self.installation.roles.reader("Consumer1")
                cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(reader)))
            return _lines(session, view, columns)


def _tables(generated: str, reader: str) -> tuple[str, ...]:
    columns = ", ".join(f"v{number} {each.sql}" for number, each in enumerate(VALUES))
    return (
        f'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO "{reader}"',
        f"CREATE TABLE typed (id integer PRIMARY KEY, {columns})",
        "CREATE TABLE keyed (name text, number numeric, v integer, PRIMARY KEY (name, number))",
        "CREATE TABLE rows (a text, n numeric, j json)",
        "CREATE DOMAIN address AS varchar(50) NOT NULL CHECK (VALUE LIKE '%@%')",
        "CREATE DOMAIN tag AS text",
        "CREATE TYPE mood AS ENUM ('happy', 'so so')",
        "CREATE TABLE made (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email address, mood mood,"
        f" twice bigint GENERATED ALWAYS AS (id * 2) {generated}, tags tag[], note text)",
    )


def _value(data_type: DataType, texts: Sequence[str], number: int) -> sql.Composable:
    """The value of a row; every other round of a type's values ends with null."""
    place = number % (len(texts) + 1)
    if place == len(texts):
        return sql.SQL("NULL")
    return sql.SQL("{}::{}").format(sql.Literal(texts[place]), sql.SQL(data_type.sql))


def _lines(session: Session, relation: str, columns: Sequence[DDLColumn]) -> Counter[bytes]:
    query = sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(", ").join(sql.Identifier(column.name) for column in columns), sql.Identifier(SCHEMA, relation)
    )
    with copy.RowsOut(session.raw, copy.copy_out(query)) as blocks:
        return Counter(b"".join(blocks).split(b"\n")[:-1])
