"""Links of the documentation lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from tests.docs.tracked import ROOT, tracked_files

LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#{1,6} +(.*?) *#*$", re.MULTILINE)
ANCHOR = re.compile(r"<a (?:id|name)=\"([^\"]+)\"")


def anchors(page: str) -> set[str]:
    """Give what `#…` may name in a page: its headings as GitHub writes them, and its own anchors."""
    headings = (re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()) for heading in HEADING.findall(page))
    return {heading.strip().replace(" ", "-") for heading in headings} | set(ANCHOR.findall(page))


def broken_links(page: Path) -> list[str]:
    """List the relative links of a page whose file or anchor is not there."""
    text = page.read_text()
    broken = []
    for target in LINK.findall(CODE.sub("", text)):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        other = (page.parent / path) if path else page
        if not other.exists() or (anchor and other.suffix == ".md" and anchor not in anchors(other.read_text())):
            broken.append(target)
    return broken


def test_relative_links_resolve():
    """Each relative link of a page names a file, and an anchor in it, that exists."""
    pages = [path for path in tracked_files() if path.suffix == ".md"]

    assert {str(p.relative_to(ROOT)): broken for p in pages if (broken := broken_links(p))} == {}


def test_broken_link_and_anchor_are_found(tmp_path):
    """A missing file and a missing anchor are reported, links in code and to other sites are not looked at."""
    page = tmp_path / "page.md"
    page.write_text("# One `two`\n[a](gone.md) [b](#one-two) [c](#three) `[d](gone.md)` [e](https://example.com/x)\n")

    assert broken_links(page) == ["gone.md", "#three"]
