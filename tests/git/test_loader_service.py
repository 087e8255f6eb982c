"""The loader service: the same model as on a shell, whatever else comes in."""

import os
import shutil
import signal
import socket
import subprocess
import tarfile
import textwrap
import threading
import time
from io import BytesIO
from pathlib import Path

import psutil
import pytest

from datasurface.errors import TransientError
from datasurface.loader import Limits, ModelNotLoaded, load, remote
from datasurface.loader.remote import LoaderAway
from tests.git.services import CLI, Service, archive, is_closed_by_peer, running, small_loader, until

DEMO = Path(__file__).parents[2] / "models" / "demo"
RIGHT = """
from datasurface.dsl import *

def create_ecosystem():
    return Ecosystem(name="Test", owning_repo=GitRepository("owner/model"))
"""


@pytest.fixture
def model(tmp_path) -> Path:
    """A copy of the demo's model, to change."""
    return Path(shutil.copytree(DEMO, tmp_path / "model"))


def finding_of(path: Path, service: Service, **limits: float) -> tuple[str, str]:
    """Rule and message for a model that must not load."""
    with pytest.raises(ModelNotLoaded) as refusal:
        load(path, runner=remote.runner(service.url), limits=Limits(**limits))
    return refusal.value.finding.rule, refusal.value.finding.message


@pytest.mark.row("M02")
def test_a_model_loads_as_on_a_shell(service):
    """Ecosystem, mapping and revision do not tell which loader ran eco.py."""
    assert load(DEMO, runner=remote.runner(service.url)) == load(DEMO)


def test_what_eco_py_runs_into_is_the_same_finding(service, model):
    """The line of an exception arrives with its rule, and prints are counted."""
    (model / "eco.py").write_text("print('x' * 99)\nraise ValueError('no')\n")

    with pytest.raises(ModelNotLoaded) as there:
        load(model, runner=remote.runner(service.url))
    with pytest.raises(ModelNotLoaded) as here:
        load(model)

    assert there.value.finding == here.value.finding
    assert there.value.printed_bytes == here.value.printed_bytes == 100


def test_links_within_the_model_travel(service, model):
    """A module behind a link is found."""
    (model / "parts").mkdir()
    (model / "eco.py").rename(model / "parts" / "whole.py")
    (model / "eco.py").symlink_to("parts/whole.py")

    assert load(model, runner=remote.runner(service.url)).ecosystem.name == "Test"


def test_healthz_needs_nothing(service):
    """A probe gets its answer."""
    assert service.status_of("/healthz") == 200


def links_to(target: str, kind: bytes = tarfile.SYMTYPE) -> bytes:
    """An archive with one entry of that kind."""
    written = BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        member = tarfile.TarInfo("x")
        member.type, member.linkname = kind, target
        tar.addfile(member)
    return written.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        b"rubbish",
        b"\0" * 100,
        os.urandom(5000),
        archive(eco__py=RIGHT)[:700],
        archive(**{"../eco.py": RIGHT}),
        archive(**{"/tmp/eco.py": RIGHT}),
        archive(**{"a/../../eco.py": RIGHT}),
        archive(**{"a" * 300: RIGHT}),
        archive(**{"/".join("a" * 100): RIGHT}),
        links_to("/etc"),
        links_to("../.."),
        links_to("/etc/passwd", tarfile.LNKTYPE),
        links_to("", tarfile.CHRTYPE),
        links_to("", tarfile.BLKTYPE),
        links_to("", tarfile.FIFOTYPE),
    ],
    ids=[
        "rubbish", "zeros", "random", "cut off", "above", "absolute", "above by a way round", "a long name", "deep",
        "link out", "link above", "hard link", "character device", "block device", "pipe",
    ],
)  # fmt: skip
@pytest.mark.row("M02", kind="refusal")
def test_what_is_no_tree_is_refused_whole(service, body):
    """Status 400 and a sentence that quotes nothing; the next load goes through."""
    status, told = service.post(body)

    assert status == 400
    assert told.startswith(b"it ")
    assert len(told) < 100
    assert load(DEMO, runner=remote.runner(service.url)).ecosystem.name == "Test"


def test_requests_of_another_kind_are_refused(service):
    """No other path, no other method, and the length has to be said."""
    assert service.status_of("/") == 404
    assert service.status_of("/load") == 405
    assert service.status_of("/load", "POST") == 400
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(b"POST /load HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 411 ")


def test_a_tree_without_eco_py_is_no_error_of_the_service(service):
    """The child says what is missing; there is no trace of our code in it."""
    status, told = service.post(archive(other__py=RIGHT))

    assert status == 200
    assert b"Traceback" not in told


def test_sizes_are_limited(tmp_path, model):
    """Too many files, too many bytes and a body beyond all that are a finding about the directory."""
    with small_loader(tmp_path / "log", tree_bytes=200_000, tree_files=20) as service:
        assert load(model, runner=remote.runner(service.url)).ecosystem.name == "Test"
        (model / "data").write_bytes(b"x" * 300_000)
        too_large = finding_of(model, service)
        (model / "data").write_bytes(b"x" * 5_000_000)
        much_too_large = finding_of(model, service)
        (model / "data").unlink()
        for number in range(30):
            (model / f"f{number}").touch()
        too_many = finding_of(model, service)
        assert service.process.poll() is None

    assert {too_large, much_too_large, too_many} == {("DS001", "the directory has more than the loader takes")}


@pytest.mark.parametrize(
    ("source", "rule", "message"),
    [
        ("while True: pass\n", "DS004", "did not end within 1 s"),
        ("import os, time\nfor _ in range(200):\n  if os.fork() == 0: time.sleep(1000)\ntime.sleep(1000)\n",
         "DS004", "did not end within 1 s"),
        ("import os\nfor fd in range(3, 50):\n  try:\n    for _ in range(900): os.write(fd, b'x' * 1000)\n"
         "  except OSError: pass\n", "DS004", "answers with more than 0 MiB"),
        ("import os\nos.kill(os.getpid(), 9)\n", "DS005", "was killed by SIGKILL, maybe for want of memory"),
    ],
    ids=["endless loop", "many processes", "huge answer", "killed"],
)  # fmt: skip
@pytest.mark.row("M02", kind="refusal")
def test_a_hostile_model_is_a_finding_and_leaves_nothing(tmp_path, model, source, rule, message):
    """What the service enforced is what the author is told, although our own limits are wider."""
    (model / "eco.py").write_text(source)
    with small_loader(tmp_path / "log", wall_seconds=1, answer_bytes=500_000) as service:
        found = finding_of(model, service)
        until(lambda: not _children_of(service.process.pid))
        load(DEMO, runner=remote.runner(service.url))

    assert found == (rule, message)


@pytest.mark.row("M02", kind="refusal")
def test_what_a_model_leaves_behind_ends_with_it_in_a_container(tmp_path, model):
    """As the first process of a container the service ends all others, whatever they did to get away."""
    if not can_be_first():
        pytest.skip("no process namespace of its own is to be had here")
    source = """
        import os, signal, time
        for _ in range(7):
            os.fork()
            os.setsid() if os.getpid() != os.getpgrp() else None
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(1000)
    """
    (model / "eco.py").write_text(textwrap.dedent(source))
    with small_loader(tmp_path / "log", NEW_NAMESPACE, wall_seconds=1) as service:
        (first,) = _children_of(service.process.pid)
        assert finding_of(model, service)[0] == "DS004"
        until(lambda: not first.children(recursive=True))
        assert load(DEMO, runner=remote.runner(service.url)).ecosystem.name == "Test"
        first.send_signal(signal.SIGTERM)


NEW_NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


def can_be_first() -> bool:
    """Whether a process can get a namespace of its own."""
    return shutil.which("unshare") is not None and subprocess.run([*NEW_NAMESPACE, "true"], check=False).returncode == 0


def _children_of(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def test_nothing_of_a_load_is_kept(tmp_path, model):
    """Directories go, also those that a model took the rights from, and the log has sizes alone."""
    held = tmp_path / "tmp"
    held.mkdir()
    (model / "eco.py").write_text(
        "import os\nos.makedirs('secretname/b')\nos.chmod('secretname', 0)\nprint('secret')\n"
    )
    command = [*CLI, "model", "load", "--serve", "127.0.0.1:0"]
    with running(command, tmp_path / "log", TMPDIR=str(held)) as service:
        assert finding_of(model, service)[0] == "DS003"
        until(lambda: not list(held.iterdir()))
        lines = service.logged()

    assert "secret" not in (tmp_path / "log").read_text()
    assert [line["printed_bytes"] for line in lines if line["event"] == "loaded"] == [7]


@pytest.mark.row("M02", kind="refusal")
def test_what_a_model_leaves_elsewhere_is_not_there_for_the_next(tmp_path, model):
    """Directories that are the service's own are emptied after each load, and at the start, whatever lies in them."""
    held, shared = tmp_path / "tmp", tmp_path / "shared"
    for directory in (held, shared):
        directory.mkdir()
        (directory / "of a run before").touch()
    (model / "eco.py").write_text(
        f"import os\nos.makedirs('{held}/x/y')\nopen('{held}/x/y/f', 'w').close()\nos.chmod('{held}/x', 0)\n"
        f"open('{shared}/f', 'w').write('x' * 1000)\n"
    )
    command = [*CLI, "model", "load", "--serve", "127.0.0.1:0", "--wipe", str(held), "--wipe", str(shared)]
    with running(command, tmp_path / "log", TMPDIR=str(held)) as service:
        at_start = [*held.iterdir(), *shared.iterdir()]
        assert finding_of(model, service)[0] == "DS003"
        left = [*held.iterdir(), *shared.iterdir()]
        assert load(DEMO, runner=remote.runner(service.url)).ecosystem.name == "Test"

    assert (at_start, left) == ([], [])


@pytest.mark.row("M02", kind="refusal")
def test_a_slow_client_holds_nobody_up(tmp_path):
    """Half a request is closed after the idle time, and others are served meanwhile."""
    with (
        small_loader(tmp_path / "log", idle_seconds=1) as service,
        socket.create_connection(("127.0.0.1", service.port)) as slow,
    ):
        slow.sendall(b"POST /load HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc")
        assert load(DEMO, runner=remote.runner(service.url)).ecosystem.name == "Test"
        assert is_closed_by_peer(slow, 10)


def test_loads_run_one_at_a_time(tmp_path, model):
    """A second one waits for its turn, and is told to come again where that takes too long."""
    (model / "eco.py").write_text("import time\ntime.sleep(2)\n")
    with small_loader(tmp_path / "log", turn_seconds=0.3) as service:
        slow = threading.Thread(target=finding_of, args=(model, service))
        slow.start()
        until(lambda: bool(_children_of(service.process.pid)))
        with pytest.raises(LoaderAway, match="503"):
            load(DEMO, runner=remote.runner(service.url))
        slow.join()
        assert load(DEMO, runner=remote.runner(service.url)).ecosystem.name == "Test"


def test_a_loader_that_is_away_is_transient(tmp_path):
    """Nobody listens, somebody else listens, and it breaks off: all are tried again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(TransientError, match="cannot be reached"):
            load(DEMO, runner=remote.runner(f"http://127.0.0.1:{taken.getsockname()[1]}"))
        taken.listen()
        answering = threading.Thread(target=_close_the_first, args=(taken,))
        answering.start()
        with pytest.raises(remote.LoaderBroke, match="broke off"):
            load(DEMO, runner=remote.runner(f"http://127.0.0.1:{taken.getsockname()[1]}"))
        answering.join()


def _close_the_first(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    time.sleep(0.1)
    connection.close()
