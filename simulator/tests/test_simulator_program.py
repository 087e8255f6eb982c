"""The program from outside: options, exit status, signals, output, and that the password stays hidden."""

import json
import re
import signal
import time
from datetime import datetime
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from data_change_simulator import net_changes
from data_change_simulator.cli import main
from data_change_simulator.password_argument import split_password

FAST = ["--min-interval", "0", "--max-interval", "0"]
SESSIONS = """
    SELECT count(*) FROM pg_stat_activity
     WHERE application_name = 'data-change-simulator' AND datname = %s AND pid <> pg_backend_pid()
"""


def read_changes(process, number):
    """Read output until that many changes were printed; returns what was read."""
    read: list[str] = []
    while sum(bool(re.match(r" +\d+  ", line)) for line in read) < number:
        line = process.stdout.readline()
        assert line, f"ended early: {process.stderr.read()}"
        read.append(line)
    return read


def sessions_end(source) -> bool:
    """Whether the program's sessions are gone within a few seconds; the server notices it a moment later."""
    deadline = time.monotonic() + 5
    while source.execute(SESSIONS, (source.parameters.database,)) != [(0,)]:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def log_lines(path: Path) -> list[str]:
    """The lines of a JSON log."""
    return path.read_text(encoding="utf-8").splitlines()


@pytest.mark.row("P03")
def test_options_are_those_documented():
    """--help and the README name every option."""
    wanted = {"--host", "--port", "--database", "--user", "--password", "--password-file", "--create-tables",
              "--max-changes", "--min-interval", "--max-interval", "--seed", "--verbose", "--log-json",
              "--wait-seconds", "--alive-file"}  # fmt: skip
    found = {name for option in main.params for name in option.opts}
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")

    assert found == wanted
    assert all(name in CliRunner().invoke(main, ["--help"]).output for name in wanted)
    assert all(f"`{name}" in readme for name in wanted)


@pytest.mark.row("P03")
def test_command_is_installed():
    """The distribution brings the command data-change-simulator."""
    (script,) = entry_points(group="console_scripts", name="data-change-simulator")

    assert script.value == "data_change_simulator.__main__:run"


@pytest.mark.row("P03", kind="refusal")
@pytest.mark.parametrize(
    "options",
    [
        ["--min-interval", "3", "--max-interval", "2"],
        ["--min-interval", "nan"],
        ["--min-interval", "-1"],
        ["--max-interval", "inf"],
        ["--wait-seconds", "-1"],
        ["--max-changes", "-1"],
        ["--max-changes", "many"],
        ["--port", "0"],
        ["--password-file", "/nonexistent/password"],
        ["--password-file", __file__, "--password", "p"],
        ["--password"],
        ["--no-such-option"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_refused(options):
    """Exit status 2 before anything is connected to."""
    assert CliRunner().invoke(main, options).exit_code == 2


@pytest.mark.row("P06", "P07", "P09")
def test_exact_number_of_changes_from_an_empty_database(empty_source, start, tmp_path):
    """Tables made and filled, state before, N changes, state after: N lines and objects, and the log explains all."""
    log = tmp_path / "changes.jsonl"
    empty_source.make_tables()
    before = empty_source.state()
    options = [*empty_source.options(), *FAST, "--create-tables", "--max-changes", "25", "--seed", "3"]

    process = start(*options, "--log-json", str(log))
    output, errors = process.communicate(timeout=30)

    after = empty_source.state()
    lines = log_lines(log)
    assert (process.returncode, errors) == (0, "")
    assert [json.loads(line)["n"] for line in lines] == list(range(1, 26))
    assert len(re.findall(r"^ +\d+  ", output, re.MULTILINE)) == 25
    assert output.splitlines()[0] == "the tables are there; they are not empty"
    assert re.match(r"25 changes \(.*\) in [\d.]+ s, seed 3$", output.splitlines()[-1])
    changed = {
        table: {
            key for key in before[table].keys() | after[table].keys() if before[table].get(key) != after[table].get(key)
        }
        for table in before
    }
    assert {table: set(keys) for table, keys in net_changes(lines).items()} == changed


@pytest.mark.row("P07")
def test_program_is_self_contained(empty_source, start):
    """One command makes the tables, fills them and changes them; the log file is appended to by the next."""
    options = [
        *empty_source.options(),
        *FAST,
        "--create-tables",
        "--max-changes",
        "3",
        "--log-json",
        "log",
        "--verbose",
    ]
    first, second = (start(*options).communicate(timeout=30)[0] for _ in range(2))

    assert first.startswith("made tables customers, addresses; put in 13 rows\n")
    assert second.startswith("the tables are there; they are not empty\n")
    assert re.search(r"^ +(customers|addresses)/\w+  (none|[0-9a-f]{8}) -> (none|[0-9a-f]{8})$", first, re.MULTILINE)


@pytest.mark.row("P06")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_signal_ends_it_cleanly(source, start, tmp_path, number):
    """Between changes of an endless run: exit status 0, a true summary, no session left behind."""
    process = start(*source.options(), "--min-interval", "0", "--max-interval", "0.02", "--log-json", "log")
    read_changes(process, 3)
    process.send_signal(number)
    output, errors = process.communicate(timeout=10)

    assert (process.returncode, errors) == (0, "")
    changes = len(log_lines(tmp_path / "log"))
    assert changes >= 3
    assert output.splitlines()[-1].startswith(f"{changes} changes (")
    assert sessions_end(source)


@pytest.mark.row("P06")
def test_signal_ends_a_long_wait_at_once(source, start):
    """The wait for the next change does not delay the end."""
    process = start(*source.options(), "--min-interval", "600", "--max-interval", "600")
    read_changes(process, 1)
    began = time.monotonic()
    process.terminate()
    process.communicate(timeout=10)

    assert process.returncode == 0
    assert time.monotonic() - began < 5


@pytest.mark.row("P05")
def test_waits_lie_between_the_intervals(source, start, tmp_path):
    """Random timing: each pause is at least the shortest, and not all are the same."""
    options = [*source.options(), "--min-interval", "0.1", "--max-interval", "0.3", "--max-changes", "6"]
    start(*options, "--log-json", "log").communicate(timeout=30)

    moments = [datetime.fromisoformat(json.loads(line)["at"]) for line in log_lines(tmp_path / "log")]
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    assert all(0.09 < pause < 1 for pause in pauses)
    assert max(pauses) - min(pauses) > 0.01


@pytest.mark.row("P06", kind="refusal")
def test_unreachable_server_is_a_clear_error(start):
    """Exit status 1, one line that names the address, no traceback."""
    process = start("--host", "127.0.0.1", "--port", "1", "--user", "someone", "--max-changes", "1")
    output, errors = process.communicate(timeout=30)

    assert process.returncode == 1
    assert errors.startswith("Error: cannot connect to database customer_db on 127.0.0.1:1 as someone: ")
    assert errors.count("\n") == 1
    assert "changes (" not in output


@pytest.mark.row("P06", kind="refusal")
@pytest.mark.parametrize("way", ["file", "argument", "environment"])
def test_wrong_password_is_not_shown(private_server, source, start, tmp_path, way):
    """However it was given, a refused password appears nowhere."""
    if private_server is None:
        pytest.skip("the server of DATASURFACE_TEST_DSN may not check passwords")
    wrong = tmp_path / "wrong"
    wrong.write_text("sesame-1234")
    options = source.options()[:-2]
    more = {"file": ["--password-file", str(wrong)], "argument": ["--password", "sesame-1234"], "environment": []}[way]
    environment = {"PGPASSWORD": "sesame-1234"} if way == "environment" else {}

    process = start(*options, *more, "--max-changes", "1", **environment)
    output, errors = process.communicate(timeout=30)

    assert process.returncode == 1
    assert "password authentication failed" in errors
    assert "sesame-1234" not in output + errors


@pytest.mark.row("P03")
@pytest.mark.parametrize("variable", ["PGPASSWORD", "PGPASSFILE"])
def test_password_comes_from_the_environment_or_its_file(source, start, tmp_path, variable):
    """What libpq reads counts when no option is given."""
    password = source.parameters.password or "any"
    pass_file = tmp_path / "passfile"
    pass_file.write_text(f"*:*:*:*:{password}\n")
    pass_file.chmod(0o600)
    value = password if variable == "PGPASSWORD" else str(pass_file)

    process = start(*source.options()[:-2], *FAST, "--max-changes", "1", **{variable: value})
    process.communicate(timeout=30)

    assert process.returncode == 0


@pytest.mark.row("P03")
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="no /proc to look at")
@pytest.mark.parametrize("form", ["--password {}", "--password={}"])
def test_password_argument_leaves_the_process_list(source, start, form):
    """Once the program works, neither its arguments nor its environment hold the password; signals still reach it."""
    password = source.parameters.password or "any-password"
    options = form.format(password).split() + source.options()[:-2]
    process = start(*options, "--min-interval", "600", "--max-interval", "600")
    read_changes(process, 1)
    process_folder = Path("/proc") / str(process.pid)
    shown = (process_folder / "cmdline").read_bytes() + (process_folder / "environ").read_bytes()

    assert password.encode() not in shown
    assert b"--min-interval" in shown
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "kept", "password"),
    [
        (["--host", "h"], ["--host", "h"], None),
        (["--password", "p", "--host", "h"], ["--host", "h"], "p"),
        (["--host", "h", "--password=p=q"], ["--host", "h"], "p=q"),
        (["--password", "a", "--password", "b"], [], "b"),
        (["--password", "--host", "h"], ["h"], "--host"),
        (["--host", "h", "--password"], ["--host", "h", "--password"], None),
        (["--password-file", "f"], ["--password-file", "f"], None),
        (["--password", ""], [], ""),
    ],
    ids=str,
)
def test_password_is_taken_out_of_arguments(arguments, kept, password):
    """In both spellings, the last one counting; other options are left as they are."""
    assert split_password(arguments) == (kept, password)


@pytest.mark.row("P06", kind="refusal")
def test_output_holds_no_values(source, start):
    """What a terminal or a pod's log keeps names keys alone, also with --verbose."""
    process = start(*source.options(), *FAST, "--max-changes", "60", "--verbose", "--seed", "4")
    output, errors = process.communicate(timeout=30)
    values = {
        str(value)
        for query in (
            "SELECT firstname, lastname, email, phone FROM customers",
            "SELECT streetname, city FROM addresses",
        )
        for row in source.execute(query)
        for value in row
        if value
    }

    assert len(values) > 60
    assert not {value for value in values if value in output + errors}
