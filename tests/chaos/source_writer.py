"""Keeps changing the source, and knows for sure what is in it: every transaction is stamped, logged, never in doubt.

The sum of an account's entries is always its balance, so a batch that mixes two moments of the source shows by itself.
"""

import contextlib
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import psycopg2
from psycopg2 import extensions

from tests.chaos.oracle import STAMP, Row, State

#: What the fingerprint of a snapshot is made of; the same query over the merge side's views gives the same number.
FINGERPRINT: Final = (
    "SELECT (SELECT sum(hashtextextended(x::text, 1)) FROM (SELECT id, name, balance FROM {accounts}) AS x)"
    " + (SELECT sum(hashtextextended(x::text, 2)) FROM (SELECT id, account, amount, note FROM {entries}) AS x)"
    " + (SELECT sum(hashtextextended(x::text, 3)) FROM (SELECT kind, content FROM {notes}) AS x)"
)
_TEXTS: Final = ("", " ", "a\tb", "\\N", "\\.", "line\nline", "Größe", "\U0001f600", None, "x" * 120, "'", '"', "%s")
_MOST_ENTRIES: Final = 120
_MOST_ACCOUNTS: Final = 25
_PAUSE_SECONDS: Final = 0.02
_ATTEMPTS: Final = 200

Statement = tuple[str, tuple[Any, ...]]


class Draft:
    """The next state in the making, and the statements that lead to it."""

    def __init__(self, state: State, version: int, chance: random.Random) -> None:
        self.version = version
        self.accounts = dict(state.accounts)
        self.entries = dict(state.entries)
        self.notes = dict(state.notes)
        self.statements: list[Statement] = []
        self._chance = chance

    def change(self) -> None:
        """One change of a random kind."""
        act: Callable[[], None] = self._chance.choice(
            [self.add_entry, self.add_entry, self.change_entry, self.remove_entry, self.rename, self.add_account,
             self.remove_account, self.add_note, self.add_note, self.remove_note]
        )  # fmt: skip
        act()

    def add_account(self) -> None:
        if len(self.accounts) < _MOST_ACCOUNTS:
            key = self._free(self.accounts)
            self.accounts[key] = (key, f"account {self.version}", 0)
            self.statements.append(("INSERT INTO accounts VALUES (%s, %s, 0)", (key, f"account {self.version}")))

    def rename(self) -> None:
        key = self._any(self.accounts)
        if key is not None:
            name = self._chance.choice(["account", "Account", "konto\t", f"name {self.version}"])
            self.accounts[key] = (key, name, self.accounts[key][2])
            self.statements.append(("UPDATE accounts SET name = %s WHERE id = %s", (name, key)))

    def remove_account(self) -> None:
        """With all its entries."""
        key = self._any(self.accounts)
        if key is not None and len(self.accounts) > 3:
            del self.accounts[key]
            self.entries = {each: row for each, row in self.entries.items() if row[1] != key}
            self.statements.append(("DELETE FROM accounts WHERE id = %s", (key,)))

    def add_entry(self, note: str | None = None) -> None:
        account = self._any(self.accounts)
        if account is None or (note is None and len(self.entries) >= _MOST_ENTRIES):
            return
        key = self._free(self.entries, 400 if note is None else 1_000_000)
        amount = self._chance.randint(-50, 50)
        text = self._chance.choice(_TEXTS) if note is None else note
        self.entries[key] = (key, account, amount, text)
        self.statements.append(("INSERT INTO entries VALUES (%s, %s, %s, %s)", (key, account, amount, text)))
        self._add_balance(account, amount)

    def change_entry(self) -> None:
        key = self._any(self.entries)
        if key is not None:
            _, account, before, _ = self.entries[key]
            amount, text = self._chance.randint(-50, 50), self._chance.choice(_TEXTS)
            self.entries[key] = (key, account, amount, text)
            self.statements.append(("UPDATE entries SET amount = %s, note = %s WHERE id = %s", (amount, text, key)))
            self._add_balance(account, amount - before)

    def remove_entry(self) -> None:
        key = self._any(self.entries)
        if key is not None:
            _, account, before, _ = self.entries.pop(key)
            self.statements.append(("DELETE FROM entries WHERE id = %s", (key,)))
            self._add_balance(account, -before)

    def add_note(self) -> None:
        row = (self._chance.choice(["a", "b", None]), self._chance.choice(_TEXTS))
        if sum(self.notes.values()) < _MOST_ENTRIES:
            self.notes[row] = self.notes.get(row, 0) + 1
            self.statements.append(("INSERT INTO notes VALUES (%s, %s)", row))

    def remove_note(self) -> None:
        """One of equal rows."""
        rows = sorted((row for row in self.notes if row[0] != "version"), key=repr)
        if rows:
            row = self._chance.choice(rows)
            self.notes[row] -= 1
            if not self.notes[row]:
                del self.notes[row]
            self.statements.append(
                (
                    "DELETE FROM notes WHERE ctid = (SELECT ctid FROM notes WHERE kind IS NOT DISTINCT FROM %s"
                    " AND content IS NOT DISTINCT FROM %s LIMIT 1)",
                    row,
                )
            )

    def stamp(self) -> None:
        """Put the version into a row of each table."""
        text = f"{self.version}"
        self.accounts[STAMP] = (STAMP, text, 0)
        self.entries[STAMP] = (STAMP, STAMP, 0, text)
        self.notes = {row: times for row, times in self.notes.items() if row[0] != "version"} | {("version", text): 1}
        self.statements += [
            ("INSERT INTO accounts VALUES (0, %s, 0) ON CONFLICT (id) DO UPDATE SET name = excluded.name", (text,)),
            ("INSERT INTO entries VALUES (0, 0, 0, %s) ON CONFLICT (id) DO UPDATE SET note = excluded.note", (text,)),
            ("DELETE FROM notes WHERE kind = 'version'", ()),
            ("INSERT INTO notes VALUES ('version', %s)", (text,)),
        ]

    def state(self, fingerprint: str) -> State:
        return State(self.version, self.accounts, self.entries, self.notes, fingerprint)

    def _add_balance(self, account: int, amount: int) -> None:
        key, name, balance = self.accounts[account]
        self.accounts[account] = (key, name, balance + amount)
        self.statements.append(("UPDATE accounts SET balance = balance + %s WHERE id = %s", (amount, account)))

    def _any(self, rows: dict[int, Row]) -> int | None:
        keys = sorted(key for key in rows if key != STAMP)
        return self._chance.choice(keys) if keys else None

    def _free(self, rows: dict[int, Row], most: int = 400) -> int:
        """A key that is free; some of them were taken before, so keys return."""
        return next(key for key in iter(lambda: self._chance.randint(1, most), None) if key not in rows)


class Writer:
    """A thread that changes the source while it may; `states` is every version that ever was in it."""

    def __init__(self, connect: Callable[[], extensions.connection], log: Path, seed: int) -> None:
        self._connect = connect
        self._log = log.open("a", encoding="utf-8")
        self._chance = random.Random(seed)
        self._connection: extensions.connection | None = None
        self._guard = threading.Lock()
        self._may_write = threading.Event()
        self._is_closing = False
        self._last_version = 0
        self.states: dict[int, State] = {}
        self.state = State(0, {}, {}, {})
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def begin(self) -> None:
        """The source is empty and new: fill it."""
        self.leave()
        self.states.clear()
        self.state = State(0, {}, {}, {})
        self.write(changes=60)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._is_closing = True
        self._may_write.set()
        self._thread.join()
        self.leave()
        self._log.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Change the source all through the block, and not after it."""
        self._may_write.set()
        try:
            yield
        finally:
            self._may_write.clear()
            with self._guard:
                pass
            if self.error is not None:
                raise self.error

    def write(self, *, changes: int = 3, bulk_bytes: int = 0) -> None:
        """One transaction, on a server that is up. `bulk_bytes` more of new text, which the next one takes away."""
        with self._guard:
            for _ in range(_ATTEMPTS):
                try:
                    return self._write(changes, bulk_bytes)
                except (psycopg2.OperationalError, psycopg2.InterfaceError):
                    self.leave()  # the connection was the old one, of before a crash
                    time.sleep(_PAUSE_SECONDS)
        raise TimeoutError("the source takes no changes")

    def leave(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def look_again(self) -> None:
        """The source may be at another of its versions than the last one written: see at which."""
        with self._guard:
            self.leave()
            self._resolve()

    def _run(self) -> None:
        while not self._is_closing:
            self._may_write.wait()
            with self._guard:
                if self._may_write.is_set() and not self._is_closing and self.error is None:
                    try:
                        self._write(self._chance.randint(1, 4), 0)
                    except (psycopg2.OperationalError, psycopg2.InterfaceError):
                        self.leave()  # the server is away; the next transaction resolves what became of this one
                    except BaseException as error:
                        self.error = error
            time.sleep(_PAUSE_SECONDS)

    def _write(self, changes: int, bulk_bytes: int) -> None:
        if self._connection is None:
            self._resolve()
        assert self._connection is not None
        self._last_version += 1
        draft = Draft(self.state, self._last_version, self._chance)
        self._remove_bulk(draft)
        for _ in range(changes):
            draft.change()
        if not draft.accounts:
            draft.add_account()
        for _ in range(bulk_bytes // 2000):
            draft.add_entry(f"bulk {self._chance.randbytes(990).hex()}")
        draft.stamp()
        with self._connection.cursor() as cursor:
            if self._chance.random() < 0.5:
                # A crash of the source may take such a transaction back after it was seen.
                cursor.execute("SET LOCAL synchronous_commit = off")
            for statement, values in draft.statements:
                cursor.execute(statement, values)
            cursor.execute(FINGERPRINT.format(accounts="accounts", entries="entries", notes="notes"))
            row = cursor.fetchone()
        state = draft.state(str(row[0]) if row else "")
        self.states[state.version] = state  # before the commit: after a lost answer it may be the present one
        self._connection.commit()
        self.state = state
        self._log.write(json.dumps({"version": state.version, "statements": draft.statements}) + "\n")
        self._log.flush()

    @staticmethod
    def _remove_bulk(draft: Draft) -> None:
        keys = [key for key, row in draft.entries.items() if str(row[3]).startswith("bulk ")]
        for key in keys:
            _, account, amount, _ = draft.entries.pop(key)
            draft.statements.append(("DELETE FROM entries WHERE id = %s", (key,)))
            draft._add_balance(account, -amount)

    def _resolve(self) -> None:
        """Connect, and see at which version the source is."""
        self._connection = self._connect()
        with self._connection.cursor() as cursor:
            cursor.execute("SET search_path = public")
            cursor.execute("SELECT name FROM accounts WHERE id = %s", [STAMP])
            row = cursor.fetchone()
        self._connection.commit()
        self.state = self.states[int(row[0])] if row else State(0, {}, {}, {})


def rows_of(connection: extensions.connection, query: Any) -> Counter[Row]:
    """The rows of a query, each with how often it comes."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        return Counter(cursor.fetchall())
