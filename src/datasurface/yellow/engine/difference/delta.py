"""The delta of a dataset: which lines came, which changed, which keys went. Pure.

Lines are kept joined and sorted by key: applied in key order they walk the index of the merge table once, and one block
of bytes takes a third of the memory of its lines.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from datasurface.yellow.engine.difference import checksums, difference
from datasurface.yellow.plan.tables import TablePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Keys that appeared, changed and left, and the rows of the snapshot."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    total: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            inserted=self.inserted + other.inserted,
            updated=self.updated + other.updated,
            deleted=self.deleted + other.deleted,
            total=self.total + other.total,
        )

    @property
    def changed(self) -> int:
        """Keys that differ in any way."""
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A dataset's difference, ready to be applied; each block holds whole lines in key order.

    `inserted` and `updated` are lines as the source sent them, `updated_keys` and `deleted_keys` lines of the key's
    columns alone. `arrived_checksum` is of the lines that came (inserted and updated), `left_checksum` of those they
    replace and of the deleted ones.
    """

    inserted: bytes
    updated: bytes
    updated_keys: bytes
    deleted_keys: bytes
    counts: Counts
    arrived_checksum: int
    left_checksum: int

    @property
    def size_bytes(self) -> int:
        """What the delta takes in memory."""
        return len(self.inserted) + len(self.updated) + len(self.updated_keys) + len(self.deleted_keys)

    def without_lines(self) -> "Delta":
        """Its counts and checksums alone, which take no memory."""
        return replace(self, inserted=b"", updated=b"", updated_keys=b"", deleted_keys=b"")


class DuplicateKey(Exception):
    """Two different lines of the source have one key; `key` is its text."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        super().__init__("two lines have one key")


def keys_of_lines(table: TablePlan) -> Callable[[Iterable[bytes]], list[bytes]]:
    """A function from lines of `table.wire_columns` to the texts of their keys; a whole line where all is key.

    It takes many lines at once: a call per line would cost more than the cut itself.
    """
    width = len(table.key)
    if width in (0, len(table.columns)):
        return list
    if width == 1:
        return lambda lines: [line.partition(b"\t")[0] for line in lines]
    return lambda lines: [b"\t".join(line.split(b"\t", width)[:width]) for line in lines]


def of_unmatched(
    unmatched: difference.UniqueLines, keys_of: Callable[[Iterable[bytes]], list[bytes]], *, source_rows: int
) -> Delta:
    """The delta of a table with a key. Empties `unmatched`, so that both forms are never held whole.

    Raises DuplicateKey where two lines of the source have one key.
    """
    arrived_checksum = checksums.of_lines(unmatched.source)
    left_checksum = checksums.of_lines(unmatched.merge)
    arrived = _by_key(unmatched.source, keys_of)
    unmatched.source.clear()
    left = set(keys_of(unmatched.merge))
    unmatched.merge.clear()
    updated_keys = sorted(left & arrived.keys())
    updated = list(map(arrived.pop, updated_keys))
    deleted_keys = sorted(left.difference(updated_keys))
    inserted = list(map(arrived.__getitem__, sorted(arrived)))
    counts = Counts(inserted=len(inserted), updated=len(updated), deleted=len(deleted_keys), total=source_rows)
    return Delta(
        inserted=joined(inserted),
        updated=joined(updated),
        updated_keys=joined(updated_keys),
        deleted_keys=joined(deleted_keys),
        counts=counts,
        arrived_checksum=arrived_checksum,
        left_checksum=left_checksum,
    )


def joined(lines: Iterable[bytes]) -> bytes:
    """Whole lines as one block, each with its line end."""
    return b"\n".join([*lines, b""])


def described_key(table: TablePlan, key: bytes) -> str:
    """A key for a message: its text only where none of its columns is classified, else a hash that finds it again.

    The hash is the first 12 hex digits of the sha256 of the key's canonical text.
    """
    if any(column.is_classified for column in table.columns if column.is_key) or not table.key:
        return f"key hash {hashlib.sha256(key).hexdigest()[:12]}"
    values = key.decode(errors="replace").split("\t")
    return "key " + ", ".join(f"{name}={value}" for name, value in zip(table.key, values, strict=False))[:200]


def _by_key(lines: Iterable[bytes], keys_of: Callable[[Iterable[bytes]], list[bytes]]) -> dict[bytes, bytes]:
    keys = keys_of(lines)
    by_key = dict(zip(keys, lines, strict=True))
    if len(by_key) < len(keys):
        key, _ = Counter(keys).most_common(1)[0]
        raise DuplicateKey(key)
    return by_key
