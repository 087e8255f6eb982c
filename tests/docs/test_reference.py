"""The reference pages are complete: what the code has, they have a row for, and the other way round."""

from __future__ import annotations

from datasurface import errors
from datasurface.lint import rule
from datasurface.runtime.settings import PREFIX, Settings
from tests.docs.tracked import table_cells


def test_every_exit_status_has_its_row():
    """docs/exit-codes.md lists just the statuses of `errors.ExitStatus`, in order."""
    numbers = [cell for cell in table_cells("exit-codes.md") if cell.isdigit()]

    assert numbers == [str(int(status)) for status in sorted(errors.ExitStatus)]


def test_every_setting_has_its_row():
    """docs/settings.md lists just the environment variables that `Settings` reads."""
    read = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}

    assert {cell for cell in table_cells("settings.md") if cell.startswith(PREFIX)} == read


def test_every_lint_rule_has_its_row():
    """docs/lint.md lists just the rules that lint knows."""
    ids = {known.id for known in rule.all_rules()}

    assert {cell for cell in table_cells("lint.md") if cell.startswith("DS")} == ids
