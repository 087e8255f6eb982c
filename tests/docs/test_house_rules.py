"""The rules of style that no linter has."""

from __future__ import annotations

import pytest

from tools import house_rules

LONG_BODY = "    x = 1\n" * 61


@pytest.mark.parametrize(
    ("name", "source", "finding"),
    [
        ("views.py", "x = 1\n" * 501, "views.py:1: 501 lines, more than 500"),
        ("views.py", f"def build():\n{LONG_BODY}", "views.py:1: build has 62 lines, more than 60"),
        ("views.py", "def get_view(): ...\n", "views.py:1: get_view: name it for what it returns, without get_"),
        ("utils.py", "x = 1\n", "utils.py:1: a file or folder is named for its subject, not 'utils'"),
        ("core/views.py", "x = 1\n", "core/views.py:1: a file or folder is named for its subject, not 'core'"),
    ],
    ids=["file", "function", "get_", "file name", "folder name"],
)
def test_broken_rule_is_found(tmp_path, monkeypatch, name, source, finding):
    """Each rule reports the place and what is wrong."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(source)

    (path,) = house_rules.python_files(["."])

    assert list(house_rules.findings(path)) == [finding]


@pytest.mark.parametrize(
    "source",
    [
        "# long: a table of facts\n" + "x = 1\n" * 501,
        f"def build(\n    a,\n):  # long: one table\n{LONG_BODY}",
        "x = 1\n",
    ],
    ids=["file", "function", "short"],
)
def test_reason_allows_more(tmp_path, source):
    """A file or function that says why it is long is left alone."""
    path = tmp_path / "views.py"
    path.write_text(source)

    assert list(house_rules.findings(path)) == []
