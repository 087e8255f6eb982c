"""The connections file: what replaces the model's addresses, and what a wrong file is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from datasurface.connections import Connections, Endpoint, Login, MergeRole, load_connections, read_password
from datasurface.errors import ModelError

MODEL = {"host": "model.example.com", "port": 5432, "database": "customer_db"}


def loaded(folder: Path, **content: Any) -> Connections:
    """The connections of a file with `content`."""
    file = folder / "connections.json"
    file.write_text(json.dumps({"v": 1, **content}))
    return load_connections(file)


def credential(directory: Path, username: str = "u", password: str = "p") -> Path:
    """A credential directory."""
    directory.mkdir(parents=True)
    (directory / "username").write_text(username)
    (directory / "password").write_text(password)
    return directory


@pytest.mark.row("Q04")
def test_a_container_of_the_file_replaces_the_models_address(tmp_path: Path) -> None:
    """Host, port, database and sslmode come from the file, by the container's name."""
    own = {"host": "prod.example.com", "port": 6432, "database": "prod", "sslmode": "require"}
    connections = loaded(tmp_path, containers={"customer_db": own})

    assert connections.endpoint("customer_db", **MODEL) == Endpoint(
        host="prod.example.com", port=6432, database="prod", sslmode="require"
    )


def test_what_the_file_leaves_out_stays_the_models(tmp_path: Path) -> None:
    """A container with a host alone keeps the model's port and database; another container all of its own."""
    connections = loaded(tmp_path, containers={"customer_db": {"host": "h"}})

    assert str(connections.endpoint("customer_db", **MODEL)) == "customer_db on h:5432"
    assert connections.endpoint("other", **MODEL) == Endpoint(**MODEL, sslmode="prefer")


def test_without_a_file_the_model_holds() -> None:
    """No file at all means the model's addresses, schema public and no prefix."""
    connections = load_connections(None)

    assert connections.endpoint("customer_db", **MODEL) == Endpoint(**MODEL)
    assert (connections.merge_schema, connections.role_prefix) == ("public", "")


def test_a_login_is_read_from_its_files(tmp_path: Path) -> None:
    """Trailing newlines go, everything else of a password stays."""
    credential(tmp_path / "c", "reader\n", " p w\t\r\n")
    connections = loaded(tmp_path, credentials={"customer_reader": {"directory": str(tmp_path / "c")}})

    assert connections.login("customer_reader") == Login(username="reader", password=" p w\t")


def test_a_relative_directory_starts_at_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the process runs does not matter."""
    credential(tmp_path / "logins" / "c", "reader")
    connections = loaded(tmp_path, credentials={"c": {"directory": "logins/c"}})
    monkeypatch.chdir("/")

    assert connections.login("c").username == "reader"


def test_a_rotated_password_is_read_anew(tmp_path: Path) -> None:
    """A mounted secret can change while a process runs."""
    directory = credential(tmp_path / "c")
    connections = loaded(tmp_path, credentials={"c": {"directory": str(directory)}})
    assert connections.login("c").password == "p"

    (directory / "password").write_text("new")

    assert connections.login("c").password == "new"


def test_a_password_shows_nowhere(tmp_path: Path) -> None:
    """Neither repr nor str of a login, nor of what holds it, has the password."""
    login = Login(username="u", password="Zx9-secret")

    assert "Zx9" not in f"{login!r} {login} {[login]!r}"


def test_each_use_of_the_merge_database_has_its_login(tmp_path: Path) -> None:
    """Job, apply, monitor and dags log in by their own directories at one address."""
    roles: tuple[MergeRole, ...] = ("job", "apply", "monitor", "dags")
    section = {
        "host": "m",
        "database": "mdb",
        "schema": "ds",
        "role_prefix": "acme_",
        "credentials": {role: {"directory": str(credential(tmp_path / role, role))} for role in roles},
    }
    connections = loaded(tmp_path, merge=section)

    assert [connections.merge(role)[1].username for role in roles] == list(roles)
    assert connections.merge("job")[0] == Endpoint(host="m", port=5432, database="mdb", sslmode="prefer")
    assert (connections.merge_schema, connections.role_prefix) == ("ds", "acme_")


def test_a_platforms_own_credential_goes_before_the_common_one(tmp_path: Path) -> None:
    """A platform's jobs log in by its credential where the file lists it, else as all jobs do."""
    job, own = credential(tmp_path / "job", "ds_job"), credential(tmp_path / "own", "live_job")
    connections = loaded(
        tmp_path,
        credentials={"live": {"directory": str(own)}},
        merge={"host": "m", "database": "mdb", "credentials": {"job": {"directory": str(job)}}},
    )

    names = [connections.merge_login(name).username for name in ("live", "forensic", None)]
    assert names == ["live_job", "ds_job", "ds_job"]


@pytest.mark.row("Q04", kind="refusal")
def test_a_missing_credential_names_file_and_setting() -> None:
    """The default directory is named, and what to set instead."""
    with pytest.raises(ModelError, match=r"/etc/datasurface/credentials/no_such/username cannot be read") as caught:
        load_connections(None).login("no_such")
    assert "credentials.no_such.directory" in str(caught.value)

    with pytest.raises(
        ModelError, match=r"/etc/datasurface/credentials/ds_monitor/username.*merge\.credentials\.monitor"
    ):
        load_connections(None).role_login("monitor")


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "is empty"), (b"\n", "is empty"), (b"\xff", "not UTF-8"), (b"a\0b", "zero byte")]
)
def test_an_unusable_password_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    """What is wrong with it is said, what it holds is not."""
    directory = credential(tmp_path / "c")
    (directory / "password").write_bytes(content)
    connections = loaded(tmp_path, credentials={"c": {"directory": str(directory)}})

    with pytest.raises(ModelError, match=rf"c/password .*{said}"):
        connections.login("c")
    with pytest.raises(ModelError, match="--password-file"):
        read_password(directory / "password", option="--password-file")


def test_without_a_merge_section_its_address_is_not_known(tmp_path: Path) -> None:
    """The file, or the variable that names none, is in the message with what to add."""
    with pytest.raises(ModelError, match=r"names no file.*\"merge\""):
        load_connections(None).merge("apply")
    with pytest.raises(ModelError, match=r"connections\.json has no `merge`"):
        loaded(tmp_path).merge("apply")


def test_broken_json_is_told_its_line_and_column(tmp_path: Path) -> None:
    """The file, line and column come first, then what the parser says."""
    file = tmp_path / "connections.json"
    file.write_text('{"v": 1,\n "containers": {]}')

    with pytest.raises(ModelError, match=r"connections\.json, line 2, column 17: "):
        load_connections(file)


WRONG = [
    ({"v": 2}, r"v: "),
    ({"extra": 1}, r"extra: Extra inputs are not permitted"),
    ({"containers": {"c": {"port": 0}}}, r"containers\.c\.port: "),
    ({"containers": {"c": {"sslmode": "on"}}}, r"containers\.c\.sslmode: "),
    ({"containers": {"c": {"host": ""}}}, r"containers\.c\.host: "),
    ({"credentials": {"c": {"password": "Zx9-secret"}}}, r"credentials\.c\.directory: Field required"),
    ({"merge": {"database": "m"}}, r"merge\.host: Field required"),
    (
        {"merge": {"host": "h", "database": "m", "credentials": {"boss": {"directory": "x"}}}},
        r"merge\.credentials\.boss",
    ),
    ({"merge": {"host": "h", "database": "m", "role_prefix": "A b"}}, r"merge\.role_prefix: "),
]


@pytest.mark.parametrize(("content", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_wrong_field_is_named_by_its_place(tmp_path: Path, content: dict[str, Any], said: str) -> None:
    """The place in the file is told, and no value of it, which could be a secret."""
    with pytest.raises(ModelError, match=said) as caught:
        loaded(tmp_path, **content)
    assert "Zx9" not in str(caught.value)


def test_all_wrong_fields_are_told_at_once(tmp_path: Path) -> None:
    """The first finding is never the only one."""
    with pytest.raises(ModelError, match=r"extra: .*; more: |more: .*; extra: "):
        loaded(tmp_path, extra=1, more=2)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """So is one that is no file, and one that is no text."""
    with pytest.raises(ModelError, match=r"none\.json cannot be read: No such file"):
        load_connections(tmp_path / "none.json")
    with pytest.raises(ModelError, match="cannot be read: Is a directory"):
        load_connections(tmp_path)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(ModelError, match="bytes is not UTF-8 text"):
        load_connections(tmp_path / "bytes")


@pytest.mark.parametrize("text", ["[]", "1", "null", '"x"'])
def test_a_file_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    """JSON that is something else is an error of the file, not of ours."""
    file = tmp_path / "connections.json"
    file.write_text(text)

    with pytest.raises(ModelError, match=r"connections\.json: the file: "):
        load_connections(file)
