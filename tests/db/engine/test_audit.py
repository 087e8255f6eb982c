"""The audit: it proves what is right, finds each kind of damage, and says what it cannot tell."""

import json
import threading

import pytest
from click.testing import CliRunner
from psycopg2 import sql

from datasurface.cli.main import cli
from datasurface.dsl import MilestoneStrategy
from datasurface.errors import ModelError
from datasurface.yellow.engine.audit import audit
from datasurface.yellow.engine.audit.audit import AuditRequest
from datasurface.yellow.engine.audit.audit_verdict import Check, StreamAudit, summary
from tests.db.streams import SCHEMA, Stream, column, plan, table

LIVE, FORENSIC = MilestoneStrategy.LIVE_ONLY, MilestoneStrategy.BATCH_MILESTONED
ITEMS = table("items", column("id", is_key=True), column("name"), column("size", "integer"))
LINES = table("lines", column("name"), column("amount", "numeric"))
SOURCE = (
    "CREATE TABLE items (id text PRIMARY KEY, name text, size integer)",
    "CREATE TABLE lines (name text, amount numeric)",
    "INSERT INTO items SELECT i::text, 'näme ' || i, i FROM generate_series(1, 40) AS i",
    "INSERT INTO lines SELECT 'line', i / 2 FROM generate_series(1, 20) AS i",
)
CHANGES = (
    "UPDATE items SET name = NULL WHERE id = '3'",
    "DELETE FROM items WHERE id = '4'",
    "INSERT INTO items VALUES ('new', E'a\\tb\\nc', 1)",
    "DELETE FROM lines WHERE amount = 7",
)
MORE_CHANGES = ("UPDATE items SET name = 'näme 3' WHERE id = '3'", "INSERT INTO items VALUES ('4', 'again', 4)")


def allowed(stream: Stream) -> Stream:
    """Let the job record verdicts, as the installation does."""
    stream.execute(
        sql.SQL("GRANT INSERT ON {} TO {}").format(
            sql.Identifier(SCHEMA, "ds_audit"), sql.Identifier(stream.installation.roles.job)
        )
    )
    return stream


def three_batches(stream: Stream) -> Stream:
    """Batches 1 to 3: rows come, change, leave and return."""
    stream.run()
    stream.source(*CHANGES)
    stream.run()
    stream.source(*MORE_CHANGES)
    assert stream.run().batch_id == 3
    return allowed(stream)


@pytest.fixture
def stream(deployed, strategy):
    """A stream of a dataset with a key and one without, after three batches."""
    return three_batches(deployed(plan(strategy, ITEMS, LINES), *SOURCE))


@pytest.fixture
def forensic(deployed):
    """The same, forensic."""
    return three_batches(deployed(plan(FORENSIC, ITEMS, LINES), *SOURCE))


@pytest.fixture
def live(deployed):
    """The same, live."""
    return three_batches(deployed(plan(LIVE, ITEMS, LINES), *SOURCE))


def audited(stream: Stream, **asked) -> StreamAudit:
    (verdict,) = audit.audit(stream.links, AuditRequest(**asked))
    return verdict


def found(stream: Stream, **asked) -> set[tuple[Check, str | None]]:
    """What kinds of findings there are, by dataset."""
    return {(finding.check, finding.dataset) for finding in audited(stream, **asked).findings}


def damage(stream: Stream, text: str, name: str = "items") -> None:
    """Change a merge table behind the platform's back; `{}` is the table."""
    stream.execute(sql.SQL(text).format(stream.tables(name).merge))


def damage_batches(stream: Stream, text: str) -> None:
    """Change the batches behind the platform's back."""
    control = stream.plan.control
    stream.execute(
        sql.SQL(text).format(
            metrics=sql.Identifier(SCHEMA, control.batch_metrics), counter=sql.Identifier(SCHEMA, control.batch_counter)
        )
    )


def test_tables_that_no_one_touched_equal_the_recorded_batches(stream):
    """Every batch of a forensic stream and the last of a live one are computed again, and the verdict says which."""
    verdict = audited(stream)

    assert verdict.findings == ()
    assert verdict.rows == len(stream.rows("items")) + len(stream.rows("lines"))
    batches = "the 3 recorded batches" if stream.is_forensic else "the recorded batch 3"
    assert verdict.sentence == f"merge tables equal {batches}; compared in full with the source: batch 1"
    assert stream.query("SELECT ok, batch_id, findings FROM {}", "ds_audit") == [
        {"ok": True, "batch_id": 3, "findings": []}
    ]


@pytest.mark.parametrize(("batch_id", "rows"), [(1, 60), (2, 58), (3, 59)])
def test_forensic_table_is_audited_as_of_any_batch(forensic, batch_id, rows):
    """One batch alone can be asked for."""
    verdict = audited(forensic, batch_id=batch_id)

    assert (verdict.is_ok, verdict.batches, verdict.rows) == (True, 1, rows)
    assert f"equal the recorded batch {batch_id};" in verdict.sentence


def test_live_table_is_of_its_last_batch_alone(live):
    """An older batch cannot be had from a live table, and one that never was from none."""
    assert audited(live, batch_id=3).is_ok
    assert "alone" in str(audited(live, batch_id=2).findings[0])
    assert "no committed batch 4" in str(audited(live, batch_id=4).findings[0])


@pytest.mark.parametrize(
    ("text", "dataset"),
    [
        ("UPDATE {} SET name = 'other' WHERE id = '7'", "items"),
        ("UPDATE {} SET size = NULL WHERE id = '7'", "items"),
        ("DELETE FROM {} WHERE id = '7'", "items"),
        ("DELETE FROM {} WHERE amount = 3", "lines"),
        ("UPDATE {} SET amount = 3.0 WHERE amount = 3", "lines"),
        ("TRUNCATE {}", "items"),
    ],
    ids=["value", "null", "lost row", "lost repeated row", "other text of an equal number", "emptied"],
)
def test_changed_content_is_found(stream, text, dataset):
    """A value that was changed and a row that was lost differ from the checksum, whatever the counts say."""
    damage(stream, text, dataset)

    assert (Check.SNAPSHOT, dataset) in found(stream)


def test_batches_with_a_changed_version_are_named(forensic):
    """A version that was valid in batches 1 and 2 spoils these two, and batch 3 is still proven."""
    damage(forensic, "UPDATE {} SET name = 'other' WHERE id = '4' AND ds_surf_batch_in = 1")
    damage(forensic, "DELETE FROM {} WHERE id = '3' AND ds_surf_batch_in = 2")

    messages = [str(finding) for finding in audited(forensic).findings if finding.check is Check.SNAPSHOT]

    assert messages == [
        "items: batch 1 recorded other values than the merge table gives, in 40 rows (and 1 more up to batch 2)"
    ]
    assert audited(forensic, batch_id=3).findings[0].check is Check.COUNTS


def test_second_open_version_of_a_key_is_found(forensic):
    """With the index gone a key can be open twice; the key is told where it is not classified."""
    damage(forensic, 'DROP INDEX public."yellowforensic_store1_items_merge_key"')
    damage(
        forensic,
        "INSERT INTO {} (id, name, size, ds_surf_batch_in, ds_surf_batch_out) VALUES ('7', 'x', 7, 3, 2147483647)",
    )

    verdict = audited(forensic)

    assert {Check.ONE_OPEN_VERSION, Check.INTERVALS, Check.SNAPSHOT, Check.COUNTS} == {
        finding.check for finding in verdict.findings
    }
    assert "items: keys with more than one row of the present: 1 (one of them: key id=7)" in map(str, verdict.findings)


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("UPDATE {} SET ds_surf_batch_out = 2 WHERE id = '3' AND ds_surf_batch_in = 1", Check.INTERVALS),
        ("UPDATE {} SET ds_surf_batch_out = 0 WHERE id = '4' AND ds_surf_batch_in = 1", Check.INTERVALS),
        ("UPDATE {} SET ds_surf_batch_out = 3 WHERE id = '4' AND ds_surf_batch_in = 1", Check.BATCH_IDS),
        ("UPDATE {} SET ds_surf_batch_in = 9 WHERE id = '4' AND ds_surf_batch_in = 3", Check.BATCH_IDS),
        ("UPDATE {} SET ds_surf_batch_in = 0 WHERE id = '5'", Check.BATCH_IDS),
    ],
    ids=["overlap", "ends before it begins", "ends in no batch", "begins in no batch", "begins before batch 1"],
)
def test_wrong_interval_is_found(forensic, text, check):
    """Versions of a key follow each other, and begin and end in batches that are committed."""
    damage(forensic, text)

    assert (check, "items") in found(forensic)


def test_live_row_of_an_unknown_batch_is_found(live):
    """A live row carries the id of a committed batch."""
    damage(live, "UPDATE {} SET ds_surf_batch_id = 4 WHERE id = '7'")

    assert found(live) == {(Check.BATCH_IDS, "items")}


def test_key_that_stands_twice_in_a_live_table_is_found(live):
    """Without the primary key a row can stand twice."""
    damage(live, "ALTER TABLE {} DROP CONSTRAINT yellowlive_store1_items_merge_key")
    damage(live, "INSERT INTO {} SELECT * FROM public.yellowlive_store1_items_merge WHERE id = '7'")

    assert found(live) == {(Check.ONE_OPEN_VERSION, "items"), (Check.SNAPSHOT, "items")}


@pytest.mark.row("I01", kind="refusal")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("DELETE FROM {metrics} WHERE batch_id = 2", "batches have a gap: 3 is committed and 2 is not"),
        ("UPDATE {counter} SET batch_id = 2", "the counter says 2, the last committed batch is 3"),
        (
            "INSERT INTO {metrics} (key, batch_id, batch_status) VALUES ('Store1', 9, 'started')",
            "batch 9 is open, where only batch 4 can be",
        ),
        (
            "UPDATE {metrics} SET total_records = 1 WHERE batch_id = 2",
            "total_records of batch 2 is not the sum of the datasets' rows",
        ),
    ],
    ids=["gap", "counter", "open", "total"],
)
def test_batches_that_do_not_fit_each_other_are_found(stream, text, message):
    """Ids without a gap, a counter that says the last one, no open batch but the next, true totals."""
    damage_batches(stream, text)

    assert message in map(str, audited(stream).findings)


def test_two_open_batches_are_found(live):
    """The index that forbids it may have gone."""
    live.execute(sql.SQL("DROP INDEX public.yellowlive_batch_metrics_open"))
    damage_batches(
        live,
        "INSERT INTO {metrics} (key, batch_id, batch_status) VALUES ('Store1', 4, 'started'), ('Store1', 5, 'failed')",
    )

    assert "2 batches are open, where one at most can be" in map(str, audited(live).findings)


@pytest.mark.row("I10", kind="refusal")
def test_counts_that_are_not_those_of_the_versions_are_found(forensic):
    """What a batch opened and closed is what its counts say."""
    damage_batches(forensic, "UPDATE {metrics} SET records_inserted = 2, records_updated = 0 WHERE batch_id = 2")

    assert [str(finding) for finding in audited(forensic).findings] == [
        "the counts of batch 2 are not those of the versions that were made"
    ]


@pytest.mark.row("I17")
def test_batches_of_several_schemas_are_audited_each_in_its_own(forensic):
    """A column came, a type was widened, a column left: old batches are computed in their own types and columns."""
    forensic.source("ALTER TABLE items ADD COLUMN note text DEFAULT 'n', ALTER COLUMN size TYPE bigint")
    damage(forensic, "ALTER TABLE {} ADD COLUMN note text, ALTER COLUMN size TYPE bigint")
    wider = table("items", column("id", is_key=True), column("name"), column("size", "bigint"), column("note"))
    forensic.redeploy(plan(FORENSIC, wider, LINES))
    assert forensic.run().batch_id == 4
    forensic.redeploy(plan(FORENSIC, table("items", column("id", is_key=True), column("note")), LINES))
    forensic.source("UPDATE items SET note = 'other' WHERE id = '5'")
    assert forensic.run().batch_id == 5

    verdict = audited(forensic)

    assert (verdict.findings, verdict.batches) == ((), 5)


def test_old_batch_of_a_dropped_column_is_a_note_and_asked_for_a_finding(forensic):
    """What was dropped after the retention cannot be proven any more; the batches since then still are."""
    forensic.redeploy(plan(FORENSIC, table("items", column("id", is_key=True), column("size", "integer")), LINES))
    forensic.source("UPDATE items SET size = 500 WHERE id = '5'")
    assert forensic.run().batch_id == 4
    damage(forensic, "ALTER TABLE {} DROP COLUMN name")

    verdict = audited(forensic)

    assert verdict.findings == ()
    assert list(verdict.notes) == ["items: batches 1 to 3 cannot be audited: name was dropped from the merge table"]
    assert verdict.sentence.startswith("merge tables equal the recorded batch 4;")
    assert found(forensic, batch_id=2) == {(Check.NOT_AUDITABLE, "items")}


def test_column_that_should_be_there_is_damage(forensic):
    """A column that the plan still has was not dropped after a retention."""
    damage(forensic, "ALTER TABLE {} DROP COLUMN name")

    assert found(forensic) == {(Check.NOT_AUDITABLE, "items")}


def test_value_that_no_longer_fits_the_recorded_type_is_found(forensic):
    """A widened column that holds what the old type could not is told apart by an error of the cast."""
    damage(forensic, "ALTER TABLE {} ALTER COLUMN size TYPE bigint")
    damage(forensic, "UPDATE {} SET size = 9999999999 WHERE id = '7'")

    (finding,) = audited(forensic).findings

    assert str(finding) == "items: batches 1 to 3: a value of the merge table is none of the recorded types (22003)"


@pytest.mark.parametrize("is_dropped", [True, False], ids=["table dropped", "table kept"])
def test_dataset_that_left_and_came_back_is_audited_as_far_as_it_is_there(forensic, is_dropped):
    """History that went with a dropped table is a note; what was loaded since is proven."""
    forensic.redeploy(plan(FORENSIC, ITEMS))
    forensic.source("UPDATE items SET size = 500 WHERE id = '5'")
    forensic.run()
    if is_dropped:
        forensic.execute(sql.SQL("TRUNCATE public.yellowforensic_store1_lines_merge"))
    forensic.redeploy(plan(FORENSIC, ITEMS, LINES))
    forensic.source("INSERT INTO lines VALUES ('new', 1)")
    assert forensic.run().batch_id == 5

    verdict = audited(forensic)

    assert verdict.findings == ()
    assert (verdict.batches, len(verdict.notes)) == ((2, 1) if is_dropped else (5, 0))


def test_changed_key_closes_and_opens_without_an_overlap(forensic):
    """Versions of the old key and of the new one are judged apart."""
    forensic.source(
        "UPDATE items SET size = id::integer WHERE id <> 'new'", "UPDATE items SET size = 99 WHERE id = 'new'"
    )
    rekeyed = table("items", column("size", "integer", is_key=True), column("id"), column("name"))
    damage(forensic, "ALTER TABLE {} ALTER COLUMN id DROP NOT NULL")
    forensic.redeploy(plan(FORENSIC, rekeyed, LINES))
    assert forensic.run().batch_id == 4

    verdict = audited(forensic)

    assert (verdict.findings, verdict.batches) == ((), 4)


def test_stream_without_a_batch_has_nothing_to_prove(deployed, strategy):
    """Before batch 1 the tables are empty, and the verdict says that nothing was recorded."""
    verdict = audited(allowed(deployed(plan(strategy, ITEMS, LINES), *SOURCE)))

    assert (verdict.is_ok, verdict.batch_id, verdict.sentence) == (True, 0, "no batch was recorded yet")


def test_audit_while_the_stream_runs_sees_one_moment(stream):
    """Batches commit while audits run; each audit sees the state and the tables of one of them."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def keep_changing() -> None:
        try:
            while not stop.is_set():
                stream.source("UPDATE items SET size = size + 1 WHERE id < '3'")
                stream.run()
        except BaseException as error:
            errors.append(error)

    runner = threading.Thread(target=keep_changing)
    runner.start()
    verdicts = [audited(stream) for _ in range(6)]
    stop.set()
    runner.join()

    assert errors == []
    assert [verdict.findings for verdict in verdicts] == [()] * 6
    assert len({verdict.batch_id for verdict in verdicts}) > 1


def test_only_what_is_asked_for_is_audited(live):
    """By either name of the platform, by store; an unknown one is an error."""
    assert audited(live, platform="yellowlive", store="Store1").is_ok
    with pytest.raises(ModelError, match="no stream of that platform and store"):
        list(audit.audit(live.links, AuditRequest(store="Nowhere")))


def test_summary_of_streams_counts_their_batches(live, deployed):
    """Both platforms of one source: batches are added up, and full comparisons told as a span."""
    live.run(in_full=True)
    forensic = allowed(deployed(plan(FORENSIC, ITEMS, LINES)))
    forensic.run()

    verdicts = list(audit.audit(forensic.links, AuditRequest()))

    assert [(verdict.platform, verdict.batch_id) for verdict in verdicts] == [("YellowForensic", 1), ("YellowLive", 3)]
    expected = "merge tables equal the 2 recorded batches; compared in full with the source: batches 1 to 3"
    assert summary(verdicts) == expected


def test_command_exits_0_only_if_all_holds(forensic):
    """The words of the verdict and its status; findings by line and as JSON."""
    environment = {"DATASURFACE_CONNECTIONS": str(forensic.installation.connections_path)}
    good = CliRunner().invoke(cli, ["audit"], env=environment)
    assert (good.exit_code, good.stdout.splitlines()) == (
        0,
        [
            "YellowForensic  Store1  batch 3  59 rows  OK",
            "audit  merge tables equal the 3 recorded batches; compared in full with the source: batch 1  OK",
        ],
    )
    damage(forensic, "DELETE FROM {} WHERE id = '7'")

    bad = CliRunner().invoke(cli, ["audit", "--json"], env=environment)

    assert bad.exit_code == 1
    assert json.loads(bad.stdout)["streams"][0]["findings"][0] == {
        "check": "snapshot",
        "dataset": "items",
        "message": "batch 1 recorded 40 rows, the merge table gives 39 (and 2 more up to batch 3)",
    }
