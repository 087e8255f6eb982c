"""Records to JSON and back without loss, for the model and for the plan.

A record becomes an object of its fields; one that stands for a choice of classes (a type, a trigger) also says which, as
`"kind"`. Reading trusts nothing: every value is checked against the field's annotation, and building the record runs
the record's own checks, so that a document from elsewhere is either a right record or an InvalidDocument.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from datasurface.model.records import InvalidRecord

KIND = "kind"
T = TypeVar("T")
#: What JSON can say; `object` keeps mypy honest where a document is read.
type_names = {str: "a string", int: "a whole number", bool: "true or false", float: "a number"}


class InvalidDocument(ValueError):
    """A JSON document that is no record; `path` leads to the value, e.g. `zones[0].teams[2].name`."""

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path or 'document'}: {problem}")


def encode(value: object) -> Any:
    """The JSON form of a record, or of a value that a record's field may hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {KIND: type(value).__name__, **fields} if _is_choice(type(value)) else fields
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: encode(element) for key, element in value.items()}
    if isinstance(value, (tuple, list)):
        return [encode(element) for element in value]
    return value


def decode(kind: type[T], value: object) -> T:
    """The record of class `kind` that `value`, as json.loads returned it, describes. Raises InvalidDocument."""
    decoded: T = _decode(kind, value, "")
    return decoded


def _decode(hint: Any, value: object, path: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(typing.get_args(hint), value, path)
    if origin is not None:
        return _decode_collection(origin, typing.get_args(hint), value, path)
    if dataclasses.is_dataclass(hint):
        return _decode_record(typing.cast(type, hint), value, path)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _decode_enum(hint, value, path)
    return _decode_scalar(hint, value, path)


def _decode_scalar(hint: Any, value: object, path: str) -> Any:
    if hint is Any:
        return value
    if hint is type(None):
        if value is not None:
            raise InvalidDocument(path, "expected null")
        return None
    if hint not in type_names:
        raise TypeError(f"{path}: {hint} cannot be read from a document")
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise InvalidDocument(path, f"expected {type_names[hint]}")
    return value


def _decode_enum(hint: type[Enum], value: object, path: str) -> Enum:
    for member in hint:
        if member.value == value:
            return member
    choices = ", ".join(str(member.value) for member in hint)
    raise InvalidDocument(path, f"expected one of: {choices}")


def _decode_union(hints: Sequence[Any], value: object, path: str) -> Any:
    if value is None and type(None) in hints:
        return None
    present = [hint for hint in hints if hint is not type(None)]
    if len(present) == 1:
        return _decode(present[0], value, path)
    tag = value.get(KIND) if isinstance(value, Mapping) else None
    for hint in present:
        if getattr(hint, "__name__", None) == tag:
            return _decode_record(hint, value, path)
    choices = ", ".join(getattr(hint, "__name__", str(hint)) for hint in present)
    raise InvalidDocument(path, f'expected an object whose "{KIND}" is one of: {choices}')


def _decode_collection(origin: Any, hints: Sequence[Any], value: object, path: str) -> Any:
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise InvalidDocument(path, "expected an object")
        return {key: _decode(hints[1], element, f"{path}.{key}") for key, element in value.items()}
    if not isinstance(value, list):
        raise InvalidDocument(path, "expected a list")
    return tuple(_decode(hints[0], element, f"{path}[{position}]") for position, element in enumerate(value))


def _decode_record(kind: type, value: object, path: str) -> Any:
    if not isinstance(value, Mapping):
        raise InvalidDocument(path, "expected an object")
    kind = _chosen_class(kind, value, path)
    hints = _hints(kind)
    unknown = sorted(str(key) for key in value if key not in hints and key != KIND)
    if unknown:
        raise InvalidDocument(path, f"{kind.__name__} has no field {unknown[0][:80]!r}")
    given = {
        name: _decode(hint, value[name], f"{path}.{name}" if path else name)
        for name, hint in hints.items()
        if name in value
    }
    try:
        return kind(**given)
    except InvalidRecord as error:
        raise InvalidDocument(path, str(error)) from error
    except TypeError as error:
        missing = [name for name in _required(kind) if name not in given]
        raise InvalidDocument(path, f"{kind.__name__} lacks {', '.join(missing)}") from error


def _chosen_class(kind: type, value: Mapping[Any, object], path: str) -> type:
    """The class that `value` names, where `kind` has subclasses to choose from."""
    subclasses = kind.__subclasses__()
    if not subclasses:
        return kind
    by_name = {subclass.__name__: subclass for subclass in subclasses}
    chosen = by_name.get(str(value.get(KIND)))
    if chosen is None:
        raise InvalidDocument(path, f'expected an object whose "{KIND}" is one of: {", ".join(sorted(by_name))}')
    return chosen


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    every = typing.get_type_hints(kind)
    return {field.name: every[field.name] for field in dataclasses.fields(kind)}


@cache
def _required(kind: type) -> tuple[str, ...]:
    missing = dataclasses.MISSING
    return tuple(f.name for f in dataclasses.fields(kind) if f.default is missing and f.default_factory is missing)


#: Records that stand alone in a union of records; the others are told apart by their base class.
_CHOICES = frozenset({"CronTrigger", "ExternalTrigger"})


def _is_choice(kind: type) -> bool:
    base = kind.__bases__[0]
    return kind.__name__ in _CHOICES or (base is not object and dataclasses.is_dataclass(base))
