"""How the records of the model are made: lists become tuples, wrong types are refused where they are written."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any


class InvalidRecord(ValueError):
    """A record of the model was given something that it cannot hold; the message names the class and the field."""


def refuse(record: object, field: str, problem: str) -> InvalidRecord:
    """The error for `field` of `record`, worded alike everywhere: `VarChar.max_length: must be at least 1, not 0`."""
    return InvalidRecord(f"{type(record).__name__}.{field}: {problem}")


def check_type(record: object, field: str, *allowed: type) -> None:
    """Raise InvalidRecord unless the value of `field` is an instance of one of `allowed`."""
    value = getattr(record, field)
    if isinstance(value, bool) and bool not in allowed:
        raise refuse(record, field, f"expected {_names(allowed)}, not a boolean")
    if not isinstance(value, allowed):
        raise refuse(record, field, f"expected {_names(allowed)}, not {type(value).__name__}")


def check_name(record: object, field: str = "name") -> None:
    """Raise InvalidRecord unless `field` is a non-empty string; which letters it may have is a lint rule's matter."""
    check_type(record, field, str)
    if not getattr(record, field):
        raise refuse(record, field, "must not be empty")


def freeze_list(record: object, field: str, *allowed: type) -> None:
    """Turn the list that the author wrote into a tuple, each element an instance of one of `allowed`."""
    value = getattr(record, field)
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise refuse(record, field, f"expected a list of {_names(allowed)}, not {type(value).__name__}")
    elements = tuple(value)
    for position, element in enumerate(elements):
        if not isinstance(element, allowed):
            raise refuse(record, f"{field}[{position}]", f"expected {_names(allowed)}, not {type(element).__name__}")
    object.__setattr__(record, field, elements)


def freeze_map(record: object, field: str) -> None:
    """Turn the dict of strings that the author wrote into a read-only view of a copy."""
    value = getattr(record, field)
    if not isinstance(value, Mapping):
        raise refuse(record, field, f"expected a dict of strings, not {type(value).__name__}")
    for key, text in value.items():
        if not isinstance(key, str) or not isinstance(text, str):
            raise refuse(record, field, "expected a dict of strings to strings")
    object.__setattr__(record, field, MappingProxyType(dict(value)))


def check_range(record: object, field: str, *, least: int, most: int | None = None) -> None:
    """Raise InvalidRecord unless `field` is an int within [least, most]."""
    check_type(record, field, int)
    value: Any = getattr(record, field)
    if value < least:
        raise refuse(record, field, f"must be at least {least}, not {value}")
    if most is not None and value > most:
        raise refuse(record, field, f"must be at most {most}, not {value}")


def _names(allowed: tuple[type, ...]) -> str:
    return " or ".join(kind.__name__ for kind in allowed)
