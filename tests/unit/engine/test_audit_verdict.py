"""What an audit says, word for word."""

import dataclasses

import pytest

from datasurface.yellow.engine.audit.audit_verdict import AuditFinding, Check, StreamAudit, summary

AUDIT = StreamAudit(
    platform="YellowLive",
    platform_name="yellowlive",
    stream_key="Store1",
    batch_id=3,
    batches=1,
    rows=13,
    findings=(),
    notes=(),
    compared_in_full_batch=3,
    compared_in_full_at=None,
)
FINDING = AuditFinding(check=Check.SNAPSHOT, dataset="customers", message="batch 3 recorded 5 rows")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "merge tables equal the recorded batch 3; compared in full with the source: batch 3"),
        ({"batches": 3}, "merge tables equal the 3 recorded batches; compared in full with the source: batch 3"),
        (
            {"compared_in_full_batch": None},
            "merge tables equal the recorded batch 3; not yet compared in full with the source",
        ),
        ({"batches": 0}, "no batch was recorded yet"),
        ({"findings": (FINDING,)}, "merge tables are not what the batches recorded: 1 finding"),
        ({"findings": (FINDING, FINDING)}, "merge tables are not what the batches recorded: 2 findings"),
    ],
)
def test_sentence_says_what_was_proven(changes, words):
    """How many recorded batches the tables equal, and when that was compared with the source."""
    assert dataclasses.replace(AUDIT, **changes).sentence == words


def test_summary_adds_up_batches_and_tells_the_span_of_full_comparisons():
    """Several streams in one sentence."""
    other = dataclasses.replace(AUDIT, batches=5, compared_in_full_batch=5)

    assert summary([AUDIT, other]) == (
        "merge tables equal the 6 recorded batches; compared in full with the source: batches 3 to 5"
    )


def test_summary_does_not_hide_a_stream_that_differs_or_was_never_compared():
    """One of many is enough."""
    differs = dataclasses.replace(AUDIT, findings=(FINDING,))
    never = dataclasses.replace(AUDIT, compared_in_full_batch=None)

    assert summary([AUDIT, differs]).endswith("1 finding in 1 of 2 streams")
    assert summary([AUDIT, never]).endswith("some never in full with the source")


def test_finding_names_its_dataset_where_it_has_one():
    """What concerns the stream stands alone."""
    assert str(FINDING) == "customers: batch 3 recorded 5 rows"
    assert str(dataclasses.replace(FINDING, dataset=None)) == "batch 3 recorded 5 rows"
