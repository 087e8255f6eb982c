"""How the records of the model are made: lists become tuples, wrong types are refused where they are written."""

from collections.abc import Iterable, Mapping, Set
from types import MappingProxyType
from typing import Any

#: Wider integers are not shown in messages: Python refuses to print some of them.
SHOWN_BITS = 64


class InvalidRecord(ValueError):
    """A record of the model was given something that it cannot hold; the message names the class and the field."""


def refuse(record: object, field: str, problem: str) -> InvalidRecord:
    """The error for `field` of `record`, worded alike everywhere: `VarChar.max_length: must be at least 1, not 0`."""
    return InvalidRecord(f"{type(record).__name__}.{field}: {problem}")


def check_type(record: object, field: str, *allowed: type) -> None:
    """Raise InvalidRecord unless the value of `field` is an instance of one of `allowed`; a text must be storable."""
    value = getattr(record, field)
    if type(value) in allowed:  # the usual case, taken millions of times in a large model
        if type(value) is str:
            _check_text(record, field, value)
        return
    if isinstance(value, bool) and bool not in allowed:
        raise refuse(record, field, f"expected {_names(allowed)}, not a boolean")
    if not isinstance(value, allowed):
        raise refuse(record, field, f"expected {_names(allowed)}, not {type(value).__name__}")
    if str in allowed and isinstance(value, str):
        _check_text(record, field, value)


def check_name(record: object, field: str = "name") -> None:
    """Raise InvalidRecord unless `field` is a non-empty string; which letters it may have is a lint rule's matter."""
    check_type(record, field, str)
    if not getattr(record, field):
        raise refuse(record, field, "must not be empty")


def freeze_list(record: object, field: str, *allowed: type) -> None:
    """Turn the list that the author wrote into a tuple, each element an instance of one of `allowed`.

    A set is refused: its order differs from run to run.
    """
    value = getattr(record, field)
    if value == ():
        return
    if isinstance(value, (str, bytes, Mapping, Set)) or not isinstance(value, Iterable):
        raise refuse(record, field, f"expected a list of {_names(allowed)}, not {type(value).__name__}")
    elements = tuple(value)
    for position, element in enumerate(elements):
        if not isinstance(element, allowed):
            raise refuse(record, f"{field}[{position}]", f"expected {_names(allowed)}, not {type(element).__name__}")
        if isinstance(element, str):
            _check_text(record, f"{field}[{position}]", element)
    object.__setattr__(record, field, elements)


def freeze_map(record: object, field: str) -> None:
    """Turn the dict of strings that the author wrote into a read-only view of a copy."""
    value = getattr(record, field)
    if not isinstance(value, Mapping):
        raise refuse(record, field, f"expected a dict of strings, not {type(value).__name__}")
    for key, text in value.items():
        if not isinstance(key, str) or not isinstance(text, str):
            raise refuse(record, field, "expected a dict of strings to strings")
        _check_text(record, field, key)
        _check_text(record, field, text)
    object.__setattr__(record, field, MappingProxyType(dict(value)))


def check_range(record: object, field: str, *, least: int, most: int) -> None:
    """Raise InvalidRecord unless `field` is an int within [least, most]."""
    check_type(record, field, int)
    value: Any = getattr(record, field)
    if not least <= value <= most:
        bound = f"at least {least}" if value < least else f"at most {most}"
        raise refuse(record, field, f"must be {bound}, not {_figure(value)}")


def is_plain_text(value: object) -> bool:
    """True for a text of ASCII that PostgreSQL can store: what most texts are, and quick to see."""
    return type(value) is str and value.isascii() and "\0" not in value


def text_problem(text: str) -> str | None:
    """What keeps PostgreSQL from storing `text`, or None."""
    if "\0" in text:
        return "must not hold a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "must not hold half of a surrogate pair"
    return None


def _check_text(record: object, field: str, text: str) -> None:
    if is_plain_text(text):
        return
    problem = text_problem(text)
    if problem is not None:
        raise refuse(record, field, problem)


def _figure(value: int) -> str:
    return str(value) if value.bit_length() <= SHOWN_BITS else f"a number of {value.bit_length()} bits"


def _names(allowed: tuple[type, ...]) -> str:
    return " or ".join("None" if kind is type(None) else kind.__name__ for kind in allowed)
