"""Readers of documents: for each annotation of a record's field one function that checks a JSON value and builds.

They are made once per class, because a large model holds millions of values. What cannot be read raises
InvalidDocument; the path to it is put together on the way up.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any

from datasurface.model.records import InvalidRecord, text_problem

KIND = "kind"
SHOWN_CHARACTERS = 80
#: Records that are read once and shared: how many fields they may have, and how many are kept in a process.
REMEMBERED_FIELDS = 3
REMEMBERED_RECORDS = 1_000
Reader = Callable[[Any], Any]

#: Records that stand in a union of records; other choices are told by their common base class.
_CHOICES = frozenset({"CronTrigger", "ExternalTrigger"})
_SCALARS: Mapping[Any, str] = {str: "a string", int: "a whole number", bool: "true or false", float: "a number"}


class InvalidDocument(ValueError):
    """A JSON document that is no record; `path` leads to the value, e.g. `zones[0].teams[2].name`."""

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(path, problem)

    def __str__(self) -> str:
        return f"{self.path or 'document'}: {self.problem}"

    def within(self, step: str) -> "InvalidDocument":
        """This error, seen from the object or list that holds the value at `step` (`name` or `[0]`)."""
        separator = "" if not self.path or self.path.startswith("[") else "."
        self.path = f"{step}{separator}{self.path}"
        return self


def shown(value: object) -> str:
    """A key or a name as a message may show it: quoted, escaped and cut."""
    text = str(value)
    return ascii(text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…")


def is_choice(kind: type) -> bool:
    """True where a document has to say which class a record is of."""
    base = kind.__bases__[0]
    return kind.__name__ in _CHOICES or (base is not object and dataclasses.is_dataclass(base))


@cache
def reader(hint: Any) -> Reader:
    """The reader for an annotation. Raises TypeError for one that no document can hold."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _union_reader(typing.get_args(hint))
    if origin is not None:
        return _collection_reader(origin, typing.get_args(hint))
    if dataclasses.is_dataclass(hint):
        return _record_reader(typing.cast(type, hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_reader(hint)
    return _scalar_reader(hint)


def _read_anything(value: Any) -> Any:
    return value


def _read_null(value: Any) -> None:
    if value is not None:
        raise InvalidDocument("", "expected null")


def _read_text(value: Any) -> Any:
    if type(value) is not str:
        raise InvalidDocument("", "expected a string")
    if value.isascii() and "\0" not in value:
        return value
    problem = text_problem(value)
    if problem is not None:
        raise InvalidDocument("", problem)
    return value


def _scalar_reader(kind: Any) -> Reader:
    simple = {Any: _read_anything, type(None): _read_null, str: _read_text}.get(kind)
    if simple is not None:
        return simple
    if kind not in _SCALARS:
        raise TypeError(f"{kind} cannot be read from a document")
    problem = f"expected {_SCALARS[kind]}"

    def read(value: Any) -> Any:
        if type(value) is kind and (kind is not float or math.isfinite(value)):
            return value
        if kind is float and type(value) is int:
            return float(value)
        raise InvalidDocument("", problem)

    return read


def _enum_reader(kind: type[Enum]) -> Reader:
    members = {member.value: member for member in kind}
    problem = f"expected one of: {', '.join(str(value) for value in members)}"

    def read(value: Any) -> Any:
        member = members.get(value) if isinstance(value, (str, int)) else None
        if member is None or isinstance(value, bool):
            raise InvalidDocument("", problem)
        return member

    return read


def _union_reader(hints: Sequence[Any]) -> Reader:
    present = [hint for hint in hints if hint is not type(None)]
    read_present = reader(present[0]) if len(present) == 1 else _choice_reader(present)
    if len(present) == len(hints):
        return read_present
    return lambda value: None if value is None else read_present(value)


def _choice_reader(hints: Sequence[Any]) -> Reader:
    """For a union of several kinds of value: what the value looks like says which of them it is."""
    records: list[Any] = [hint for hint in hints if dataclasses.is_dataclass(hint)]
    by_name = {record.__name__: reader(record) for record in records}
    by_type = {_json_type(hint): reader(hint) for hint in hints if hint not in records}
    if by_name:
        problem = f'expected an object whose "{KIND}" is one of: {", ".join(by_name)}'
    else:
        problem = f"expected {' or '.join(_name_of(kind) for kind in by_type)}"

    def read(value: Any) -> Any:
        tag = value.get(KIND) if isinstance(value, dict) else None
        chosen = by_name.get(tag) if isinstance(tag, str) else None
        chosen = chosen or by_type.get(type(value))
        if chosen is None:
            raise InvalidDocument("", problem)
        return chosen(value)

    return read


def _json_type(hint: Any) -> type:
    origin = typing.get_origin(hint)
    if origin is not None:
        return dict if issubclass(origin, Mapping) else list
    return str if issubclass(hint, str) else typing.cast(type, hint)


def _name_of(kind: type) -> str:
    return _SCALARS.get(kind, "an object" if kind is dict else "a list")


def _collection_reader(origin: Any, hints: Sequence[Any]) -> Reader:
    if issubclass(origin, Mapping):
        return _mapping_reader(reader(hints[1]))
    if not issubclass(origin, Sequence) or (origin is tuple and hints[1:] != (Ellipsis,)):
        raise TypeError(f"{origin.__name__} of {hints} cannot be read from a document")
    read_element = reader(hints[0])

    def read(value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            raise InvalidDocument("", "expected a list")
        elements = []
        for element in value:
            try:
                elements.append(read_element(element))
            except InvalidDocument as error:
                raise error.within(f"[{len(elements)}]") from error.__cause__
        return tuple(elements)

    return read


def _mapping_reader(read_element: Reader) -> Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise InvalidDocument("", "expected an object")
        elements = {}
        for key, element in value.items():
            try:
                elements[_read_text(key)] = read_element(element)
            except InvalidDocument as error:
                raise error.within(f"[{shown(key)}]") from error.__cause__
        return elements

    return read


def _record_reader(kind: type) -> Reader:
    subclasses = _subclasses(kind)
    if subclasses:
        return _choice_reader_of(subclasses)

    def read(value: Any) -> Any:
        given = _read_fields(kind, value)
        try:
            return kind(**given)
        except InvalidRecord as error:
            raise InvalidDocument("", str(error)) from error

    return read


def _subclasses(kind: type) -> Mapping[str, type]:
    """The classes to choose from: those that stand beside `kind`, not what others derive from it elsewhere."""
    every: Sequence[type] = kind.__subclasses__()
    return {subclass.__name__: subclass for subclass in every if subclass.__module__ == kind.__module__}


def _read_fields(kind: type, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidDocument("", "expected an object")
    shape = _shape(kind)
    fields = shape.fields
    given = {}
    name = ""
    try:
        for name, element in value.items():
            given[name] = fields[name](element)
    except KeyError:
        raise InvalidDocument("", f"{kind.__name__} has no field {shown(name)}") from None
    except InvalidDocument as error:
        raise error.within(name) from error.__cause__
    if not shape.required.issubset(given):
        raise InvalidDocument("", f"{kind.__name__} lacks {', '.join(sorted(shape.required - given.keys()))}")
    if shape.is_tagged:
        given.pop(KIND, None)
    return given


def _choice_reader_of(subclasses: Mapping[str, type]) -> Reader:
    problem = f'expected an object whose "{KIND}" is one of: {", ".join(sorted(subclasses))}'
    readers: dict[str, Reader] = {}

    def read(value: Any) -> Any:
        tag = value.get(KIND) if isinstance(value, dict) else None
        read_chosen = readers.get(tag) if isinstance(tag, str) else None
        if read_chosen is None:
            chosen = subclasses.get(tag) if isinstance(tag, str) else None
            if chosen is None:
                raise InvalidDocument("", problem)
            read_chosen = readers[chosen.__name__] = reader(chosen)
        return read_chosen(value)

    return _remembering(read)


def _remembering(read: Reader) -> Reader:
    """`read`, with one record for equal small objects: a large model has a million columns and a few dozen types."""
    known: dict[Any, Any] = {}

    def read_again(value: Any) -> Any:
        if type(value) is not dict or len(value) > REMEMBERED_FIELDS:
            return read(value)
        try:
            # Python calls 1, 1.0 and True equal.
            key = (*value.items(), *map(type, value.values()))
            found = known.get(key)
        except TypeError:  # a list, which has no hash
            return read(value)
        if found is None:
            found = read(value)
            if len(known) < REMEMBERED_RECORDS:
                known[key] = found
        return found

    return read_again


@dataclasses.dataclass(frozen=True, slots=True)
class _Shape:
    """The readers of a record's fields, and the names of those without a default."""

    fields: Mapping[str, Reader]
    required: frozenset[str]
    is_tagged: bool


@cache
def _shape(kind: type) -> _Shape:
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)
    missing = dataclasses.MISSING
    required = frozenset(f.name for f in fields if f.default is missing and f.default_factory is missing)
    tag = {KIND: _tag_reader(kind)} if is_choice(kind) else {}
    return _Shape({**tag, **{field.name: reader(hints[field.name]) for field in fields}}, required, bool(tag))


def _tag_reader(kind: type) -> Reader:
    def read(value: Any) -> str:
        if value != kind.__name__:
            raise InvalidDocument("", f"expected {kind.__name__}")
        return kind.__name__

    return read
