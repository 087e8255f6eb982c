"""The log of a process: one JSON object per line in a pod, readable lines on a terminal; always on stderr.

A log holds no value of the data and no secret: of an error that we did not word ourselves it has the frames and the
type. Nothing here decides what is logged.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from datasurface.errors import DatasurfaceError
from datasurface.runtime.settings import LogFormat, LogLevel

#: Errors whose text is written by the interpreter or the system about code and files, never about a row.
_HARMLESS: Final = (AttributeError, ImportError, MemoryError, NameError, OSError, RecursionError, TypeError)


def configure(log_format: LogFormat = "auto", log_level: LogLevel = "auto", *, stream: TextIO | None = None) -> None:
    """Log from now on in this form and from this level on; `stream` None: stderr."""
    target = sys.stderr if stream is None else stream
    is_terminal = target.isatty()
    is_json = log_format == "json" or (log_format == "auto" and not is_terminal)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_data,
            _renderer(is_json=is_json, in_colour=is_terminal),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_level(log_level, is_terminal=is_terminal)),
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> FilteringBoundLogger:
    """The logger of a part of the platform; `name` stands in every line."""
    bound: FilteringBoundLogger = structlog.get_logger(part=name)
    return bound


def frames(error: BaseException) -> str:
    """The traceback of an error and of its causes, without the text of errors that may quote a row.

    Frames hold lines of code; of the driver's errors, and of any other that could carry a value, only the type is said.
    """
    parts = []
    for link in _chain(error):
        stack = "".join(traceback.format_list(traceback.extract_tb(link.__traceback__)))
        parts.append(f"Traceback (most recent call last):\n{stack}{_described(link)}")
    return "\n\nwhich led to:\n\n".join(reversed(parts))


def _renderer(*, is_json: bool, in_colour: bool) -> Processor:
    if is_json:
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=in_colour)


def _level(log_level: LogLevel, *, is_terminal: bool) -> int:
    if log_level == "auto":
        return logging.WARNING if is_terminal else logging.INFO
    return logging.getLevelNamesMapping()[log_level.upper()]


def _without_data(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put the safe form of an error in the place of the error itself."""
    error: Any = event.pop("exc_info", None)
    if error is True:
        error = sys.exception()
    if isinstance(error, BaseException):
        event["exception"] = frames(error)
    return event


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what it came from, and so on; each once."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _described(error: BaseException) -> str:
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    is_builtin = type(error).__module__ == "builtins"
    if isinstance(error, DatasurfaceError) or (is_builtin and isinstance(error, _HARMLESS)):
        return f"{kind}: {error}"
    return kind
