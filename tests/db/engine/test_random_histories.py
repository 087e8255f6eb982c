"""A source, a model and jobs that change, evolve and die at random: what has to hold after every run that went well.

The same seed gives the same course. A seed that fails is worth a test of its own, named for what it found.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from psycopg2 import sql

from datasurface.dsl import MilestoneStrategy
from datasurface.errors import DatasurfaceError, TransientError
from datasurface.yellow.engine import copy
from datasurface.yellow.engine.batch import batch_state, crash_points
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.batch.look import SchemaChanged
from datasurface.yellow.engine.difference import checksums
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.plan.streams import StreamPlan
from datasurface.yellow.plan.tables import BATCH_IN, BATCH_OUT
from tests.db.engine.evolving import evolve
from tests.db.streams import SCHEMA, Stream, column, plan, table

STEPS = 12
TEXTS = ["", "a", "A", "\t", "\\N", "x", "y", None]
NUMBERS = ["0", "1", "1.0", "1.00", "NaN", None]
COLUMNS = {
    "id": column("id", "integer"),
    "k": column("k"),
    "a": column("a"),
    "b": column("b", "character varying(10)"),
    "n": column("n", "numeric"),
}
KEYS = [("id",), ("id",), ("id", "k"), ("k", "id"), ()]
OTHERS = table("others", column("id", "integer", is_key=True), column("v"))
MAKE = (
    "CREATE TABLE items (id integer, k text, a text, b varchar(10), n numeric)",
    "CREATE TABLE others (id integer PRIMARY KEY, v text)",
)
Lines = Mapping[str, Counter[bytes]]


@pytest.mark.row("I14", "I17", kind="refusal")
@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_the_tables_are_what_the_source_and_the_records_say(deployed, seed):
    """Rows, counts, checksums, ids and intervals hold after changes, new models, deaths and every path."""
    course = Course.begun(deployed, random.Random(seed))
    for _ in range(STEPS):
        course.change_source()
        if course.chance.random() < 0.2:
            course.change_model()
        course.run()


@dataclass(kw_only=True)
class Course:
    """A stream, and what is known of it. `counted_from` is the source as of the last batch, None if that is unsure."""

    stream: Stream
    chance: random.Random
    store_hashes: bool
    plans: dict[str, StreamPlan] = field(default_factory=dict)
    counted_from: Lines | None = None

    @classmethod
    def begun(cls, deployed: Any, chance: random.Random) -> "Course":
        strategy, store_hashes = chance.choice(list(MilestoneStrategy)), chance.random() < 0.3
        first = _random_plan(chance, strategy, store_hashes=store_hashes)
        course = cls(stream=deployed(first, *MAKE), chance=chance, store_hashes=store_hashes)
        course.plans[first.schema_hash] = first
        return course

    def change_source(self) -> None:
        """Nothing, a little or a lot."""
        number = self.chance.choice([0, 1, 1, 3, 20])
        self.stream.source("SELECT 1", *[_random_change(self.chance) for _ in range(number)])

    def change_model(self) -> None:
        self._follow(_random_plan(self.chance, self.stream.plan.strategy, store_hashes=self.store_hashes))

    def run(self) -> None:
        """A run that may die somewhere; one that goes well is checked."""
        death = self.chance.choice(list(CrashPoint)) if self.chance.random() < 0.25 else None
        options = {"difference_bytes": self.chance.choice([0, 200, 1 << 20]), "in_full": self.chance.random() < 0.15}
        before = self._merged()
        try:
            with pytest.MonkeyPatch.context() as patching:
                patching.setattr(crash_points, "_watchers", [lambda point: _die() if point is death else None])
                self.stream.run(**options)
        except DatasurfaceError as error:
            self._go_on_after(error.__cause__, death, before)
        else:
            self._check()

    def _go_on_after(self, cause: BaseException | None, death: CrashPoint | None, before: Lines) -> None:
        """A death before the commit left the rows as they were; staged rows of another schema want their old model."""
        self.counted_from = None
        if isinstance(cause, SchemaChanged):
            self._follow(self.plans[self._unfinished()["state"]["schema_hash"]])
            return
        assert isinstance(cause, Died)
        assert death in (CrashPoint.AFTER_COMMIT, CrashPoint.BEFORE_EXIT) or self._merged() == before

    def _follow(self, model: StreamPlan) -> None:
        self.plans[model.schema_hash] = model
        self.counted_from = None
        evolve(self.stream, model)

    def _check(self) -> None:
        batches = self.stream.query("SELECT * FROM {} ORDER BY batch_id", self.stream.plan.control.batch_metrics)
        assert [each["batch_id"] for each in batches] == list(range(1, self.stream.counter()["batch_id"] + 1))
        assert {each["batch_status"] for each in batches} == {"committed"}
        source, merged = self._source(), self._merged()
        assert merged == source
        recorded = batch_state.from_document(batches[-1]["state"]).datasets
        for each in self.stream.plan.tables:
            lines, state = source[each.dataset], recorded[each.dataset]
            if state.columns == batch_state.column_states(each):
                assert (state.rows, state.checksum_value) == (lines.total(), checksums.of_lines(lines.elements()))
            if self.counted_from is not None:
                expected = _counts(self.counted_from[each.dataset], lines, len(each.key))
                assert self.stream.outcomes[-1].datasets[each.dataset] == expected
            if self.stream.is_forensic:
                versions = self.stream.query("SELECT * FROM {}", each.merge_table)
                assert all(1 <= version[BATCH_IN] <= version[BATCH_OUT] for version in versions)
        self.counted_from = source

    def _unfinished(self) -> dict[str, Any]:
        query = "SELECT * FROM {} WHERE batch_status <> 'committed'"
        (batch,) = self.stream.query(query, self.stream.plan.control.batch_metrics)
        return batch

    def _merged(self) -> Lines:
        queries = {each.dataset: self.stream.tables(each.dataset).open_lines() for each in self.stream.plan.tables}
        return self._lines("admin", queries)

    def _source(self) -> Lines:
        queries = {
            each.dataset: sql.SQL("SELECT {} FROM {}").format(
                sql.SQL(", ").join(sql.Identifier(column.name) for column in each.wire_columns),
                sql.Identifier(SCHEMA, each.source_table),
            )
            for each in self.stream.plan.tables
        }
        return self._lines("customer_reader", queries)

    def _lines(self, who: str, queries: Mapping[str, sql.Composed]) -> Lines:
        found = {}
        with self.stream.installation.session(who) as session:
            for dataset, query in queries.items():
                with copy.RowsOut(session.raw, copy.copy_out(query)) as blocks:
                    found[dataset] = Counter(b"".join(blocks).split(b"\n")[:-1])
        return found


class Died(TransientError):
    """The job's end, as far as the job can tell."""

    def __init__(self) -> None:
        super().__init__("the job ends here")


def _die() -> None:
    raise Died


def _random_plan(chance: random.Random, strategy: MilestoneStrategy, *, store_hashes: bool) -> StreamPlan:
    key = chance.choice(KEYS)
    names = list(dict.fromkeys([*key, *(name for name in "abn" if chance.random() < 0.7)])) or ["a"]
    chance.shuffle(names)
    columns = [replace(COLUMNS[name], is_key=name in key, is_required=name in key) for name in names]
    return plan(strategy, table("items", *columns), OTHERS, store_hashes=store_hashes)


#: What can happen to the source, and how often; {0} is an id, {1} to {4} are k, a, b and n, {5} is set to {6}.
CHANGES = {
    "INSERT INTO items SELECT {0}, {1}, {2}, {3}, {4}::numeric WHERE NOT EXISTS (SELECT FROM items WHERE id = {0})": 30,
    "UPDATE items SET {5} = {6} WHERE id = {0}": 30,
    "DELETE FROM items WHERE id = {0}": 20,
    "DELETE FROM items": 2,
    "CREATE TABLE t AS TABLE items; TRUNCATE items; INSERT INTO items SELECT * FROM t ORDER BY b, a; DROP TABLE t": 3,
    "INSERT INTO others SELECT coalesce(max(id), 0) + 1, {2} FROM others": 5,
}


def _random_change(chance: random.Random) -> sql.Composable:
    texts = [chance.choice(TEXTS[:-1]), chance.choice(TEXTS), chance.choice(TEXTS)]
    row = [chance.randrange(40), *texts, chance.choice(NUMBERS)]
    name = chance.choice("kabn")
    (text,) = chance.choices(list(CHANGES), list(CHANGES.values()))
    value = sql.SQL("{}::numeric" if name == "n" else "{}").format(sql.Literal(row[1 + "kabn".index(name)]))
    return sql.SQL(text).format(*map(sql.Literal, row), sql.Identifier(name), value)


def _counts(before: Counter[bytes], now: Counter[bytes], keys: int) -> Counts:
    came, left = now - before, before - now
    if not keys:
        return Counts(inserted=came.total(), deleted=left.total(), total=now.total())
    came_keys, left_keys = ({tuple(line.split(b"\t")[:keys]) for line in lines} for lines in (came, left))
    return Counts(
        inserted=len(came_keys - left_keys),
        updated=len(came_keys & left_keys),
        deleted=len(left_keys - came_keys),
        total=now.total(),
    )
