"""The log: JSON for machines, lines for people, and nothing of the data in either."""

import io
import json

import pytest

from datasurface.errors import StateError
from datasurface.runtime import logs


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def failed(error: Exception, cause: Exception | None = None) -> Exception:
    """The error as it is after it was raised, from a cause or not."""
    try:
        if cause is None:
            raise error
        try:
            raise cause
        except Exception as reason:
            raise error from reason
    except Exception as raised:
        return raised


@pytest.mark.parametrize(("log_format", "is_json"), [("auto", True), ("json", True), ("text", False)])
def test_away_from_a_terminal_the_log_is_json_unless_text_is_wanted(log_format, is_json):
    """One object per line with the event, its level, its time and its facts."""
    stream = io.StringIO()
    logs.configure(log_format, stream=stream)

    logs.logger("job").info("looked", batch_id=3)

    line = stream.getvalue()
    if is_json:
        entry = json.loads(line)
        assert (entry["event"], entry["level"], entry["part"], entry["batch_id"]) == ("looked", "info", "job", 3)
        assert entry["timestamp"].endswith("Z")
    else:
        assert "looked" in line
        assert not line.startswith("{")


def test_on_a_terminal_only_warnings_are_shown_as_text():
    """A person who runs a command sees what it prints, not its log."""
    stream = Terminal()
    logs.configure(stream=stream)

    logs.logger("job").info("looked")
    assert stream.getvalue() == ""
    logs.logger("job").warning("late")
    assert "late" in stream.getvalue()


def test_level_can_be_set():
    """debug shows everything, error only errors."""
    stream = io.StringIO()
    logs.configure("json", "error", stream=stream)
    logs.logger("job").warning("late")
    assert stream.getvalue() == ""

    logs.configure("json", "debug", stream=stream)
    logs.logger("job").debug("detail")
    assert json.loads(stream.getvalue())["event"] == "detail"


@pytest.mark.parametrize(
    "error",
    [ValueError("SECRET-7"), KeyError("SECRET-7"), UnicodeDecodeError("utf-8", b"SECRET-7\xff", 8, 9, "SECRET-7")],
    ids=lambda error: type(error).__name__,
)
def test_logged_error_has_frames_and_type_and_not_its_text(error):
    """Whoever wrote the text may have quoted a row."""
    stream = io.StringIO()
    logs.configure("json", stream=stream)

    logs.logger("job").error("failed", exc_info=failed(error))

    assert "SECRET-7" not in stream.getvalue().replace(__name__, "")
    exception = json.loads(stream.getvalue())["exception"]
    assert exception.endswith(type(error).__name__)
    assert "test_logs.py" in exception


def test_chain_of_causes_is_told_from_the_first_to_the_last():
    """Our own errors keep their words, others their type."""
    text = logs.frames(failed(StateError("the lock was lost", fix="Run again"), cause=ValueError("SECRET-7")))

    first, last = text.split("which led to:")
    assert first.strip().endswith("ValueError")
    assert last.strip().endswith("StateError: the lock was lost. Run again")


def test_error_without_data_keeps_its_text():
    """What the interpreter says of code helps to find a bug."""
    assert "AttributeError: no such field" in logs.frames(failed(AttributeError("no such field")))
