"""What has to be in the merge tables: computed in plain Python from the source's rows alone. Pure.

It knows no SQL, no staging and no stream of lines: rows are dicts, a batch is a difference of two sets.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import xxhash

from tests.soak.shapes import Column, Shape, TableShape, escaped, fits

Values = Mapping[str, str | None]
Line = bytes
KEY_HASH, ALL_HASH = "ds_surf_key_hash", "ds_surf_all_hash"
#: Why a look refuses to work, as its error says it.
STAGED, NULL, LOSS, REPEATED = (
    "staged under another schema",
    "would be null",
    "would lose by the cast",
    "in more than one row",
)
REFUSALS = (STAGED, NULL, LOSS, REPEATED)


def line_of(values: Values, names: Iterable[str]) -> Line:
    """A row as its canonical line."""
    return "\t".join(escaped(values[name]) for name in names).encode()


def checksum_of(lines: Counter[Line]) -> str:
    """The sum of the lines' xxh3_128 modulo 2^128, in hex."""
    total = sum(xxhash.xxh3_128_intdigest(line) * times for line, times in lines.items())
    return f"{total % (1 << 128):032x}"


def _hash(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=16).hexdigest()


@dataclass(kw_only=True)
class Version:
    """A row of a merge table: every value that was ever stored in it; of a live one `begin` is its last batch."""

    values: dict[str, str | None]
    begin: int
    end: int | None = None

    def frozen(self) -> tuple[object, ...]:
        known = {name: value for name, value in self.values.items() if value is not None}
        return (self.begin, self.end, tuple(sorted(known.items())))


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a batch has to do to a dataset."""

    arrived: Sequence[Values]
    changed: Sequence[tuple[Version, Values]]
    left: Sequence[Version]
    total: int

    @property
    def counts(self) -> tuple[int, int, int, int]:
        return (len(self.arrived), len(self.changed), len(self.left), self.total)

    @property
    def is_difference(self) -> bool:
        return bool(self.arrived or self.changed or self.left)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a batch has to have recorded of a dataset."""

    columns: Sequence[Column]
    lines: Counter[Line]


@dataclass(kw_only=True)
class MergeTable:
    """What a merge table has to hold. `key` is what the last batch found rows by, None before the first.

    Where rows are alike nobody says which of them a batch removes: `possible` are all that a live table may still hold.
    """

    dataset: str
    is_forensic: bool
    versions: list[Version] = field(default_factory=list)
    key: frozenset[str] | None = None
    possible: Counter[tuple[object, ...]] = field(default_factory=Counter)

    def open(self) -> list[Version]:
        return [version for version in self.versions if version.end is None]

    def difference(self, rows: Sequence[Values], table: TableShape) -> Difference:
        """The difference between the open rows and the source's."""
        if self.loses_rows(table):
            return Difference(arrived=rows, changed=(), left=self.open(), total=len(rows))
        if self.key != frozenset(table.key) or not table.key:
            return self._of_lines(rows, table)
        before = {_key(version.values, table): version for version in self.open()}
        now = {_key(row, table): row for row in rows}
        changed = [
            (before[key], row)
            for key, row in now.items()
            if key in before and any(before[key].values.get(name) != row[name] for name in table.names)
        ]
        return Difference(
            arrived=[row for key, row in now.items() if key not in before],
            changed=changed,
            left=[version for key, version in before.items() if key not in now],
            total=len(rows),
        )

    def loses_rows(self, table: TableShape) -> bool:
        """Whether the model went back to types that an open row does not fit: then all go and all come."""
        return any(
            not fits(version.values.get(column.name), column.sql_type)
            for version in self.open()
            for column in table.columns
        )

    def _of_lines(self, rows: Sequence[Values], table: TableShape) -> Difference:
        """Without a key rows are counted; under another key than before all go and all come."""
        if self.key != frozenset(table.key):
            return Difference(arrived=rows, changed=(), left=self.open(), total=len(rows))
        coming = Counter(line_of(row, table.names) for row in rows)
        left = []
        for version in self.open():
            line = line_of({name: version.values.get(name) for name in table.names}, table.names)
            if coming[line]:
                coming[line] -= 1
            else:
                left.append(version)
        arrived = []
        for row in rows:
            line = line_of(row, table.names)
            if coming[line]:
                coming[line] -= 1
                arrived.append(row)
        return Difference(arrived=arrived, changed=(), left=left, total=len(rows))

    def apply(self, found: Difference, table: TableShape, batch_id: int, *, store_hashes: bool) -> None:
        """Commit a difference."""
        if not self.possible:
            self.possible = Counter(version.frozen() for version in self.versions)
        arrived = list(found.arrived)
        for version, row in found.changed:
            if self.is_forensic:
                version.end = batch_id - 1
                arrived.append(row)
            else:
                version.values |= _stored(row, table, store_hashes=store_hashes)
                version.begin = batch_id
        for version in found.left:
            if self.is_forensic:
                version.end = batch_id - 1
            else:
                self.versions.remove(version)
        added = [Version(values=_stored(row, table, store_hashes=store_hashes), begin=batch_id) for row in arrived]
        self.versions += added
        self.possible += Counter(version.frozen() for version in added)
        self.key = frozenset(table.key)


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Why a look has to refuse to work; it says one of the reasons or more."""

    reasons: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a look has to do: per dataset the difference; a batch is made if `is_batch`."""

    differences: Mapping[str, Difference]
    is_batch: bool

    @property
    def counts(self) -> Mapping[str, tuple[int, int, int, int]]:
        return {name: found.counts for name, found in self.differences.items()}


@dataclass(kw_only=True)
class Unfinished:
    """A batch that began and did not commit: what its row has to say."""

    status: str
    staged: tuple[str, ...]
    columns: Mapping[str, tuple[Column, ...]]


@dataclass(kw_only=True)
class StreamOracle:
    """What is to be known of a stream."""

    tables: dict[str, MergeTable]
    batches: list[dict[str, Recorded]] = field(default_factory=list)
    counts: list[tuple[int, int, int, int]] = field(default_factory=list)
    unfinished: Unfinished | None = None

    def expected(self, source: Mapping[str, Sequence[Values]], shape: Shape, stream: str | None) -> Expected | Refused:
        """What the next look has to do."""
        tables = shape.of_stream(stream)
        if self.unfinished is not None and self.unfinished.staged and self.unfinished.columns != _columns(tables):
            return Refused(reasons=frozenset({STAGED}))
        for table in tables:
            reasons = unfit(source[table.dataset], table)
            if reasons:
                return Refused(reasons=reasons)
        differences = {
            table.dataset: self._table(table, shape).difference(source[table.dataset], table) for table in tables
        }
        is_batch = not self.batches or any(each.is_difference for each in differences.values())
        return Expected(differences=differences, is_batch=is_batch)

    def commit(
        self, expected: Expected, source: Mapping[str, Sequence[Values]], shape: Shape, stream: str | None
    ) -> None:
        """A batch committed."""
        batch_id = len(self.batches) + 1
        recorded = {}
        for table in shape.of_stream(stream):
            found = expected.differences[table.dataset]
            self._table(table, shape).apply(found, table, batch_id, store_hashes=shape.store_hashes)
            lines = Counter(line_of(row, table.names) for row in source[table.dataset])
            recorded[table.dataset] = Recorded(columns=table.wire, lines=lines)
        self.batches.append(recorded)
        every = [each.counts for each in expected.differences.values()]
        self.counts.append(tuple(map(sum, zip(*every, strict=True))))  # type: ignore[arg-type]
        self.unfinished = None

    def begin(self, shape: Shape, stream: str | None, status: str = "started") -> None:
        """The next batch began."""
        self.unfinished = Unfinished(status=status, staged=(), columns=_columns(shape.of_stream(stream)))

    def _table(self, table: TableShape, shape: Shape) -> MergeTable:
        known = MergeTable(dataset=table.dataset, is_forensic=shape.is_forensic)
        return self.tables.setdefault(table.dataset, known)


def unfit(rows: Sequence[Values], table: TableShape) -> frozenset[str]:
    """Why a model cannot take these rows; empty: it can."""
    reasons = set()
    for column in table.columns:
        if column.is_required and any(row[column.name] is None for row in rows):
            reasons.add(NULL)
        if any(not fits(row[column.name], column.sql_type) for row in rows):
            reasons.add(LOSS)
    keys = [_key(row, table) for row in rows]
    if not reasons and table.key and len(set(keys)) < len(keys):
        reasons.add(REPEATED)
    return frozenset(reasons)


def _columns(tables: Sequence[TableShape]) -> dict[str, tuple[Column, ...]]:
    return {table.dataset: tuple(table.columns) for table in tables}


def _key(values: Values, table: TableShape) -> tuple[str | None, ...]:
    return tuple(values.get(name) for name in table.key)


def _stored(row: Values, table: TableShape, *, store_hashes: bool) -> dict[str, str | None]:
    """What a row stores, with the hashes that the table carries."""
    values = {name: row[name] for name in table.names}
    if store_hashes or not table.key:
        values[KEY_HASH] = _hash(line_of(row, table.key or table.names))
    if store_hashes:
        values[ALL_HASH] = _hash(line_of(row, table.names))
    return values
