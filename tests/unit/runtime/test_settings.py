"""Settings come from the environment alone, and a wrong one is named."""

from pathlib import Path

import pytest

from datasurface.errors import ModelError
from datasurface.runtime.settings import ResultSettings, Settings, read_settings


def test_nothing_set_means_no_files_and_an_automatic_log(monkeypatch):
    """Every setting has a default."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"DATASURFACE_{name.upper()}", raising=False)

    settings = read_settings()

    assert (settings.connections, settings.installation, settings.result_file) == (None, None, None)
    assert (settings.log_format, settings.log_level) == ("auto", "auto")


def test_settings_are_read_from_their_variables(monkeypatch):
    """Names are prefixed; an empty variable counts as one that is not set."""
    monkeypatch.setenv("DATASURFACE_CONNECTIONS", "/etc/connections.json")
    monkeypatch.setenv("DATASURFACE_INSTALLATION", "")
    monkeypatch.setenv("DATASURFACE_LOG_FORMAT", "json")

    settings = read_settings()

    assert (settings.connections, settings.installation) == (Path("/etc/connections.json"), None)
    assert settings.log_format == "json"


def test_all_wrong_variables_are_named_without_their_values(monkeypatch):
    """The message says which variables and what they may hold."""
    monkeypatch.setenv("DATASURFACE_LOG_FORMAT", "secret")
    monkeypatch.setenv("DATASURFACE_LOG_LEVEL", "secret")

    with pytest.raises(ModelError, match=r"DATASURFACE_LOG_FORMAT: .*'text'; DATASURFACE_LOG_LEVEL: ") as wrong:
        read_settings()
    assert "secret" not in str(wrong.value)


def test_result_file_is_known_whatever_else_is_wrong(monkeypatch):
    """A job that cannot read its settings still reports where it should."""
    monkeypatch.setenv("DATASURFACE_LOG_FORMAT", "xml")
    monkeypatch.setenv("DATASURFACE_RESULT_FILE", "/dev/termination-log")

    assert ResultSettings().result_file == Path("/dev/termination-log")
