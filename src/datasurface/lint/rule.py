"""What a rule is, and the list of all of them.

A rule has a stable id, grouped by hundred, a name, and a docstring that says what holds. Most are a function over the
whole model (`@rule`); those that look at something else (a file, a deployed model, a plan) are declared here by their
module and make their findings themselves (`declare`). `docs/lint.md` has a row for each.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from datasurface.lint.context import LintContext
from datasurface.lint.report import Finding, Severity

#: What the hundreds of rule ids stand for.
GROUPS: Final = {
    "DS0": "loading",
    "DS1": "names and references",
    "DS2": "compatibility with the deployed model",
    "DS3": "platform mapping",
    "DS4": "the merge database",
    "DS5": "schemas",
    "DS6": "schedules and credentials",
    "DS7": "workspaces and platforms",
    "DS8": "physical names",
    "DS9": "authority",
}


class Problem(NamedTuple):
    """What a rule found at one place; the rule's id is added by the rule."""

    path: str
    message: str
    fix: str


Check = Callable[[LintContext], Iterator[Problem]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule; `summary` is the sentence that holds in a right model. `check` is None for a declared one."""

    id: str
    name: str
    summary: str
    severity: Severity = Severity.ERROR
    check: Check | None = None

    def finding(self, path: str, message: str, fix: str) -> Finding:
        """A finding of this rule."""
        return Finding(self.id, path, message, fix, self.severity)

    def findings(self, context: LintContext) -> Iterator[Finding]:
        """Everything that breaks the rule; nothing for a declared rule."""
        if self.check is not None:
            for problem in self.check(context):
                yield self.finding(*problem)


_RULES: dict[str, Rule] = {}


def rule(rule_id: str, *, severity: Severity = Severity.ERROR) -> Callable[[Check], Check]:
    """Make a rule of a function; its name and the first line of its docstring become the rule's."""

    def add(check: Check) -> Check:
        summary = (check.__doc__ or "").strip().partition("\n")[0]
        name = check.__name__.replace("_", "-")
        _add(Rule(id=rule_id, name=name, summary=summary, severity=severity, check=check))
        return check

    return add


def declare(rule_id: str, name: str, summary: str) -> Rule:
    """A rule whose findings its own module makes."""
    return _add(Rule(id=rule_id, name=name, summary=summary))


def all_rules() -> tuple[Rule, ...]:
    """Every rule of the project, by id."""
    lint = importlib.import_module("datasurface.lint")
    for module in pkgutil.walk_packages(lint.__path__, "datasurface.lint."):
        importlib.import_module(module.name)
    return tuple(_RULES[rule_id] for rule_id in sorted(_RULES))


def _add(new: Rule) -> Rule:
    if new.id in _RULES:
        raise ValueError(f"{new.id} is the id of {_RULES[new.id].name} and of {new.name}")
    if new.id[:3] not in GROUPS or not new.summary:
        raise ValueError(f"{new.id} needs a group and a summary")
    _RULES[new.id] = new
    return new
