"""What becomes of a model's directory, and of one whose eco.py is not right."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from datasurface import loader
from datasurface.loader import Limits, ModelNotLoaded, load
from tests.unit.loader.conftest import RIGHT, SMALL


@pytest.mark.row("M01")
@pytest.mark.parametrize("function", ["create_ecosystem", "createEcosystem"])
def test_function_gives_the_ecosystem(model_of, function):
    """eco.py may spell its function either way; root and revision are those of the directory."""
    root = model_of(RIGHT.replace("create_ecosystem", function))

    loaded = load(root, limits=SMALL)

    assert loaded.ecosystem.name == "Test"
    assert loaded.root == root
    assert loaded.revision == loader.revision_of(root)
    assert loaded.mapping_findings == ()


def test_modules_beside_eco_py_can_be_imported(model_of):
    """A model may be spread over several files."""
    source = "from parts import ecosystem\ndef create_ecosystem():\n    return ecosystem()\n"
    parts = RIGHT.replace("create_ecosystem", "ecosystem")

    assert load(model_of(source, parts=parts), limits=SMALL).ecosystem.name == "Test"


@pytest.mark.row("M01", kind="refusal")
@pytest.mark.parametrize(
    ("source", "rule", "path", "message"),
    [
        ("x = 1\n", "DS003", "eco.py", "defines no function create_ecosystem()"),
        ("create_ecosystem = 1\n", "DS003", "eco.py", "defines no function create_ecosystem()"),
        ("def create_ecosystem(): ...\n", "DS003", "eco.py", "create_ecosystem() returns None, not an Ecosystem"),
        ("def create_ecosystem():\n    return {}", "DS003", "eco.py", "returns a dict, not an Ecosystem"),
        ("a = 1\ndef create_ecosystem(:\n", "DS002", "eco.py:2", "SyntaxError: "),
        ("a = 1\n  b = 2\n", "DS002", "eco.py:2", "IndentationError: "),
        ("\n\nx = 1 / 0\n", "DS002", "eco.py:3", "ZeroDivisionError: division by zero"),
        ("def create_ecosystem():\n    return missing\n", "DS002", "eco.py:2", "NameError: "),
        ("import nothing_of_this_name\n", "DS002", "eco.py:1", "ModuleNotFoundError: "),
        ("raise KeyboardInterrupt\n", "DS002", "eco.py:1", "KeyboardInterrupt: "),
        ("def f():\n    f()\nf()\n", "DS002", "eco.py:2", "RecursionError: "),
        (
            "from datasurface.dsl import *\nc = VarChar(0)\n",
            "DS002",
            "eco.py:2",
            "VarChar.max_length: must be at least",
        ),
        ("from datasurface.dsl import *\nDataset(name='a')\n", "DS002", "eco.py:2", "TypeError: "),
        ("import sys\nsys.exit(0)\n", "DS005", "eco.py:2", "calls exit (0)"),
        ("raise SystemExit('enough')\n", "DS005", "eco.py:1", "calls exit (enough)"),
        ("import os\nos._exit(0)\n", "DS005", "eco.py", "ended its process with status 0 before"),
        ("import os\nos._exit(7)\n", "DS005", "eco.py", "ended its process with status 7 before"),
        ("import os\nos.kill(os.getpid(), 9)\n", "DS005", "eco.py", "was killed by SIGKILL"),
        ("import os\nos.kill(os.getpid(), 11)\n", "DS005", "eco.py", "was killed by SIGSEGV"),
        ("import os\nos.kill(os.getppid(), 9)\nwhile True: pass\n", "DS005", "eco.py", "was killed by SIGKILL"),
        ("import os\nos.closerange(0, 100)\n" + RIGHT, "DS005", "eco.py", "ended its process with status 1"),
    ],
)
def test_what_eco_py_does_wrong_is_said_with_its_line(finding_of, source, rule, path, message):
    """A failure of eco.py becomes one finding at its own line, never a traceback of ours."""
    finding = finding_of(source)

    assert (finding.rule, finding.path) == (rule, path)
    assert message in finding.message
    assert finding.fix


def test_line_is_the_last_one_of_the_model(finding_of):
    """In a module beside eco.py the line of that module is named, however deep the error lies in a library."""
    source = "import parts\ndef create_ecosystem():\n    return parts.made()\n"

    finding = finding_of(source, parts="import json\n\ndef made():\n    return json.loads('{')\n")

    assert finding.path == "parts.py:4"
    assert finding.message.startswith("JSONDecodeError: ")


def test_syntax_error_of_a_module_is_found_in_that_module(finding_of):
    """Broken Python beside eco.py is reported where it stands."""
    assert finding_of("import parts\n", parts="a = (\n").path == "parts.py:1"


def test_message_of_an_error_is_one_bounded_line(finding_of):
    """What an error says is cut, has no control characters and does not show where the private copy lies."""
    source = """
        import os
        raise ValueError("\\x1b[31m\\n" + os.getcwd() + "/eco.py " + "x" * 10_000)
    """
    finding = finding_of(source)

    assert len(finding.message) < 1000
    assert "\x1b" not in finding.message
    assert "\n" not in finding.message
    assert "datasurface-model-" not in finding.message


def test_error_whose_message_fails_is_reported(finding_of):
    """An exception that cannot be shown is reported all the same."""
    source = "class Odd(Exception):\n    def __str__(self):\n        return 1 / 0\nraise Odd\n"

    assert finding_of(source).message == "Odd: its message cannot be shown"


@pytest.mark.parametrize(
    "source",
    [
        "while True:\n    pass\n",
        "import time\ntime.sleep(1000)\n",
        "while True:\n    print('x' * 10_000)\n",
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(1000)\n",
        "import subprocess\nsubprocess.run(['sleep', '1000'])\n",
    ],
    ids=["computes", "sleeps", "prints", "ignores SIGTERM", "waits for a child"],
)
def test_model_that_does_not_end_is_ended(finding_of, source):
    """A loop without end costs the wall time and becomes a finding."""
    finding = finding_of(source, limits=Limits(wall_seconds=1))

    assert (finding.rule, finding.message) == ("DS004", "did not end within 1 s")


def test_processor_time_is_limited(finding_of):
    """A model that computes too long is ended by the system before the wall time."""
    finding = finding_of("while True:\n    pass\n", limits=Limits(cpu_seconds=1))

    assert (finding.rule, finding.message) == ("DS004", "needs more than 1 s of processor time")


def test_memory_is_limited(finding_of):
    """A model that takes too much memory is told the limit."""
    finding = finding_of("x = [b'x' * 1_000_000 for _ in range(1000)]\n", limits=Limits(memory_bytes=256 * 1024 * 1024))

    assert (finding.rule, finding.message) == ("DS004", "needs more than 256 MiB of memory")


def test_files_that_a_model_writes_are_limited(finding_of):
    """A file above the limit fails where it is written."""
    finding = finding_of("open('x', 'wb').write(b'x' * 10_000_000)\n", limits=Limits(file_bytes=1_000_000))

    assert finding.path == "eco.py:1"
    assert "File too large" in finding.message


def test_answer_is_limited(finding_of):
    """An ecosystem above the limit is refused without being read."""
    source = RIGHT.replace('name="Test"', 'name="x" * 100_000')

    finding = finding_of(source, limits=Limits(answer_bytes=50_000))

    assert (finding.rule, finding.message) == ("DS004", "answers with more than 0 MiB")


@pytest.mark.parametrize(
    "written",
    [
        b"rubbish",
        b"\x00\xff",
        b"{}",
        b"[" * 100_000,
        b'{"v":1,"ecosystem":{"name":1}}',
        b'{"v":1,"ecosystem":null}',
        b'{"v":1,"problem":{"kind":"x","path":"y","message":"z"}}',
        b'{"v":1,"problem":[]}',
        b'{"v":2,"ecosystem":{}}',
    ],
)
def test_rubbish_on_the_pipe_is_no_model(finding_of, written):
    """Whatever eco.py writes in the loader's place is read as hostile and refused."""
    finding = finding_of(f"{_on_every_descriptor(written)}os._exit(0)\n")

    assert (finding.rule, finding.path) == ("DS006", "eco.py")
    assert finding.message.startswith("gives no model: ")


def test_rubbish_before_the_answer_spoils_it(finding_of):
    """An answer with something in front is not searched for a model."""
    assert finding_of(_on_every_descriptor(b"x") + RIGHT).rule == "DS006"


def _on_every_descriptor(written):
    """Give code that writes to every open descriptor but the three standard ones."""
    return f"import os\nfor fd in range(3, 50):\n    try: os.write(fd, {written!r})\n    except OSError: pass\n"


def test_class_of_the_model_s_own_is_no_type(finding_of):
    """A type that eco.py derives by itself is refused by name, with the way through the ecosystem to it."""
    source = """
        from datasurface.dsl import *

        class Money(Decimal):
            pass

        def create_ecosystem():
            home = GitRepository("owner/model")
            database = PostgresDatabase(name="d", host="h", database="d")
            dataset = Dataset(name="a", schema=DDLTable([DDLColumn("x", Money(10, 2))]))
            store = Datastore(name="s", datasets=[dataset],
                              capture=SQLSnapshotIngestion(container=database, credential=Credential("c")))
            team = Team(name="t", owning_repo=home, datastores=[store])
            return Ecosystem(name="Test", owning_repo=home,
                             zones=[GovernanceZone(name="z", owning_repo=home, teams=[team])])
    """
    finding = finding_of(source)

    assert "zones[0].teams[0].datastores[0].datasets[0].schema.columns[0].type" in finding.message
    assert "Decimal" in finding.message


def test_prints_are_counted_and_not_shown(model_of):
    """What eco.py prints, on stdout or stderr, does not disturb the answer."""
    source = "import sys, os\nprint('a' * 99)\nprint('b', file=sys.stderr)\nos.system('echo c')\n" + RIGHT

    assert load(model_of(source), limits=SMALL).printed_bytes == 104


def test_threads_and_exit_functions_do_not_hold_the_answer_up(model_of):
    """A thread, an exit function or a child process that goes on for ever does not keep the model from loading."""
    source = """
        import atexit, subprocess, threading, time
        atexit.register(time.sleep, 1000)
        threading.Thread(target=time.sleep, args=(1000,)).start()
        subprocess.Popen(["sleep", "1000"])
    """
    assert load(model_of(source + RIGHT.replace("\n", "\n        ")), limits=SMALL).ecosystem.name == "Test"


@pytest.mark.parametrize("ending", ["", "while True: pass\n"], ids=["after an answer", "after the time"])
def test_processes_that_a_model_leaves_behind_end(tmp_path, model_of, ending):
    """Children are ended with their model, also those that took a session of their own and hold its pipes."""
    note = tmp_path / "pids"
    source = f"""
import os, subprocess
for own_session in (False, True):
    child = subprocess.Popen(["sleep", "1000"], start_new_session=own_session, close_fds=False)
    with open({str(note)!r}, "a") as file:
        file.write(f"{{child.pid}}\\n")
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open({str(note)!r}, "a") as file:
            file.write(f"{{os.getpid()}}\\n")
        os.execvp("sleep", ["sleep", "1000"])
    os._exit(0)
import time; time.sleep(0.2)
{ending}"""
    with pytest.raises(ModelNotLoaded) if ending else nullcontext():
        load(model_of(source + RIGHT), limits=Limits(wall_seconds=2))

    pids = [int(line) for line in note.read_text().split()]
    assert len(pids) == 3
    assert [pid for pid in pids if _runs(pid)] == []


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_environment_holds_no_secret(model_of, monkeypatch):
    """eco.py sees neither our variables nor our home, has no input, and works on a copy."""
    monkeypatch.setenv("PGPASSWORD", "secret")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    source = """
        import os, sys
        from datasurface.dsl import *

        def create_ecosystem():
            open("written", "w").write("x")
            told = [",".join(sorted(os.environ)), sys.stdin.read(), str(os.path.isdir(os.environ["HOME"]))]
            return Ecosystem(name="Test", owning_repo=GitRepository("owner/model"), documentation="|".join(told))
    """
    root = model_of(source)

    told = load(root, limits=SMALL).ecosystem.documentation.split("|")

    assert set(told[0].split(",")) <= {"HOME", "LANG", "LC_CTYPE", "PATH", "PYTHONHASHSEED", "TMPDIR"}
    assert told[1:] == ["", "True"]
    assert not (root / "written").exists()


def test_sets_come_in_the_same_order(model_of):
    """A model that is built from a set is the same model at each load."""
    source = RIGHT.replace('name="Test"', 'name="Test", documentation=" ".join({str(n) for n in range(50)})')
    root = model_of(source)

    assert load(root, limits=SMALL).ecosystem == load(root, limits=SMALL).ecosystem


def test_mapping_is_read_before_eco_py_can_change_it(model_of):
    """eco.py cannot write the mapping that is judged."""
    source = "open('dsg_platform_mapping.json', 'w').write('rubbish')\n" + RIGHT

    assert load(model_of(source), limits=SMALL).mapping_findings == ()


@pytest.mark.row("M01", kind="refusal")
def test_directory_without_eco_py_is_no_model(tmp_path):
    """A missing eco.py and a missing directory are said by name."""
    with pytest.raises(ModelNotLoaded, match=r"eco\.py: is missing"):
        load(tmp_path, limits=SMALL)
    with pytest.raises(ModelNotLoaded, match="nowhere: cannot be read: No such file or directory"):
        load(tmp_path / "nowhere", limits=SMALL)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ModelNotLoaded, match="loop: cannot be read: Too many levels of symbolic links"):
        load(tmp_path / "loop", limits=SMALL)
    (tmp_path / "eco.py").write_text(RIGHT)
    with pytest.raises(ModelNotLoaded, match=r"eco\.py: cannot be read: Not a directory"):
        load(tmp_path / "eco.py", limits=SMALL)


def test_path_may_be_a_link(model_of, tmp_path):
    """A link to the directory is resolved once, as git-sync flips it."""
    root = model_of()
    (tmp_path / "link").symlink_to(root)

    assert load(tmp_path / "link", limits=SMALL).root == root


def test_no_copy_stays_behind(model_of, tmp_path, monkeypatch):
    """The private copy is removed, whether the model loads or not."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    Path(tmp_path / "temporary").mkdir()

    load(model_of(), limits=SMALL)
    with pytest.raises(ModelNotLoaded):
        load(model_of("1 / 0"), limits=SMALL)

    assert list((tmp_path / "temporary").iterdir()) == []
