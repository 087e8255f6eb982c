"""Whatever goes wrong, nothing that is said of it anywhere holds a secret or a value of the data.

Each row of `LOSSES` is one way to fail. A run of it, with the log at its most talkative, is searched for the marks that
stand in the data and in the credentials: stdout, stderr in both forms, the result record, every table of the merge
database but the data's own, and the servers' log with every statement that the run sent.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from psycopg2 import sql

from datasurface.demo.embedded import EmbeddedServer
from datasurface.errors import ExitStatus
from datasurface.runtime.jobs import snapshot_merge
from datasurface.runtime.jobs.stop_request import StopRequest
from tests.db.engine.conftest import FORENSIC, LIVE
from tests.db.installation import administrator
from tests.db.streams import Stream, column, plan, table

KEY, NAME, NOTE, NUMBER = "KEYMARK", "NAMEMARK", "NOTEMARK", "424242424"
SECRET = "SECRETMARK"
#: What may stand nowhere. A key that is not classified may be told.
MARKS = (NAME, NOTE, NUMBER, SECRET)


def people(*, classified_key: bool = True, note: str = "character varying(20)"):
    """A dataset of people: names are classified, notes are not."""
    return table(
        "people",
        column("id", "character varying(20)", is_key=True, is_classified=classified_key),
        column("name", "character varying(20)", is_classified=True, is_required=True),
        column("note", note),
        column("number", "integer", is_classified=True),
    )


SOURCE = (
    "CREATE TABLE people_table (id text, name text, note text, number integer)",
    "INSERT INTO people_table SELECT 'KEYMARK' || n, 'NAMEMARK' || n, 'NOTEMARK' || n, 424242424"
    " FROM generate_series(1, 9) AS n",
    "CREATE VIEW people AS SELECT * FROM people_table",
)
CHANGE = "UPDATE people_table SET name = 'NAMEMARKx', note = 'NOTEMARKy'"
#: A function that says a row, with an SQLSTATE of somebody's own choice.
RAISING = """CREATE FUNCTION public.told(v text) RETURNS text LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'row %', v USING ERRCODE = '{code}', DETAIL = v, HINT = v, COLUMN = 'name'; END$$"""
TRIGGER = """CREATE FUNCTION public.told() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'row %', NEW USING ERRCODE = '{code}', DETAIL = NEW::text, HINT = NEW::text; END$$;
CREATE TRIGGER told BEFORE INSERT OR UPDATE ON {merge} FOR EACH ROW EXECUTE FUNCTION public.told()"""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """One way to fail: what happens to the source and to the merge table, what is said of it, how it is undone."""

    said: str
    source: tuple[str, ...] = ()
    merge: str | None = None
    undo: str = "SELECT"


def view_raising(code: str) -> tuple[str, ...]:
    """A view of the source that fails with a row in all that it says."""
    return (
        RAISING.replace("{code}", code),
        "CREATE OR REPLACE VIEW people AS SELECT id, public.told(name)::text AS name, note, number FROM people_table",
    )


LOSSES = {
    "value too long": Loss(
        said="note: 9 values would lose", source=("UPDATE people_table SET note = repeat('NOTEMARK', 3)",)
    ),
    "null": Loss(said="name: 9 values would be null", source=("UPDATE people_table SET name = NULL",)),
    "key twice": Loss(
        said="9 keys stand in more than one row",
        source=("INSERT INTO people_table SELECT id, name || 'x', note, number FROM people_table",),
    ),
    "number of another type": Loss(
        said="would lose by the cast",
        source=("DROP VIEW people", "CREATE VIEW people AS SELECT id, name, note, note AS number FROM people_table"),
    ),
    **{
        f"source says a row, {code}": Loss(said=code, source=view_raising(code))
        for code in ("P0001", "42501", "57014", "23505", "22001", "08006", "40001", "53100", "XX000", "ZZZZZ")
    },
    **{
        f"merge table says a row, {code}": Loss(
            said=code, source=(CHANGE,), merge=TRIGGER.replace("{code}", code), undo="DROP FUNCTION public.told CASCADE"
        )
        for code in ("P0001", "42501", "53100", "40P01", "22P02")
    },
    "unique": Loss(
        said="UniqueViolation",
        source=("UPDATE people_table SET note = 'NOTEMARK'",),
        merge="CREATE UNIQUE INDEX strangers ON {merge} (note)",
        undo="DROP INDEX public.strangers",
    ),
    "check": Loss(
        said="23514",
        source=(CHANGE,),
        merge="ALTER TABLE {merge} ADD CONSTRAINT c CHECK (note NOT LIKE '%y')",
        undo="ALTER TABLE {merge} DROP CONSTRAINT c",
    ),
    "not null": Loss(
        said="23502",
        source=("UPDATE people_table SET note = NULL, name = name || 'z'",),
        merge="ALTER TABLE {merge} ALTER note SET NOT NULL",
        undo="ALTER TABLE {merge} ALTER note DROP NOT NULL",
    ),
    "narrower": Loss(
        said="22001",
        source=("UPDATE people_table SET note = 'NOTEMARK12345'",),
        merge="ALTER TABLE {merge} ALTER note TYPE varchar(9)",
        undo="ALTER TABLE {merge} ALTER note TYPE varchar(20)",
    ),
    "other type": Loss(
        said="batch 2 failed",
        source=(CHANGE,),
        merge="ALTER TABLE {merge} ALTER note TYPE integer USING length(note)",
        undo="ALTER TABLE {merge} ALTER note TYPE varchar(20)",
    ),
    "no right in the source": Loss(said="42501", source=('REVOKE ALL ON people FROM "{reader}"',)),
    "no right in the merge database": Loss(
        said="42501",
        source=(CHANGE,),
        merge='REVOKE ALL ON {merge} FROM "{job}"',
        undo='GRANT ALL ON {merge} TO "{job}"',
    ),
    "no table": Loss(said="people: there is no table", source=("DROP VIEW people",)),
}


@dataclass(kw_only=True)
class Listener:
    """Runs of a job, and all that is said of them."""

    stream: Stream
    folder: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def run(self, log_format: str = "json", *, recorded: bool = True, **options: Any) -> tuple[ExitStatus, str]:
        """Run the job as its process does; its exit status and every text that it left somewhere."""
        record = self.folder / "result.json"
        environment = {"RESULT_FILE": str(record), "LOG_FORMAT": log_format, "LOG_LEVEL": "debug"}
        environment["CONNECTIONS"] = str(self.stream.installation.connections_path)
        for name, value in environment.items():
            self.monkeypatch.setenv(f"DATASURFACE_{name}", value)
        status = snapshot_merge.run_job(self.stream.request(**options), print, StopRequest())
        said = self.capsys.readouterr()
        return status, "\n".join([said.out, said.err, record.read_text(), self.recorded() if recorded else ""])

    def recorded(self) -> str:
        """The batches and the counter, as text."""
        control = self.stream.plan.control
        rows = [
            self.stream.query("SELECT t::text FROM {} AS t", table)
            for table in (control.batch_metrics, control.batch_counter)
        ]
        return repr(rows)

    def lose(self, loss: Loss) -> None:
        """Let it happen."""
        self.stream.source(*(self._named(statement) for statement in loss.source))
        self._merge(loss.merge or "SELECT")

    def undo(self, loss: Loss) -> None:
        """Put everything right."""
        self._merge(loss.undo)
        self.stream.source("DROP TABLE people_table CASCADE", "DROP FUNCTION IF EXISTS public.told", *SOURCE)

    def _merge(self, statement: str) -> None:
        self.stream.execute(sql.SQL(self._named(statement)).format(merge=self.stream.tables().merge))

    def _named(self, statement: str) -> str:
        roles = self.stream.installation.roles
        return statement.replace("{reader}", roles.customer_reader).replace("{job}", roles.job)


@pytest.fixture
def listener(deployed, tmp_path, capsys, monkeypatch) -> Callable[..., Listener]:
    """Deploy a stream of people, loaded once, and listen."""

    def listening(strategy, **options) -> Listener:
        stream = deployed(plan(strategy, people(**options)), *SOURCE)
        stream.run()
        return Listener(stream=stream, folder=tmp_path, capsys=capsys, monkeypatch=monkeypatch)

    return listening


def told(text: str, *marks: str) -> list[str]:
    """The marks that stand in a text, as they are or in another spelling."""
    spelled = text.upper()
    return [mark for mark in marks if mark in spelled or mark.encode().hex().upper() in spelled]


#: As talkative as an administrator can make a server.
TALKATIVE = ("log_statement = 'all'", "log_min_error_statement = 'error'", "log_error_verbosity = 'verbose'")


@pytest.fixture
def log_of_jobs(server, installation) -> Iterator[Callable[[], str]]:
    """What the server logs of the jobs' logins; empty for a server whose log is not ours to read."""
    if not isinstance(server, EmbeddedServer):
        yield str
        return
    logins = [sql.Identifier(name) for name in (installation.roles.job, installation.roles.customer_reader)]
    path = server.folder / "log"
    with administrator(server) as admin, admin.raw.cursor() as cursor:
        for login in logins:
            for setting in TALKATIVE:
                cursor.execute(sql.SQL("ALTER ROLE {} SET " + setting).format(login))
        begun = path.stat().st_size
        try:
            yield lambda: path.read_bytes()[begun:].decode(errors="replace")
        finally:
            for login in logins:
                for setting in TALKATIVE:
                    cursor.execute(sql.SQL("ALTER ROLE {} RESET " + setting.split()[0]).format(login))


@pytest.mark.row("K03", kind="refusal")
@pytest.mark.parametrize(
    ("strategy", "difference_bytes", "log_format"),
    [(LIVE, 1 << 20, "json"), (FORENSIC, 0, "text")],
    ids=["streamed", "staged"],
)
def test_failure_tells_nothing_of_the_data(listener, log_of_jobs, strategy, difference_bytes, log_format):
    """SQLSTATE, table and column are said of every loss; no value, and a classified key only as its hash."""
    here = listener(strategy)
    wrong = {}
    for name, loss in LOSSES.items():
        here.lose(loss)
        status, text = here.run(log_format, difference_bytes=difference_bytes)
        if status is ExitStatus.DONE or loss.said not in text or told(text, *MARKS, KEY):
            wrong[name] = (status.name, told(text, *MARKS, KEY), text[:1500])
        here.undo(loss)
    assert not wrong, wrong
    assert here.run(log_format)[0] is ExitStatus.DONE
    assert "COPY" in log_of_jobs() or not isinstance(here.stream.installation.server, EmbeddedServer)
    assert [line for line in log_of_jobs().splitlines() if told(line, *MARKS, KEY)] == []


@pytest.mark.row("K03")
def test_key_that_is_not_classified_is_told_and_nothing_that_stands_beside_it(listener):
    """It finds the row; a terminal that shows it acts on nothing in it."""
    here = listener(LIVE, classified_key=False)
    here.stream.source(
        "UPDATE people_table SET id = E'\\x1b[31mKEYMARK3\\nDATASURFACE_RESULT_CODE=0', name = NULL"
        " WHERE id = 'KEYMARK3'"
    )

    _, text = here.run("text")

    assert KEY in text
    assert told(text, *MARKS) == []
    assert "\x1b[31m" not in text
    assert [line for line in text.splitlines() if line.startswith("DATASURFACE_RESULT_CODE")] == [
        "DATASURFACE_RESULT_CODE=-1"
    ]


def _wrong_password(file: dict[str, Any], folder: Path) -> None:
    for name, credential in file["merge"]["credentials"].items():
        directory = folder / name
        directory.mkdir()
        directory.joinpath("username").write_text(Path(credential["directory"], "username").read_text())
        directory.joinpath("password").write_text(SECRET)
        credential["directory"] = str(directory)


def _wrong_source_password(file: dict[str, Any], folder: Path) -> None:
    (folder / "password").write_text(SECRET)
    (folder / "username").write_text("customer_reader")
    file["credentials"]["customer_reader"] = {"directory": str(folder)}


def _zero_byte(file: dict[str, Any], folder: Path) -> None:
    (folder / "password").write_text(f"{SECRET}\0")
    (folder / "username").write_text("ds_job")
    file["merge"]["credentials"]["job"] = {"directory": str(folder)}


#: What becomes of the connections file: None for one that is replaced by a text.
BROKEN: dict[str, tuple[Callable[[dict[str, Any], Path], object], str]] = {
    "wrong password": (_wrong_password, "28P01"),
    "wrong password of the source": (_wrong_source_password, "28P01"),
    "zero byte": (_zero_byte, "holds a zero byte"),
    "unknown host": (lambda file, _: file["merge"].update(host="nowhere.invalid"), "nowhere.invalid"),
    "refused": (lambda file, _: file["merge"].update(port=1), "port 1 failed"),
    "password in the file": (lambda file, _: file["merge"].update(password=SECRET), "merge.password"),
    "password for a port": (lambda file, _: file["merge"].update(port=SECRET), "merge.port"),
    "no credential": (
        lambda file, _: file["merge"]["credentials"].update(job={"directory": "/nowhere"}), "cannot be read"
    ),
}  # fmt: skip


@pytest.mark.row("K03", kind="refusal")
@pytest.mark.parametrize(("breaking", "said"), BROKEN.values(), ids=BROKEN)
def test_connection_that_fails_tells_no_secret(listener, tmp_path, breaking, said):
    """What is wrong, which file and which login are said; never a password, wherever somebody put it."""
    here = listener(LIVE)
    path = here.stream.installation.connections_path
    file = json.loads(path.read_text())
    (tmp_path / "wrong").mkdir()
    breaking(file, tmp_path / "wrong")
    path.write_text(json.dumps(file))

    status, text = here.run("json", recorded=False)

    assert status is not ExitStatus.DONE
    assert said in text
    assert told(text, SECRET) == []


@pytest.mark.row("K03")
def test_process_shows_no_secret_while_it_runs(listener, tmp_path):
    """Arguments and environment of a job, and what the servers show of its sessions, hold no password and no value."""
    here = listener(LIVE)
    installation = here.stream.installation
    passwords = [installation.login(who).password for who in ("job", "customer_reader")]
    command = [sys.executable, "-c", "from datasurface.cli.main import main; main()", "job", "snapshot-merge"]
    process = subprocess.Popen(
        [*command, "--platform", "YellowLive", "--store", "Store1", "--budget-seconds", "60"],
        env=os.environ | {"DATASURFACE_CONNECTIONS": str(installation.connections_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        shown = ""
        deadline = time.monotonic() + 60
        while "datasurface job" not in shown and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
            shown = repr(here.stream.query("SELECT query, application_name, usename FROM pg_stat_activity"))
        facts = Path(f"/proc/{process.pid}")
        shown += "".join((facts / name).read_bytes().decode(errors="replace") for name in ("cmdline", "environ"))
    finally:
        process.terminate()
        process.wait(timeout=30)

    assert "datasurface job" in shown
    assert "snapshot-merge" in shown
    assert [password for password in passwords if password in shown] == []
    assert told(shown, *MARKS, KEY) == []
