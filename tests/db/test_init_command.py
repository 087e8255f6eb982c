"""`datasurface init` on the command line: what it prints, what it asks for, how it ends."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from datasurface.cli.main import cli
from datasurface.demo.embedded import EmbeddedServer
from datasurface.errors import ExitStatus
from tests.db.installation import rows


def call(server: EmbeddedServer, directory: Path, *options: str) -> Result:
    """Run the command against a server, with a password file and a credential directory."""
    password = directory / "admin-password"
    password.write_text(f"{server.login.password}\n")
    address = ["--host", server.endpoint().host, "--port", str(server.port), "--password-file", str(password)]
    return CliRunner().invoke(cli, ["init", *address, "--credentials", str(directory / "logins"), *options])


def test_it_says_what_it_made_and_the_second_time_nothing(bare_server: EmbeddedServer, tmp_path: Path) -> None:
    """The first call lists steps and new passwords' directories, the second one says that all was there."""
    first, second = call(bare_server, tmp_path), call(bare_server, tmp_path)

    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    assert "made           database datasurface_merge\n" in first.output
    assert f"new password   {tmp_path}/logins/ds_merge\n" in first.output
    assert second.output.splitlines()[-1].startswith("0 made, ")
    assert "new password" not in second.output
    secrets = [(each / "password").read_text().strip() for each in (tmp_path / "logins").iterdir()]
    assert len(secrets) == 8
    assert not [secret for secret in [*secrets, bare_server.login.password] if secret in first.output]


def test_the_superuser_may_come_from_a_directory(bare_server: EmbeddedServer, tmp_path: Path) -> None:
    """With --superuser name and password are those of the directory's files, whatever the other options say."""
    directory = tmp_path / "superuser"
    directory.mkdir()
    (directory / "username").write_text(bare_server.login.username)
    (directory / "password").write_text(bare_server.login.password)

    outcome = call(bare_server, tmp_path, "--user", "nobody", "--superuser", str(directory))

    assert outcome.exit_code == 0, outcome.output


def test_json_has_every_step(bare_server: EmbeddedServer, tmp_path: Path) -> None:
    """With --json a program reads title, database and outcome of each step."""
    document = json.loads(call(bare_server, tmp_path, "--json", "--no-demo-source").output)

    assert document["v"] == 1
    assert {"title": "database airflow_db", "database": "postgres", "outcome": "made"} in document["results"]
    assert "customer_reader" not in document["new_credentials"]


def test_names_and_prefix_come_from_options(bare_server: EmbeddedServer, tmp_path: Path) -> None:
    """Databases and the schema can be named, roles get a prefix, a platform its own login of jobs."""
    outcome = call(
        bare_server, tmp_path, "--prefix", "acme_", "--merge-database", "mdb", "--merge-schema", "ds",
        "--platform-job", "YellowLive", "--no-demo-source",
    )  # fmt: skip

    assert outcome.exit_code == 0, outcome.output
    assert rows(bare_server, "mdb", "SELECT tableowner FROM pg_tables WHERE schemaname = 'ds' LIMIT 1") == [
        ("acme_ds_control",)
    ]
    assert (tmp_path / "logins" / "yellowlive_job" / "username").read_text() == "acme_yellowlive_job\n"


def test_print_needs_neither_server_nor_password() -> None:
    """The script comes out alone, ready for psql."""
    outcome = CliRunner().invoke(cli, ["init", "--host", "db.example.com", "--print"])

    assert outcome.exit_code == 0
    assert '\\connect "datasurface_merge"' in outcome.output
    assert "CREATE TABLE IF NOT EXISTS customers" in outcome.output
    assert "'db.example.com'" in outcome.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--prefix", "Bad Prefix"], "cannot begin names of roles"),
        (["--prefix", "line\n"], "cannot begin names of roles"),
        (["--merge-database", "a\n\\! id"], "cannot be the name of the merge database"),
        (["--customer-database", "n" * 64], "cannot be the name of the demo source"),
        (["--merge-schema", "100%"], "cannot be the name of the merge schema"),
        (["--port", "0"], "0 is not in the range"),
        ([], "password is missing"),
    ],
    ids=["prefix", "line end", "control", "long", "percent", "port", "no password"],
)
def test_wrong_options_are_a_usage_error(options: list[str], said: str) -> None:
    """Status 2 and what to give instead."""
    outcome = CliRunner().invoke(cli, ["init", *options])

    assert outcome.exit_code == ExitStatus.USAGE
    assert said in outcome.output


def test_a_wrong_password_is_a_model_error(bare_server: EmbeddedServer, tmp_path: Path) -> None:
    """Status 1, without a traceback."""
    wrong = tmp_path / "wrong"
    wrong.write_text("not-it")

    outcome = call(bare_server, tmp_path, "--password-file", str(wrong))

    assert outcome.exit_code == ExitStatus.FINDINGS
    assert "28P01" in outcome.output
    assert "Traceback" not in outcome.output
    assert "not-it" not in outcome.output


def test_a_missing_password_file_is_named(tmp_path: Path) -> None:
    """The message names the file and the option."""
    outcome = CliRunner().invoke(cli, ["init", "--password-file", str(tmp_path / "none")])

    assert outcome.exit_code == ExitStatus.FINDINGS
    assert str(tmp_path / "none") in outcome.output
    assert "--password-file" in outcome.output
