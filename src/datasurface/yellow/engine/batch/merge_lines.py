"""Lines as the merge and staging tables take them: the source's lines with hashes and batch columns behind. Pure."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from datasurface.yellow.engine.difference.delta import keys_of_lines
from datasurface.yellow.engine.tables.merge_tables import MergeTables

#: 128 bits of BLAKE2b: a key that is a hash must not collide, whoever wrote the rows.
_HASH_BYTES: Final = 16

BlockOfLines = Callable[[bytes], bytes]


def line_hash(text: bytes) -> bytes:
    """The hash of a canonical line or key, 32 hex digits."""
    return hashlib.blake2b(text, digest_size=_HASH_BYTES).hexdigest().encode()


def with_batch_columns(tables: MergeTables, values: Iterable[int]) -> BlockOfLines:
    """A function that appends hashes and `values` to every line of a block of whole lines.

    A newline ends a line and stands nowhere else in COPY text, so without hashes one replacement does it.
    """
    ending = b"".join(b"\t%d" % value for value in values) + b"\n"
    if not tables.hash_columns:
        return lambda block: block.replace(b"\n", ending)
    keys_of = keys_of_lines(tables.plan)

    def hashed(block: bytes) -> bytes:
        lines = block.split(b"\n")[:-1]
        return b"".join(
            line + b"\t" + line_hash(key) + (b"\t" + line_hash(line) if tables.has_all_hash else b"") + ending
            for line, key in zip(lines, keys_of(lines), strict=True)
        )

    return hashed


def whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same text in blocks that end where a line ends."""
    rest = b""
    for block in blocks:
        end = block.rfind(b"\n") + 1
        if end == 0:
            rest += block
            continue
        yield rest + block[:end]
        rest = block[end:]
    if rest:
        yield rest
