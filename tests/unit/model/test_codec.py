"""A model becomes JSON and back without loss; a document from elsewhere becomes a record or an InvalidDocument."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasurface import dsl
from datasurface.model import codec
from datasurface.model.codec import InvalidDocument
from datasurface.model.datatypes import DataType
from datasurface.model.mapping import PlatformMapping
from tests.unit.model import strategies

BUILDING = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def refusal_of(reading, *arguments):
    """Give the InvalidDocument that a reading ends with, or None; anything else is raised."""
    try:
        reading(*arguments)
    except InvalidDocument as refusal:
        return refusal
    return None


@BUILDING
@given(strategies.ecosystems)
def test_ecosystem_survives_the_way_through_json(ecosystem):
    """What was written is read again, all of it, also where defaults are left out."""
    for text in (codec.dumps(ecosystem), codec.dumps(ecosystem, sparse=True), codec.dumps(ecosystem, indent=2)):
        assert codec.decode(dsl.Ecosystem, codec.loads(text)) == ecosystem
    assert codec.loads(codec.dumps(ecosystem)) == codec.encode(ecosystem)


@BUILDING
@given(strategies.mappings)
def test_mapping_survives_with_its_lines(mapping):
    """Lines are kept, though they make no difference between two mappings."""
    read = codec.decode(PlatformMapping, codec.loads(codec.dumps(mapping)))

    assert read == mapping
    assert [group.line for group in read.groups] == [group.line for group in mapping.groups]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([dsl.Ecosystem, dsl.DDLColumn, dsl.VarChar, DataType, PlatformMapping]), strategies.python_values
)
def test_any_value_is_a_record_or_refused(kind, value):
    """Nothing that a document can hold raises anything but InvalidDocument."""
    refusal = refusal_of(codec.decode, kind, value)

    assert refusal is None or refusal.problem


@settings(max_examples=300, deadline=None)
@given(st.text() | st.binary() | strategies.json_values.map(json.dumps))
def test_any_text_is_json_or_refused(text):
    """Nothing that a file can hold raises anything but InvalidDocument."""
    refusal = refusal_of(codec.loads, text)

    assert refusal is None or refusal.problem


def places(document, path=()):
    """Give the path of every value in a document."""
    yield path
    if isinstance(document, dict):
        inner = document.items()
    else:
        inner = enumerate(document) if isinstance(document, list) else ()
    for step, value in inner:
        yield from places(value, (*path, step))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_one_wrong_value_is_found_wherever_it_stands(data):
    """A right document with one value replaced is refused with its place, or is right as well.

    The place is a path, or the record's path and the field that the record itself names.
    """
    document = codec.encode(data.draw(st.shared(strategies.stores)))
    path = data.draw(st.sampled_from(list(places(document))))
    wrong = data.draw(strategies.python_values)
    if path:
        holder = document
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = wrong
    else:
        document = wrong
    refusal = refusal_of(codec.decode, dsl.Datastore, document)

    if refusal is not None and path:
        assert f"{refusal.path} {refusal.problem}".startswith((str(path[0]), f" Datastore.{path[0]}:"))


@pytest.mark.parametrize(
    ("kind", "document", "message"),
    [
        (dsl.Ecosystem, [], "document: expected an object"),
        (dsl.Ecosystem, {}, "document: Ecosystem lacks name, owning_repo"),
        (dsl.Credential, {"name": 1}, "name: expected a string"),
        (dsl.Credential, {"name": ""}, "document: Credential.name: must not be empty"),
        (dsl.Credential, {"name": "a", "kind": "x"}, "kind: expected one of: user_password, api_token"),
        (dsl.Credential, {"name": "a", "kind": []}, "kind: expected one of: user_password, api_token"),
        (dsl.Credential, {"name": "a", "extra": 1}, "document: Credential has no field 'extra'"),
        (dsl.Credential, {"name": "a", 7: 1}, "document: Credential has no field '7'"),
        (dsl.Credential, {"name": "a\0"}, "name: must not hold a NUL character"),
        (dsl.Credential, {"name": "\ud800"}, "name: must not hold half of a surrogate pair"),
        (dsl.Credential, {"name": "a", "\x1b" * 500: 1}, "document: Credential has no field '\\x1b"),
        (DataType, {"kind": "Money"}, 'document: expected an object whose "kind" is one of: Array, BigInt,'),
        (DataType, {}, 'document: expected an object whose "kind" is one of: Array, BigInt,'),
        (DataType, {"kind": ["VarChar"]}, 'document: expected an object whose "kind" is one of: Array, BigInt,'),
        (DataType, "VarChar", 'document: expected an object whose "kind" is one of: Array, BigInt,'),
        (dsl.VarChar, {"kind": "Char"}, "kind: expected VarChar"),
        (dsl.VarChar, {"kind": "VarChar", "max_length": 0}, "VarChar.max_length: must be at least 1, not 0"),
        (dsl.VarChar, {"max_length": 10**30}, "VarChar.max_length: must be at most 10485760, not a number of 100 bits"),
        (dsl.VarChar, {"max_length": 10**5000}, "must be at most 10485760, not a number of 16610 bits"),
        (dsl.VarChar, {"max_length": 2.0}, "max_length: expected a whole number"),
        (dsl.VarChar, {"max_length": float("nan")}, "max_length: expected a whole number"),
        (dsl.VarChar, {"max_length": True}, "max_length: expected a whole number"),
        (dsl.Decimal, {"precision": 2, "scale": 3}, "Decimal.scale: must be at most 2, not 3"),
        (dsl.DDLTable, {"columns": "ab"}, "columns: expected a list"),
        (dsl.DDLTable, {"columns": [1]}, "columns[0]: expected an object"),
        (
            dsl.DDLTable,
            {"columns": [{"name": "a", "type": {"kind": "Array", "element": 1}}]},
            "columns[0].type.element: ",
        ),
        (
            dsl.InfrastructureVendor,
            {"name": "a", "locations": [{"name": "b", "locations": [{}]}]},
            "locations[0].locations[0]: Location lacks name",
        ),
    ],
)
def test_refusal_says_where_and_what(kind, document, message):
    """The path leads to the value, the problem says what was expected, and neither shows a control character."""
    with pytest.raises(InvalidDocument) as refusal:
        codec.decode(kind, document)

    assert message in str(refusal.value)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 500


def test_nesting_without_end_is_refused():
    """A document as deep as you like is refused, whether it is parsed or was built."""
    deep = {"name": "x"}
    for _ in range(100_000):
        deep = {"name": "x", "locations": [deep]}

    with pytest.raises(InvalidDocument, match="is nested too deeply"):
        codec.decode(dsl.Location, deep)
    with pytest.raises(InvalidDocument, match="is nested too deeply"):
        codec.loads('{"a":' * 100_000)
    while deep.get("locations"):  # Python would take such an object apart by recursion
        deep = deep.pop("locations")[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 2}', "an object has the key 'a' twice"),
        ('[{"b": {"a": 1, "\\u0061": 2}}]', "an object has the key 'a' twice"),
        ("NaN", "NaN is no number of JSON"),
        ("[-Infinity]", "-Infinity is no number of JSON"),
        ("1" * 5000, "holds a number of too many digits"),
        ("{'a': 1}", "is not JSON: Expecting property name enclosed in double quotes (line 1, column 2)"),
        ("[1,\n]", "is not JSON: "),
        (b"\xff\xfe[\x00]\x00", "is not UTF-8"),
        (b"\x80", "is not UTF-8"),
        ("", "is not JSON: Expecting value (line 1, column 1)"),
    ],
)
def test_json_that_readers_disagree_about_is_refused(text, message):
    """Repeated keys, numbers that are none and other encodings are refused."""
    with pytest.raises(InvalidDocument) as refusal:
        codec.loads(text)

    assert message in str(refusal.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed:
    """A record of another layer, with every annotation that may be read."""

    config: Mapping[str, str | int | bool | Sequence[str] | Mapping[str, str] | None] = field(default_factory=dict)
    ratio: float = 0.5
    either: dsl.CronTrigger | dsl.ExternalTrigger | None = None
    pair: tuple[str, ...] = ()
    anything: Any = None


def test_unions_of_values_are_read():
    """What a value looks like says which of several kinds it is."""
    config = {"a": "x", "b": 1, "c": True, "d": None, "e": ("x", "y"), "f": {"g": "h"}}
    mixed = Mixed(config=config, either=dsl.ExternalTrigger(), pair=("a",), anything=[1, {"x": 2}])

    assert codec.decode(Mixed, codec.loads(codec.dumps(mixed))) == mixed
    assert codec.decode(Mixed, {"ratio": 2}).ratio == 2.0
    for wrong, message in (
        (
            {"config": {"a": 1.5}},
            "config['a']: expected a string or a whole number or true or false or a list or an object",
        ),
        ({"config": {"a": {"b": 1}}}, "config['a']['b']: expected a string"),
        (
            {"either": {"kind": "Enum"}},
            'either: expected an object whose "kind" is one of: CronTrigger, ExternalTrigger',
        ),
        ({"ratio": float("inf")}, "ratio: expected a number"),
    ):
        with pytest.raises(InvalidDocument) as refusal:
            codec.decode(Mixed, wrong)
        assert str(refusal.value).startswith(message)


def test_what_has_no_json_form_is_a_mistake_of_ours():
    """Classes, sets and annotations that no document can hold are programming errors, not documents."""
    for value in (object(), {1, 2}, dsl.VarChar, b"x"):
        with pytest.raises(TypeError, match="has no JSON form"):
            codec.encode(value)
        with pytest.raises(TypeError, match="has no JSON form"):
            codec.dumps(value)
    for hint in (set[str], tuple[int, str], bytes):
        with pytest.raises(TypeError, match="cannot be read from a document"):
            codec.decode(hint, [])


def test_every_class_of_the_dsl_is_read():
    """No record that authors can build has a field that could not be read back."""
    for name in dsl.__all__:
        kind = getattr(dsl, name)
        if is_dataclass(kind):
            assert fields(kind) is not None
            with pytest.raises(InvalidDocument):
                codec.decode(kind, {"no such field": 1})
