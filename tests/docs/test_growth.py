"""The growth curves are drawn from the results that the repository keeps."""

import hashlib

from tests.docs.tracked import ROOT

RESULTS = ROOT / "bench" / "results" / "latest.json"
PICTURE = ROOT / "docs" / "growth.svg"


def test_the_picture_is_of_the_kept_results():
    """The picture carries the hash of the results, so that neither changes without the other."""
    digest = hashlib.sha256(RESULTS.read_bytes()).hexdigest()

    assert f"results with sha256 {digest}" in PICTURE.read_text(encoding="utf-8")


def test_the_picture_reads_on_a_dark_page():
    """Its page and its ink turn over with the reader's."""
    text = PICTURE.read_text(encoding="utf-8")

    assert "prefers-color-scheme:dark" in text
    assert "currentColor" not in text
