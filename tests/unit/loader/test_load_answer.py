"""What a loader service answers reads back as it was; anything else is no answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasurface.loader import load_answer
from datasurface.loader.limits import Limits
from datasurface.loader.load_answer import InvalidAnswer, decoded, encoded
from datasurface.loader.model_process import Outcome

OURS = Limits(wall_seconds=99)
GOOD = {
    "v": 1,
    "status": 0,
    "is_late": False,
    "printed_bytes": 0,
    "limits": {"wall_seconds": 1, "cpu_seconds": 1, "answer_bytes": 10},
    "answer": "e30=",
}


@given(st.binary(max_size=500_000), st.integers(-64, 255), st.booleans(), st.integers(0, 2**40))
def test_an_outcome_reads_back(answer, status, is_late, printed_bytes):
    """With the limits that the loader enforced in place of ours, and within the bound."""
    limits = Limits(wall_seconds=1.5, cpu_seconds=2, answer_bytes=500_000)
    outcome = Outcome(answer=answer, status=status, is_late=is_late, printed_bytes=printed_bytes, limits=limits)

    document = b"".join(encoded(outcome))

    assert decoded(document, Limits()) == outcome
    assert len(document) <= load_answer.largest_bytes(limits)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"rubbish",
        b"\xff",
        b"[]",
        b"null",
        b"[" * 100_000,
        *(
            json.dumps(GOOD | changed).encode()
            for changed in (
                {"v": 2},
                {"status": "0"},
                {"status": True},
                {"is_late": 0},
                {"printed_bytes": None},
                {"answer": "?"},
                {"answer": None},
                {"answer": "e30"},
                {"limits": None},
                {"limits": {}},
                {"limits": {"wall_seconds": "1", "cpu_seconds": 1, "answer_bytes": 1}},
            )
        ),
    ],
)
def test_anything_else_is_no_answer(document):
    """Also where only one part of it is of another kind."""
    with pytest.raises(InvalidAnswer):
        decoded(document, OURS)


def test_the_example_of_the_refusals_is_an_answer():
    """What they change is what makes them wrong."""
    assert decoded(json.dumps(GOOD).encode(), OURS).answer == b"{}"
