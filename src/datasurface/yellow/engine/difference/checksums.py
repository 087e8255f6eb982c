"""Checksums of snapshots: the sum modulo 2^128 of the xxh3_128 of every canonical line.

A sum does not depend on the order of the lines and can be carried from batch to batch: minus the lines that went, plus
those that came. It guards against faults, not against an adversary.
"""

from collections.abc import Iterable
from typing import Final

import xxhash

#: Stored beside every checksum, so that another method can follow one day.
ALGORITHM: Final = "sum-xxh3-128"
MODULUS: Final = 1 << 128


def of_lines(lines: Iterable[bytes]) -> int:
    """The checksum of `lines`, each without its line end."""
    return sum(map(xxhash.xxh3_128_intdigest, lines)) % MODULUS


def of_block(block: bytes) -> int:
    """The checksum of whole lines, each with its line end; 0 for none."""
    lines = block.split(b"\n")
    lines.pop()
    return of_lines(lines)


def carried(checksum: int, *, left: int, arrived: int) -> int:
    """The checksum after the lines whose checksum is `left` went and those whose checksum is `arrived` came."""
    return (checksum - left + arrived) % MODULUS


def as_text(checksum: int) -> str:
    """32 hex digits, as the state of a batch stores it."""
    return f"{checksum:032x}"


def from_text(text: str) -> int:
    """The checksum that `as_text` wrote."""
    return int(text, 16)
