"""Records to JSON and back without loss, for the model and for the plan.

A record becomes an object of its fields; one that stands for a choice of classes (a type, a trigger) also says which,
as `"kind"`. Reading trusts nothing: every value is checked against the field's annotation, and building the record runs
the record's own checks, so that a document from elsewhere is either a right record or an InvalidDocument.
"""

import dataclasses
import json
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, NoReturn, TypeVar, cast

from datasurface.model import readers
from datasurface.model.readers import KIND, InvalidDocument, is_choice, shown

__all__ = ["InvalidDocument", "decode", "dumps", "encode", "loads"]

T = TypeVar("T")
#: Values that are their own JSON form: most of what a document holds.
_PLAIN = frozenset({str, int, float, bool, type(None)})


def encode(value: object) -> Any:
    """The JSON form of a record, or of a value that a record's field may hold: dict, list, str, int, float, bool, None.

    Raises TypeError for anything else.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, (tuple, list)):
        return [encode(element) for element in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (str, int, float)):
        return value
    members = value if isinstance(value, Mapping) else _fields_of(value)
    return {name: encode(element) for name, element in members.items()}


def decode(kind: type[T], value: object) -> T:
    """The record of class `kind` that `value`, as `loads` returned it, describes. Raises InvalidDocument."""
    try:
        decoded: T = readers.reader(cast(Any, kind))(value)
    except RecursionError:
        raise InvalidDocument("", "is nested too deeply") from None
    return decoded


def dumps(value: object, *, indent: int | None = None, sparse: bool = False) -> str:
    """`encode` and write, as ASCII text, in a fraction of the memory.

    `sparse` leaves out fields that hold their default: smaller, but only for a reader of the same version. Raises
    TypeError for what is no record, ValueError for NaN, infinities and cycles, RecursionError for nesting without end.
    """
    fields_of = _given_fields_of if sparse else _fields_of
    return json.dumps(value, default=fields_of, indent=indent, allow_nan=False)


def loads(text: str | bytes) -> Any:
    """Parse a JSON document that anybody may have written.

    Raises InvalidDocument for what is no JSON in UTF-8, and for what JSON readers disagree about: repeated keys, NaN,
    infinities, numbers of thousands of digits, nesting without end.
    """
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        return json.loads(decoded, object_pairs_hook=_unrepeated, parse_constant=_refuse_constant)
    except RecursionError:
        raise InvalidDocument("", "is nested too deeply") from None
    except UnicodeDecodeError:
        raise InvalidDocument("", "is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise InvalidDocument("", f"is not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    except InvalidDocument:
        raise
    except ValueError:
        raise InvalidDocument("", "holds a number of too many digits") from None


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise InvalidDocument("", f"an object has the key {shown(key)} twice")
            seen.add(key)
    return members


def _refuse_constant(constant: str) -> NoReturn:
    raise InvalidDocument("", f"{constant} is no number of JSON")


def _fields_of(value: object) -> dict[str, Any]:
    """One level of a record as an object; what json.dumps does not know by itself."""
    if isinstance(value, Mapping):
        return dict(value)
    tag, defaults = _shape(_class_of(value))
    return {**tag, **{name: getattr(value, name) for name in defaults}}


def _given_fields_of(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    tag, defaults = _shape(_class_of(value))
    given = dict(tag)
    for name, default in defaults.items():
        held = getattr(value, name)
        if held is not default:
            given[name] = held
    return given


def _class_of(value: object) -> Any:
    return type(value)


@cache
def _shape(kind: type) -> tuple[Mapping[str, str], Mapping[str, object]]:
    """The object's tag, where it needs one, and its fields with their defaults."""
    if not dataclasses.is_dataclass(kind):
        raise TypeError(f"{kind.__name__} has no JSON form")
    tag = {KIND: kind.__name__} if is_choice(kind) else {}
    return tag, {field.name: field.default for field in dataclasses.fields(kind)}
