"""What an operation may look at when it plans a change: the source, the chances, the clock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final, TypeAlias

from data_change_simulator.changes import PlannedChange
from data_change_simulator.people import People
from data_change_simulator.source import ADDRESSES, CUSTOMERS, Source

#: Columns that the tables have only after their schema change.
_LATER_COLUMNS: Final = frozenset({"datecreated", "lastupdated", "addresstype", "country"})
_ADDRESS_TYPES: Final = ("home", "work", "billing", "delivery")
_ID_LETTERS: Final[Mapping[str, str]] = {CUSTOMERS: "C", ADDRESSES: "A"}


class Ids:
    """Hands out ids C<n> and A<n>; an id is not given again after its row was removed."""

    def __init__(self) -> None:
        self._highest = dict.fromkeys(_ID_LETTERS, 0)

    def next_id(self, source: Source, table: str) -> str:
        """An id that no row has now and none got from here before."""
        number = max(self._highest[table], source.highest_number(table)) + 1
        return f"{_ID_LETTERS[table]}{number}"

    def keep(self, table: str, key: str) -> None:
        """Remember that the row of this id was committed."""
        letter, number = key[:1], key[1:]
        if letter == _ID_LETTERS[table] and number.isdecimal():
            self._highest[table] = max(self._highest[table], int(number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything one change is made from; the same situation gives the same change.

    `columns` are the columns of each table now; `now` is a time without zone, in UTC, for datecreated and lastupdated.
    """

    source: Source
    columns: Mapping[str, frozenset[str]]
    ids: Ids
    rng: Random
    people: People
    now: datetime

    def fitting(self, table: str, values: Mapping[str, object]) -> dict[str, object]:
        """`values` without those columns of the later schema that the table does not have yet."""
        absent = _LATER_COLUMNS - self.columns[table]
        return {column: value for column, value in values.items() if column not in absent}

    def address_kind(self) -> dict[str, object]:
        """What an address row that is written has in the columns of the later schema."""
        return {"addresstype": self.rng.choice(_ADDRESS_TYPES), "country": "USA"}


#: An operation: a planned change, or None where the source has no row for it.
Planner: TypeAlias = Callable[[Situation], PlannedChange | None]
