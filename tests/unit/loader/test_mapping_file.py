"""Reading dsg_platform_mapping.json, right and wrong, with lines."""

from __future__ import annotations

import json

import pytest

from datasurface.loader import mapping_file
from datasurface.model.datastores import ProductionStatus
from datasurface.model.mapping import Assignment, AssignmentStatus, DeprecationsAllowed, GroupAssignments

RIGHT = """[
  {
    "dsgName": "LiveDSG",
    "workspace": "Consumer1",
    "assignments": [
      {
        "dataPlatform": "YellowLive",
        "documentation": "Live",
        "productionStatus": "PRODUCTION",
        "deprecationsAllowed": "ALLOWED",
        "status": "PROVISIONED"
      },
      {"dataPlatform": "Old", "status": "DECOMMISSIONED"}
    ]
  }
]
"""


@pytest.fixture
def read(tmp_path):
    """Give a function that reads a mapping file of the given text or bytes."""

    def reading(content, most_bytes=100_000):
        file = tmp_path / "dsg_platform_mapping.json"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return mapping_file.read(file, most_bytes=most_bytes)

    return reading


def entry(**changes):
    """Give a file of one entry, `changes` made to it; None takes a field away."""
    fields = {"dsgName": "G", "workspace": "W", "assignments": [], **changes}
    return json.dumps([{key: value for key, value in fields.items() if value is not None}])


def assignment(**changes):
    """Give a file of one entry with one assignment, `changes` made to that."""
    fields = {"dataPlatform": "P", "status": "PROVISIONED", **changes}
    return entry(assignments=[{key: value for key, value in fields.items() if value is not None}])


@pytest.mark.row("M10")
def test_entries_know_their_lines(read):
    """Every field is read; group and assignment know where they stand."""
    mapping, findings = read(RIGHT)

    assert findings == ()
    assert mapping.groups == (
        GroupAssignments(
            workspace="Consumer1",
            group="LiveDSG",
            assignments=(
                Assignment(
                    data_platform="YellowLive",
                    status=AssignmentStatus.PROVISIONED,
                    documentation="Live",
                    production_status=ProductionStatus.PRODUCTION,
                    deprecations_allowed=DeprecationsAllowed.ALLOWED,
                ),
                Assignment(data_platform="Old", status=AssignmentStatus.DECOMMISSIONED),
            ),
        ),
    )
    assert mapping.groups[0].line == 2
    assert [assigned.line for assigned in mapping.groups[0].assignments] == [7, 13]


def test_byte_order_mark_is_no_error(read):
    """A file of an editor that marks UTF-8 is read."""
    assert read(b"\xef\xbb\xbf[]") == read("[]")


@pytest.mark.row("M10", kind="refusal")
@pytest.mark.parametrize(
    ("content", "rule", "path", "message"),
    [
        ('[\n  {"dsgName" "x"}\n]', "DS307", ":2", "column 14: is not JSON: Expecting ':' delimiter"),
        ("[1, 2,\n", "DS307", ":2", "column 1: is not JSON: Expecting value"),
        ("", "DS307", ":1", "column 1: is not JSON: Expecting value"),
        (b"[\n\xff]", "DS307", ":2", "is not UTF-8"),
        ("[" * 100_000, "DS307", "", "holds a value that no mapping needs"),
        ("[" + "1" * 5_000 + "]", "DS307", "", "holds a value that no mapping needs"),
        ("[" + " " * 200_000, "DS307", "", "has more than 100000 bytes"),
        ("{}", "DS308", ":1", "holds an object, not a list of groups"),
        ("null", "DS308", ":1", "holds null, not a list of groups"),
        ("NaN", "DS308", ":1", "holds a number, not a list of groups"),
        ("[[]]", "DS308", "", "element 1 is a list, not an object"),
        (entry(workspace=None), "DS308", ":1", 'an entry lacks "workspace"'),
        (entry(dsgName=1), "DS308", ":1", '"dsgName" is a number, not a text that is not empty'),
        (entry(dsgName=""), "DS308", ":1", '"dsgName" is an empty text, not a text that is not empty'),
        (entry(assignments=None), "DS308", ":1", 'an entry lacks "assignments"'),
        (entry(assignments={}), "DS308", ":1", '"assignments" is an object, not a list'),
        (entry(assignments=["x"]), "DS308", ":1", "an assignment is a text, not an object"),
        (entry(dsgname="G"), "DS308", ":1", 'has an unknown field "dsgname"; did you mean "dsgName"?'),
        ('[{"dsgName":"G","workspace":"W",\n"workspace":"V","assignments":[]}]', "DS308", ":2", '"workspace" twice'),
        (assignment(dataPlatform=None), "DS308", ":1", 'an entry lacks "dataPlatform"'),
        (assignment(status=None), "DS308", ":1", 'an entry lacks "status"'),
        (assignment(documentation=None, status=5), "DS308", ":1", '"status" is a number, not a text'),
        (assignment(documentation=5), "DS308", ":1", '"documentation" is a number, not a text'),
        (assignment(platform="x"), "DS308", ":1", 'has an unknown field "platform"; did you mean "dataPlatform"?'),
        (
            assignment(status="PROVISIONNED"),
            "DS309",
            ":1",
            '"status" is "PROVISIONNED", which is no status; did you mean "PROVISIONED"?',
        ),
        (assignment(status="provisioned"), "DS309", ":1", "which is no status"),
        (assignment(productionStatus="YES"), "DS309", ":1", '"productionStatus" is "YES"'),
        (assignment(deprecationsAllowed="SOMETIMES"), "DS309", ":1", '"deprecationsAllowed" is "SOMETIMES"'),
        (entry(dsgName="a\0b"), "DS309", ":1", '"dsgName" must not hold a NUL character'),
        (entry(workspace="\ud800"), "DS309", ":1", '"workspace" must not hold half of a surrogate pair'),
    ],
)
def test_wrong_file_gives_a_finding_with_its_line(read, content, rule, path, message):
    """Whatever the file holds, reading it raises nothing and says what is wrong where."""
    mapping, findings = read(content)

    assert mapping is not None
    assert [(finding.rule, finding.path) for finding in findings] == [(rule, f"dsg_platform_mapping.json{path}")]
    assert message in findings[0].message
    assert findings[0].fix


def test_missing_file_is_a_finding(tmp_path):
    """A model without a mapping file is told which file to add."""
    mapping, (finding,) = mapping_file.read(tmp_path / "dsg_platform_mapping.json", most_bytes=1000)

    assert mapping.groups == ()
    assert (finding.rule, finding.path) == ("DS306", "dsg_platform_mapping.json")


def test_every_wrong_thing_is_reported_and_the_rest_is_read(read):
    """One wrong assignment neither hides another nor takes right ones away."""
    right, wrong = {"dataPlatform": "P", "status": "PROVISIONED"}, {"dataPlatform": "Q", "status": "X"}
    document = [
        {"dsgName": "G", "workspace": "W", "assignments": [wrong, right, wrong]},
        {"dsgName": "H", "workspace": "W", "assignments": [right], "note": 1},
    ]

    mapping, findings = read(json.dumps(document, indent=1))

    assert [(group.group, [each.data_platform for each in group.assignments]) for group in mapping.groups] == [
        ("G", ["P"]),
        ("H", ["P"]),
    ]
    assert [(finding.rule, finding.path.rpartition(":")[2]) for finding in findings] == [
        ("DS309", "8"),
        ("DS309", "16"),
        ("DS308", "29"),
    ]
