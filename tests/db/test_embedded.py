"""The embedded server: passwords, no other mode or place touched, and crashes that it survives."""

import os
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from datasurface.connections import Endpoint, Login
from datasurface.demo import embedded
from datasurface.demo.embedded import EmbeddedServer
from datasurface.errors import DatasurfaceError, ModelError, TransientError
from datasurface.yellow.engine import connect
from datasurface.yellow.engine.connect import Purpose, Session
from tests.db.installation import rows


def opened(endpoint: Endpoint, login: Login) -> Session:
    """A session for a test that closes it itself."""
    return connect.open_session(endpoint, login, application_name="test", purpose=Purpose.CONTROL)


def test_no_client_is_trusted(own_server: EmbeddedServer) -> None:
    """Every connection needs the generated password, as every line of the server's own rules says."""
    methods = rows(own_server, "postgres", "SELECT DISTINCT auth_method FROM pg_hba_file_rules")

    assert methods == [("scram-sha-256",)]
    with pytest.raises(ModelError, match="28P01"):
        opened(own_server.endpoint(), Login(username="postgres", password="postgres"))


def test_it_listens_on_the_loopback_alone(own_server: EmbeddedServer) -> None:
    """There is no other address and no socket file."""
    settings = "SELECT current_setting('listen_addresses'), current_setting('unix_socket_directories')"
    assert rows(own_server, "postgres", settings) == [("127.0.0.1", "")]


def test_it_is_a_whole_server(own_server: EmbeddedServer) -> None:
    """UTF-8, checksums, room for many jobs; safe against crashes unless `fast` was asked for."""
    names = ("server_encoding", "data_checksums", "max_connections", "fsync")
    query = ", ".join(f"current_setting('{name}')" for name in names)
    assert rows(own_server, "postgres", f"SELECT {query}") == [("UTF8", "on", "200", "off")]
    assert own_server.version.startswith("PostgreSQL 1")
    with EmbeddedServer() as safe:
        assert rows(safe, "postgres", "SELECT current_setting('fsync')") == [("on",)]


def test_nothing_is_left_and_no_mode_has_changed() -> None:
    """Folder and processes go with the block; the temporary directory and the home keep their modes."""
    watched = [
        Path(tempfile.gettempdir()),
        Path.home(),
        *Path(embedded.__file__).parents,
        *embedded.wheel_binaries().parents,
    ]
    before = {path: path.stat().st_mode for path in watched}

    with EmbeddedServer(fast=True) as server:
        folder, endpoint = server.folder, server.endpoint()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(server.password_file.stat().st_mode) == 0o600

    assert {path: path.stat().st_mode for path in watched} == before
    assert not folder.exists()
    with pytest.raises(TransientError):
        opened(endpoint, server.login)


def test_keep_leaves_it_running() -> None:
    """With `keep` the server outlives the block, for a person to look further; `remove` ends it."""
    with EmbeddedServer(fast=True, keep=True) as server:
        pass

    assert rows(server, "postgres", "SELECT 1") == [(1,)]
    endpoint, folder = server.endpoint(), server.folder
    server.remove()
    assert not folder.exists()
    with pytest.raises(TransientError):
        opened(endpoint, server.login)


@pytest.mark.parametrize("crash", ["restart", "immediate", "kill"])
def test_it_comes_back_on_the_same_port(own_server: EmbeddedServer, crash: str) -> None:
    """After a restart, an immediate stop and SIGKILL, what was committed is there, at the same address."""
    rows(own_server, "postgres", "CREATE TABLE public.t AS SELECT 1 AS a")
    port = own_server.port
    session = opened(own_server.endpoint(), own_server.login)

    if crash == "kill":
        own_server.kill()
        own_server.start()
    else:
        own_server.restart("immediate" if crash == "immediate" else "fast")

    assert session.raw.closed == 0
    session.close()
    assert own_server.port == port
    assert rows(own_server, "postgres", "SELECT a FROM public.t") == [(1,)]


def test_starting_twice_and_stopping_twice_is_fine(own_server: EmbeddedServer) -> None:
    """Neither call minds that there is nothing to do."""
    own_server.start()
    own_server.stop()
    own_server.stop()
    own_server.start()

    assert rows(own_server, "postgres", "SELECT 1") == [(1,)]


def test_a_taken_port_is_tried_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that somebody took in between is given up for another one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = iter([taken.getsockname()[1], embedded._free_port()])
        monkeypatch.setattr(embedded, "_free_port", lambda: next(ports))
        with EmbeddedServer(fast=True) as server:
            assert server.port != taken.getsockname()[1]


def test_programs_out_of_reach_are_copied(tmp_path: Path) -> None:
    """A clone in a folder that `nobody` cannot enter, such as /root, works all the same and keeps its mode."""
    if os.geteuid() != 0:
        pytest.skip("only root runs the server as another user")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = embedded.wheel_binaries().parents[1]
    for folder in (package, package.with_name(f"{package.name}.libs")):
        (closed / folder.name).symlink_to(folder)
    binaries = closed / package.name / embedded.wheel_binaries().parent.name / "bin"

    with EmbeddedServer(fast=True, binaries=binaries) as server:
        assert server.binaries.is_relative_to(server.folder)
        assert rows(server, "postgres", "SELECT 1") == [(1,)]
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_temporary_directory_out_of_reach_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where TMPDIR is closed to `nobody`, the folder goes elsewhere and the closed one stays empty and closed."""
    if os.geteuid() != 0:
        pytest.skip("only root runs the server as another user")
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    with EmbeddedServer(fast=True) as server:
        assert not server.folder.is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_server_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the server's log is in the message, and nothing is left behind."""
    monkeypatch.setattr(embedded, "_ATTEMPTS", 1)
    server = EmbeddedServer(fast=True)
    server.create()
    folder = server.folder
    with (folder / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")

    with pytest.raises(DatasurfaceError, match="no_such_setting"):
        server.start()
    server.remove()
    assert not folder.exists()


def test_the_password_shows_in_no_process_list(own_server: EmbeddedServer) -> None:
    """No process of the server has it in its arguments or environment."""
    password = own_server.password_file.read_text().strip()
    pid = int((own_server.folder / "data" / "postmaster.pid").read_text().split()[0])

    for name in ("cmdline", "environ"):
        assert password.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
    assert password not in repr(own_server.login)


def test_an_interrupted_program_takes_its_server_along() -> None:
    """Ctrl-C in the middle of a program ends the server in good order, not beside it."""
    program = (
        "from datasurface.demo.embedded import EmbeddedServer\n"
        "import signal, time\n"
        # A shell starts what runs in the background with SIGINT ignored, and so would be what that starts.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with EmbeddedServer(fast=True) as s:\n"
        "    print(s.folder, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        process.send_signal(2)
        process.wait(30)

    assert not folder.exists()
