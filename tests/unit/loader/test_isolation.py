"""A model cannot hang, leak, write into or outlive its loader."""

from __future__ import annotations

import os
from contextlib import nullcontext

import pytest

from datasurface.loader import Limits, ModelNotLoaded, load
from tests.unit.loader.conftest import RIGHT, SMALL


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
        load(model_of(source + RIGHT), limits=Limits(wall_seconds=3) if ending else SMALL)

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
