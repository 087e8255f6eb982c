"""Reads `dsg_platform_mapping.json`: every entry that is right, and a finding with its line for all that is not."""

import json
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeVar

from datasurface.lint.context import MAPPING_FILE, mapping_path
from datasurface.lint.report import Finding
from datasurface.lint.rule import Rule
from datasurface.lint.rules import mapping as rules
from datasurface.loader import located_json
from datasurface.loader.located_json import LocatedObject
from datasurface.model.datastores import ProductionStatus
from datasurface.model.mapping import (
    Assignment,
    AssignmentStatus,
    DeprecationsAllowed,
    GroupAssignments,
    PlatformMapping,
)
from datasurface.model.records import text_problem

E = TypeVar("E", bound=Enum)

GROUP_FIELDS: Final = ("dsgName", "workspace", "assignments")
ASSIGNMENT_FIELDS: Final = ("dataPlatform", "documentation", "productionStatus", "deprecationsAllowed", "status")
_SHAPE_FIX: Final = 'write [{"dsgName": …, "workspace": …, "assignments": [{"dataPlatform": …, "status": …}]}]'


def read(file: Path, *, most_bytes: int) -> tuple[PlatformMapping, tuple[Finding, ...]]:
    """The mapping that `file` holds, and what is wrong with the file. Names are compared with the model elsewhere."""
    reading = _Reading()
    mapping = PlatformMapping(tuple(reading.groups(reading.document(file, most_bytes))))
    return mapping, tuple(reading.findings)


class _Reading:
    """One pass over the file; findings gather here."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def document(self, file: Path, most_bytes: int) -> Any:
        """What the file holds, or an empty list after a finding."""
        try:
            with file.open("rb") as opened:
                content = opened.read(most_bytes + 1)
        except OSError:
            self._add(rules.MISSING, None, "the file is missing", f"put {MAPPING_FILE} beside eco.py; [] is the least")
            return []
        if len(content) > most_bytes:
            self._add(rules.NO_JSON, None, f"has more than {most_bytes} bytes", "split the ecosystem")
            return []
        return self._parsed(content)

    def _parsed(self, content: bytes) -> Any:
        try:
            return located_json.loads(content.decode("utf-8-sig"))
        except json.JSONDecodeError as error:
            problem, place = f"is not JSON: {error.msg}", error
            self._add(rules.NO_JSON, place.lineno, f"column {place.colno}: {problem}", "correct the JSON")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            self._add(rules.NO_JSON, line, "is not UTF-8", "save the file as UTF-8")
        except (RecursionError, ValueError):
            self._add(rules.NO_JSON, None, "holds a value that no mapping needs", "write what docs/model.md shows")
        return []

    def groups(self, document: Any) -> Iterator[GroupAssignments]:
        """The entries that name a workspace and a group, each with those of its assignments that are right."""
        if not isinstance(document, list):
            self._add(rules.SHAPE, 1, f"holds {_kind(document)}, not a list of groups", _SHAPE_FIX)
            return
        for number, entry in enumerate(document, start=1):
            if not isinstance(entry, LocatedObject):
                self._add(rules.SHAPE, None, f"element {number} is {_kind(entry)}, not an object", _SHAPE_FIX)
                continue
            self._check_fields(entry, GROUP_FIELDS)
            workspace, group = self._text(entry, "workspace"), self._text(entry, "dsgName")
            assignments = tuple(self._assignments(entry))
            if workspace and group:
                yield GroupAssignments(workspace=workspace, group=group, assignments=assignments, line=entry.line)

    def _assignments(self, entry: LocatedObject) -> Iterator[Assignment]:
        listed = entry.get("assignments")
        if not isinstance(listed, list):
            self._wrong(entry, "assignments", "a list")
            return
        for element in listed:
            if isinstance(element, LocatedObject):
                assignment = self._assignment(element)
                if assignment is not None:
                    yield assignment
            else:
                line = entry.line_of("assignments")
                self._add(rules.SHAPE, line, f"an assignment is {_kind(element)}, not an object", _SHAPE_FIX)

    def _assignment(self, element: LocatedObject) -> Assignment | None:
        known = len(self.findings)
        self._check_fields(element, ASSIGNMENT_FIELDS)
        platform = self._text(element, "dataPlatform")
        status = self._choice(element, "status", AssignmentStatus)
        production = self._choice(element, "productionStatus", ProductionStatus, ProductionStatus.NOT_PRODUCTION)
        allowed = self._choice(element, "deprecationsAllowed", DeprecationsAllowed, DeprecationsAllowed.NEVER)
        documentation = self._text(element, "documentation", "")
        if len(self.findings) > known or not (platform and status and production and allowed):
            return None
        return Assignment(
            data_platform=platform,
            status=status,
            documentation=documentation or "",
            production_status=production,
            deprecations_allowed=allowed,
            line=element.line_of("dataPlatform"),
        )

    def _check_fields(self, element: LocatedObject, fields: tuple[str, ...]) -> None:
        for key, line in element.repeated:
            self._add(rules.SHAPE, line, f'has "{key[:100]}" twice in one object', "keep one of the two")
        for key in element:
            if key not in fields:
                hint = _suggestion(key, fields)
                line = element.line_of(key)
                self._add(rules.SHAPE, line, f'has an unknown field "{key[:100]}"{hint}', f"use {', '.join(fields)}")

    def _text(self, element: LocatedObject, key: str, default: str | None = None) -> str | None:
        value = element.get(key, default)
        if not isinstance(value, str) or (default is None and not value):
            self._wrong(element, key, "a text that is not empty" if default is None else "a text")
            return None
        problem = text_problem(value)
        if problem is not None:
            self._add(rules.VALUE, element.line_of(key), f'"{key}" {problem}', "remove the character")
            return None
        return value

    def _choice(self, element: LocatedObject, key: str, kind: type[E], default: E | None = None) -> E | None:
        if key not in element and default is not None:
            return default
        value = element.get(key)
        if not isinstance(value, str):
            self._wrong(element, key, "a text")
            return None
        if value not in kind.__members__:
            hint = _suggestion(value, kind.__members__)
            message = f'"{key}" is "{value[:100]}", which is no status{hint}'
            self._add(rules.VALUE, element.line_of(key), message, f"use {', '.join(kind.__members__)}")
            return None
        return kind[value]

    def _wrong(self, element: LocatedObject, key: str, expected: str) -> None:
        is_there = key in element
        message = f'"{key}" is {_kind(element[key])}, not {expected}' if is_there else f'an entry lacks "{key}"'
        self._add(rules.SHAPE, element.line_of(key), message, _SHAPE_FIX)

    def _add(self, rule: Rule, line: int | None, message: str, fix: str) -> None:
        self.findings.append(rule.finding(mapping_path(line), message, fix))


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    if value == "":
        return "an empty text"
    return next((name for kind, name in names.items() if isinstance(value, kind)), "a number")


def _suggestion(name: str, candidates: Iterable[str]) -> str:
    close = get_close_matches(name[:100], list(candidates), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""
