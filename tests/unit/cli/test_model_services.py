"""The commands that serve refuse what they cannot begin with."""

import pytest
from click.testing import CliRunner

from datasurface.cli.main import cli


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["model", "load"], 2, "give either the directory PATH or --serve"),
        (["model", "load", ".", "--serve", "localhost:0"], 2, "give either the directory PATH or --serve"),
        (["model", "load", "--serve", "8080"], 1, "8080 is no address to listen at"),
        (["model", "watch", "link"], 2, "--loader"),
        (["model", "watch", "link", "--loader", "loader:8080"], 1, "no address of a loader"),
        (["modelrepo", "hook"], 1, "a push is checked by `datasurface modelrepo serve` alone"),
    ],
)
def test_a_wrong_beginning_is_one_sentence(arguments, status, told, monkeypatch, tmp_path):
    """Usage is 2, a wrong value is 1; nothing is served."""
    for variable in ("DATASURFACE_CONNECTIONS", "DATASURFACE_HOOK_LOADER", "DATASURFACE_INSTALLATION"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(cli, arguments)

    assert (result.exit_code, told in result.stderr) == (status, True), result.stderr
