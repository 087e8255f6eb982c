"""docs/states.md draws the batch states that the code has."""

from __future__ import annotations

import re

from datasurface.yellow.engine.batch.batch_state import MOVES, BatchStatus
from tests.docs.tracked import ROOT, table_cells

ARROW = re.compile(r"^ +(\S+) --> (\S+)$", re.MULTILINE)


def test_diagram_has_just_the_moves_of_the_code():
    """Every arrow between two states is a move, and every move has its arrow."""
    page = (ROOT / "docs" / "states.md").read_text()
    drawn = {(begin, end) for begin, end in ARROW.findall(page) if "[*]" not in (begin, end)}

    assert drawn == {(begin.value, end.value) for begin, ends in MOVES.items() for end in ends}


def test_every_status_is_explained():
    """The table has a row per status, in the order of a batch's life."""
    known = [status.value for status in BatchStatus]

    assert [cell for cell in table_cells("states.md") if cell in known] == known
