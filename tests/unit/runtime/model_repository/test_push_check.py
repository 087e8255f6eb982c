"""What an author reads in the terminal, and how a hook reads what git tells it."""

import pytest

from datasurface.errors import ModelError
from datasurface.lint.report import Finding, Severity
from datasurface.runtime.model_repository.push_check import Update, shown, updates

ZEROS = "0" * 40


def test_findings_are_lines_of_a_terminal():
    """Errors first; the object on one line, the rest within 100 columns with git's own word before it."""
    lines = shown(
        [
            Finding("DS905", "Test", "changed", "say from where", Severity.WARNING),
            Finding("DS204", "Test/USA/team1/Store1/customers/email", "narrows " + "a column " * 20, "widen it again"),
        ]
    )

    assert lines[0] == "  DS204 Test/USA/team1/Store1/customers/email"
    assert lines[1].startswith("        narrows a column")
    assert "        widen it again: docs/lint.md#ds204" in lines
    assert lines[-3:] == ["  DS905 Test (warning)", "        changed", "        say from where: docs/lint.md#ds905"]
    assert max(len(f"remote: {line}") for line in lines) <= 100


def test_updates_are_read_as_git_tells_them():
    """A new branch has no old commit, a deleted one no new one."""
    assert updates([f"{ZEROS} {'a' * 40} refs/heads/new\n", f"{'b' * 40} {ZEROS} refs/heads/a b\n"]) == [
        Update(old=None, new="a" * 40, reference="refs/heads/new"),
        Update(old="b" * 40, new=None, reference="refs/heads/a b"),
    ]


def test_other_input_is_refused():
    """Nobody but git calls the hook."""
    with pytest.raises(ModelError, match="not what git tells a hook"):
        updates(["rubbish\n"])
