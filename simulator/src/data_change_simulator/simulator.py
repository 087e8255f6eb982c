"""A run of the simulator: how many changes, at what pace, and what it came to. One change: change_writer.py."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random, SystemRandom
from types import MappingProxyType
from typing import Final

from data_change_simulator.change_writer import ChangeWriter
from data_change_simulator.changes import Change, OperationName
from data_change_simulator.connection import ConnectionParameters, Link, connect_or_fail
from data_change_simulator.first_connection import wait_for_source
from data_change_simulator.people import People
from data_change_simulator.schema import Setup, set_up
from data_change_simulator.situation import Ids
from data_change_simulator.stop_switch import StopSwitch

_PARTS: Final[Mapping[OperationName, tuple[str, str]]] = {
    OperationName.INSERT_CUSTOMER: ("new customer", "new customers"),
    OperationName.UPDATE_CUSTOMER: ("changed customer", "changed customers"),
    OperationName.INSERT_ADDRESS: ("new address", "new addresses"),
    OperationName.UPDATE_ADDRESS: ("changed", "changed"),
    OperationName.DELETE_ADDRESS: ("removed", "removed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What one run came to.

    `counts` has every operation, also those with 0. `is_last_change_in_doubt`: the run was stopped while the server was
    away and had not said whether one further change was committed; that one is not in the counts.
    """

    counts: Mapping[OperationName, int]
    seed: int
    elapsed_seconds: float
    reconnects: int
    is_last_change_in_doubt: bool

    @property
    def changes(self) -> int:
        """Committed changes."""
        return sum(self.counts.values())

    def __str__(self) -> str:
        parts = ", ".join(f"{self.counts[name]} {words[self.counts[name] != 1]}" for name, words in _PARTS.items())
        return f"{self.changes} {'change' if self.changes == 1 else 'changes'} ({parts})"


class Simulator:
    """Changes the rows of one customer database.

    The same seed and the same rows to start from give the same sequence of changes: operations, keys and values, apart
    from the time of day in datecreated and lastupdated. It does not depend on the pace, nor on lost connections. Runs
    of one simulator go on in that sequence. `seed` None draws one; `seed` of the object says which.

    A source that is not there yet is waited for `wait_seconds`: server, login, database and tables. `beat` is called at
    every change and at least every few seconds while the simulator waits for anything.
    """

    def __init__(
        self,
        parameters: ConnectionParameters,
        *,
        seed: int | None = None,
        wait_seconds: float = 0,
        beat: Callable[[], None] | None = None,
    ) -> None:
        self.parameters = parameters
        self.seed = SystemRandom().randrange(2**32) if seed is None else seed
        self._wait_seconds = wait_seconds
        self._switch = StopSwitch(beat)
        self._ids = Ids()
        self._people = People()
        self._pace = Random(f"{self.seed}:pace")
        self._n = 0

    def create_tables(self) -> Setup | None:
        """Make the tables if missing, fill them if empty; None if it was stopped while it waited for the server.

        Raises ConnectionFailed or TablesUnfit.
        """
        if not self._is_there(with_tables=False):
            return None
        connection = connect_or_fail(self.parameters)
        try:
            return set_up(connection)
        finally:
            connection.close()

    def run(
        self,
        max_changes: int,
        min_interval: float = 0,
        max_interval: float = 0,
        on_change: Callable[[Change], None] | None = None,
    ) -> Summary:
        """Commit `max_changes` changes (0: until stop()) and return what they came to; the connection is closed then.

        Between two changes it waits `min_interval` to `max_interval` seconds. Each change is one transaction;
        `on_change` gets it right after its commit, in this thread. A server that goes away is waited for.

        Raises ConnectionFailed if the first connection fails or the source did not come in time, TablesUnfit, or
        ChangeRefused.
        """
        if max_changes < 0 or not 0 <= min_interval <= max_interval:
            raise ValueError("max_changes must not be negative, and 0 <= min_interval <= max_interval")
        is_there = self._is_there(with_tables=True)
        started = time.monotonic()
        counts: Counter[OperationName] = Counter()
        link = Link(self.parameters, self._switch)
        writer = ChangeWriter(seed=self.seed, link=link, switch=self._switch, ids=self._ids, people=self._people)
        if is_there:
            link.open()
        try:
            while is_there and not self._switch.is_pulled and (max_changes == 0 or counts.total() < max_changes):
                if counts and self._switch.wait(self._pace.uniform(min_interval, max_interval)):
                    break
                change = self._next_change(writer)
                if change is None:
                    break
                counts[change.operation] += 1
                if on_change is not None:
                    on_change(change)
        finally:
            link.close()
        return Summary(
            counts=MappingProxyType({name: counts[name] for name in OperationName}),
            seed=self.seed,
            elapsed_seconds=time.monotonic() - started,
            reconnects=link.reconnects,
            is_last_change_in_doubt=writer.is_in_doubt,
        )

    def stop(self) -> None:
        """End the run after the change it is at, or at once if it waits. For signal handlers and other threads.

        A simulator that was stopped stays so.
        """
        self._switch.pull()

    def _is_there(self, *, with_tables: bool) -> bool:
        """Whether the source is there, waited for if that is wanted; False if the run was stopped meanwhile."""
        self._switch.wait(0)
        if self._wait_seconds <= 0:
            return True
        return wait_for_source(self.parameters, self._switch, wait_seconds=self._wait_seconds, with_tables=with_tables)

    def _next_change(self, writer: ChangeWriter) -> Change | None:
        written = writer.commit_change(self._n + 1)
        if written is None:
            return None
        self._n += 1
        return Change(n=self._n, at=datetime.now(UTC), operation=written.planned.operation, rows=written.rows)
