"""The COPY legs: rows leave and enter a server as blocks of COPY text, never as Python rows.

A leg out runs in a thread of its own and fills a pipe, whose other end yields blocks; the driver lets go of the
interpreter while it waits, so two legs and the comparison share two cores. This module is all that would change if a
better way to move blocks came along.
"""

import contextlib
import fcntl
import io
import os
import threading
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final, Self

import psycopg2
import psycopg2.errors
from psycopg2 import extensions, sql

from datasurface.yellow.engine.cancelling import Canceller

#: What moves at a time, in bytes; also the size asked for the pipe.
BLOCK_BYTES: Final = 1 << 20


class RowsOut:
    """`COPY … TO STDOUT` as blocks of text, cut anywhere.

    Use it as a context manager and iterate over it once. The connection can do nothing else meanwhile; leaving the
    block before the end cancels the statement, after which the connection's transaction can only be rolled back. An
    error of the server is raised by the iteration.
    """

    def __init__(self, connection: extensions.connection, statement: sql.Composed) -> None:
        self._connection = connection
        self._statement = statement
        self._canceller = Canceller(connection)
        self._error: BaseException | None = None
        self._reader = -1
        self._thread: threading.Thread | None = None
        self._ended = False

    @property
    def has_ended(self) -> bool:
        """Whether all rows were read, so that the transaction goes on."""
        return self._ended and self._error is None

    def __enter__(self) -> Self:
        self._reader, writer = os.pipe()
        with contextlib.suppress(OSError):  # an unprivileged user may be refused a larger pipe; a small one is slower
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, BLOCK_BYTES)
        self._thread = threading.Thread(target=self._run, args=(writer,), name="copy-out", daemon=True)
        self._thread.start()
        return self

    def __iter__(self) -> Iterator[bytes]:
        while block := os.read(self._reader, BLOCK_BYTES):
            yield block
        self._ended = True
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._ended:
            self._stop()
        os.close(self._reader)

    def _run(self, writer: int) -> None:
        try:
            with open(writer, "wb", buffering=BLOCK_BYTES) as pipe, self._connection.cursor() as cursor:
                cursor.copy_expert(self._statement.as_string(cursor), pipe)
        except BaseException as error:  # handed to the iterating thread
            self._error = error

    def _stop(self) -> None:
        """Cancel the statement and drain the pipe: a writer that waits for room would never see the cancel."""
        with contextlib.suppress(psycopg2.Error):
            self._canceller.cancel()
        while os.read(self._reader, BLOCK_BYTES):
            pass
        if self._thread is not None:
            self._thread.join()


def rows_in(connection: extensions.connection, statement: sql.Composed, blocks: Iterable[bytes]) -> int:
    """Run `COPY … FROM STDIN` with the text of `blocks` in the caller's transaction; returns the number of rows.

    An error of `blocks` is raised as it is; the statement has failed then.
    """
    feed = _Feed(blocks)
    with connection.cursor() as cursor:
        try:
            cursor.copy_expert(statement.as_string(cursor), feed, size=BLOCK_BYTES)
        except psycopg2.errors.QueryCanceled:
            # All that the driver says of an error while it reads is that it cancelled the statement.
            if feed.error is not None:
                raise feed.error from None
            raise
        return cursor.rowcount


class _Feed(io.RawIOBase):
    """What the driver reads a COPY from: the blocks, in pieces of at most the size it asks for."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        super().__init__()
        self._blocks = iter(blocks)
        self._rest = memoryview(b"")
        self.error: BaseException | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self._rest:
            try:
                block = next(self._blocks, None)
            except BaseException as error:
                self.error = error
                raise
            if block is None:
                return b""
            self._rest = memoryview(block)
        end = len(self._rest) if size < 0 else size
        piece, self._rest = bytes(self._rest[:end]), self._rest[end:]
        return piece


def copy_out(query: sql.Composable) -> sql.Composed:
    """`COPY (query) TO STDOUT` in the canonical text form."""
    return sql.SQL("COPY ({}) TO STDOUT").format(query)


def copy_in(table: sql.Composable, columns: Iterable[str]) -> sql.Composed:
    """`COPY table (columns) FROM STDIN` in the canonical text form."""
    names = sql.SQL(", ").join(sql.Identifier(column) for column in columns)
    return sql.SQL("COPY {} ({}) FROM STDIN").format(table, names)
