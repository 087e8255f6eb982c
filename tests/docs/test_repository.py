"""What no file of the repository may hold."""

from __future__ import annotations

import re

import pytest

from tests.docs.tracked import ROOT, tracked_files

#: Written so that this file does not match itself.
FORBIDDEN = {
    "an absolute path of one machine": re.compile(r"(?<![\w.$}~/-])/(?:work|root|home/\w+)/"),
    "the address of a package index": re.compile(r"(?:index-url|find-links|goproxy)[ =]|https?://[^\s\"'`]*/simple\b"),
    "a conflict marker": re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE),
}


def forbidden_things(text: str) -> list[str]:
    """Name what a text must not hold, with the line it stands in."""
    return [
        f"line {text.count(chr(10), 0, match.start()) + 1}: {what}: {match.group()}"
        for what, pattern in FORBIDDEN.items()
        for match in pattern.finditer(text)
    ]


def test_no_file_names_this_machine():
    """No tracked file holds an absolute path of a developer's machine, an index address or a conflict marker."""
    found = {
        str(path.relative_to(ROOT)): things
        for path in tracked_files()
        if b"\0" not in (content := path.read_bytes()) and (things := forbidden_things(content.decode()))
    }

    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "cd " + "/wo" + "rk/main",
        "see " + "/ro" + "ot/x",
        "pip --index" + "-url=x",
        "https://mirror.example/" + "simple",
    ],
)
def test_forbidden_things_are_found(text):
    """Each kind is reported with its line."""
    assert [thing.partition(":")[0] for thing in forbidden_things("fine\n" + text)] == ["line 2"]


def test_paths_of_the_product_are_allowed():
    """Paths inside a repository, a URL or a variable are not a machine's."""
    assert forbidden_things("models/work/x $HOME/work/ https://example.com/work/ ./root/y /etc/datasurface/") == []
