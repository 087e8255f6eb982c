"""The hash by which two plans are told apart without comparing them."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, Final

#: The fields that say nothing about what is planned: the hash itself.
LEFT_OUT: Final = frozenset({"plan_hash"})
COLUMNS: Final = "columns"
_COMPACT: Final = json.JSONEncoder(separators=(",", ":"))


def fingerprint(plan: object) -> str:
    """The sha256, in hex, of the plan's JSON form without `plan_hash`, keys sorted.

    In it a list of columns stands as its own sha256: a large plan shows the columns of each dataset in many places, and
    they are hashed once as long as these share one tuple. A plan read back from JSON gives the same.
    """
    return _sha256(json.dumps(plan, default=_Shortened(), sort_keys=True, separators=(",", ":")))


class _Shortened:
    """Turns records into JSON objects for json.dumps, their lists of columns into hashes."""

    def __init__(self) -> None:
        self._hashes: dict[int, str] = {}

    def __call__(self, record: object) -> dict[str, Any]:
        kind: type = type(record)
        fields = {name: getattr(record, name) for name in _field_names(kind) if name not in LEFT_OUT}
        if COLUMNS in fields:
            fields[COLUMNS] = self._hash_of(fields[COLUMNS])
        return fields

    def _hash_of(self, columns: Sequence[object]) -> str:
        """The hash of the columns' values. The plan holds `columns` while this lives, so that its id stays its own."""
        known = self._hashes.get(id(columns))
        if known is None:
            kind: type = type(columns[0]) if columns else object
            values = list(map(_getter(kind), columns)) if columns else []
            known = self._hashes[id(columns)] = _sha256(_COMPACT.encode(values))
        return known


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@cache
def _getter(kind: type) -> Callable[[Any], Any]:
    return attrgetter(*_field_names(kind))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
