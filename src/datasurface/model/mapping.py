"""The platform mapping: which data platform serves each group of datasets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from datasurface.model.datastores import ProductionStatus
from datasurface.model.records import check_name, check_range, check_type, freeze_list

#: As many lines as a file that is read can have.
MAX_LINE = 2**31 - 1


class AssignmentStatus(StrEnum):
    """How far an assignment is; the first two mean that it is present, the last two that it goes or is gone."""

    PROVISIONING = "PROVISIONING"
    PROVISIONED = "PROVISIONED"
    DECOMMISSIONING = "DECOMMISSIONING"
    DECOMMISSIONED = "DECOMMISSIONED"

    @property
    def is_present(self) -> bool:
        """True where the platform shall serve the group."""
        return self in (AssignmentStatus.PROVISIONING, AssignmentStatus.PROVISIONED)


class DeprecationsAllowed(StrEnum):
    """Whether the group may use datasets that are deprecated."""

    ALLOWED = "ALLOWED"
    NEVER = "NEVER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One platform for one group; `line` is where the mapping file names it, None if it is unknown."""

    data_platform: str
    status: AssignmentStatus
    documentation: str = ""
    production_status: ProductionStatus = ProductionStatus.NOT_PRODUCTION
    deprecations_allowed: DeprecationsAllowed = DeprecationsAllowed.NEVER
    line: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_name(self, "data_platform")
        check_type(self, "status", AssignmentStatus)
        check_type(self, "documentation", str)
        check_type(self, "production_status", ProductionStatus)
        check_type(self, "deprecations_allowed", DeprecationsAllowed)
        _check_line(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAssignments:
    """The platforms of one group of one workspace; `line` is where the mapping file says so, None if it is unknown."""

    workspace: str
    group: str
    assignments: Sequence[Assignment]
    line: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_name(self, "workspace")
        check_name(self, "group")
        freeze_list(self, "assignments", Assignment)
        _check_line(self)


@dataclass(frozen=True, slots=True)
class PlatformMapping:
    """The whole of `dsg_platform_mapping.json`."""

    groups: Sequence[GroupAssignments] = ()

    def __post_init__(self) -> None:
        freeze_list(self, "groups", GroupAssignments)

    def assignments(self, workspace: str, group: str) -> tuple[Assignment, ...]:
        """Every assignment of the group, present or not; empty where the file does not name it."""
        return tuple(
            assignment
            for entry in self.groups
            if (entry.workspace, entry.group) == (workspace, group)
            for assignment in entry.assignments
        )


def _check_line(record: Assignment | GroupAssignments) -> None:
    if record.line is not None:
        check_range(record, "line", least=1, most=MAX_LINE)
