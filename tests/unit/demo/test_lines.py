"""What the tour prints of its records."""

from pathlib import Path

from datasurface.demo.lines import WIDTH, lines
from datasurface.demo.records import (
    Audited,
    Finished,
    HistoryTold,
    LeftRunning,
    ModelRead,
    RevisionApplied,
    RoundRun,
    ServerStarted,
    SourceChanged,
    SourceMade,
    StreamRun,
    Version,
    ViewCompared,
    ViewsCompared,
)
from datasurface.yellow.engine.difference.delta import Counts

COLUMNS = ["email", "phone", "billingaddressid"]
RECORDS = [
    ServerStarted(version="PostgreSQL 18.4", folder=Path("/tmp/datasurface-postgres-k3v9x2_a")),
    ModelRead(ecosystem="Test", stores=1, datasets=2, platforms=2, workspaces=1, findings=0),
    SourceMade(rows={"customers": 5, "flights": 336_776}),
    RevisionApplied(
        revision="dir-94af01e63352",
        added_columns={"addresses": ["addresstype", "country"], "customers": ["datecreated", "lastupdated"]},
        tables_created=0,
        tables_altered=4,
        views_created=0,
        views_updated=6,
        seconds=0.06,
    ),
    SourceChanged(text="200 changes: " + "many " * 30, counts={}),
    RoundRun(
        number=2,
        runs=[
            StreamRun(
                platform="YellowLive",
                stream_key="Store1",
                batch_id=2,
                counts=Counts(inserted=1_467, updated=1_830, deleted=365, total=368_789),
                seconds=1.04,
            ),
            StreamRun(
                platform="YellowForensic", stream_key="Store1", batch_id=None, counts=Counts(total=9), seconds=0.1
            ),
        ],
    ),
    HistoryTold(
        key="CUST001",
        view="yellowforensic_consumer1_forensicdsg_customers_history_view",
        reader="consumer1_user",
        columns=COLUMNS,
        versions=[
            Version(valid_from=1, valid_to=1, values=["j@example.com", None, "A1"], changed=None),
            Version(valid_from=2, valid_to=2, values=[f"{'x' * 60}@example.com", "1", "A2"], changed=COLUMNS),
            Version(valid_from=4, valid_to=None, values=["j@example.com", "1", "A2"], changed=None),
        ],
    ),
    Audited(sentence="merge tables equal the 4 recorded batches; compared in full with the source: batch 3"),
    ViewsCompared(views=[ViewCompared(view="v", rows=134, only_in_view=0, only_in_source=0)]),
    LeftRunning(psql=["export A=b", "psql"], queries=["TABLE v;"], commands=["c"], stop="stop it"),
    Finished(seconds=2.3, removed=Path("/tmp/datasurface-postgres-k3v9x2_a")),
]


def test_the_tour_looks_as_it_should(golden):
    """One golden file has every kind of record."""
    golden("tour.txt", "\n".join(line for record in RECORDS for line in lines(record)) + "\n")


def test_no_line_is_wider_than_a_terminal():
    """What is too long is wrapped or cut."""
    assert [line for record in RECORDS for line in lines(record) if len(line) > WIDTH] == []


def test_a_view_that_differs_is_not_called_ok():
    """The verdict is made from the rows that only one side has."""
    differing = ViewsCompared(views=[ViewCompared(view="v", rows=1, only_in_view=0, only_in_source=1)])

    assert lines(differing)[0].endswith("DIFFERENT")
