"""Reading the source inside the transaction of a change. Writes nothing; row locks are all it takes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from psycopg2 import extensions

from data_change_simulator.changes import RowKey
from data_change_simulator.errors import TablesUnfit
from data_change_simulator.queries import QUERIES

CUSTOMERS: Final = "customers"
ADDRESSES: Final = "addresses"

#: Columns without which there is nothing to simulate.
REQUIRED_COLUMNS: Final[Mapping[str, frozenset[str]]] = {
    CUSTOMERS: frozenset(
        {"id", "firstname", "lastname", "dob", "email", "phone", "primaryaddressid", "billingaddressid"}
    ),
    ADDRESSES: frozenset({"id", "customerid", "streetname", "city", "state", "zipcode"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """What a change needs to know of a customer; None is null."""

    id: str
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    primary_address_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What a change needs to know of an address."""

    id: str
    street: str


class Source:
    """The two tables as one transaction sees them."""

    def __init__(self, cursor: extensions.cursor) -> None:
        self._cursor = cursor

    def columns(self) -> Mapping[str, frozenset[str]]:
        """The columns that both tables have now; raises TablesUnfit where one that is needed is missing."""
        found = {table: self._columns_of(table) for table in REQUIRED_COLUMNS}
        for table, required in REQUIRED_COLUMNS.items():
            if not found[table]:
                raise TablesUnfit(f"there is no table {table}: run with --create-tables, or name another --database")
            if missing := required - found[table]:
                raise TablesUnfit(f"table {table} lacks columns: {', '.join(sorted(missing))}")
        return found

    def _columns_of(self, table: str) -> frozenset[str]:
        self._cursor.execute(QUERIES["find_columns"], {"table": table})
        return frozenset(name for (name,) in self._cursor.fetchall())

    def any_customer(self, rng: Random) -> Customer | None:
        """A customer, each with the same chance; None when there is none."""
        row = self._any_row(rng, "count_customers", "nth_customer")
        if row is None:
            return None
        key, first_name, last_name, email, phone, primary = row
        return Customer(
            id=str(key),
            first_name=str(first_name),
            last_name=str(last_name),
            email=None if email is None else str(email),
            phone=None if phone is None else str(phone),
            primary_address_id=None if primary is None else str(primary),
        )

    def any_address(self, rng: Random) -> Address | None:
        """An address, each with the same chance; None when there is none."""
        row = self._any_row(rng, "count_addresses", "nth_address")
        if row is None:
            return None
        key, street = row
        return Address(id=str(key), street=str(street))

    def any_spare_address_id(self, rng: Random) -> str | None:
        """The id of an address whose customer has another one; None when there is none."""
        row = self._any_row(rng, "count_spare_addresses", "nth_spare_address")
        return None if row is None else str(row[0])

    def customers_at(self, address_id: str) -> list[str]:
        """Ids of the customers whose primary or billing address this is."""
        self._cursor.execute(QUERIES["customers_at_address"], {"address": address_id})
        return [key for (key,) in self._cursor.fetchall()]

    def highest_number(self, table: str) -> int:
        """The highest n of the ids C<n> or A<n> in the table; 0 when there is none."""
        query = "highest_customer_number" if table == CUSTOMERS else "highest_address_number"
        return self._number(query)

    def locked_hashes(self, keys: Iterable[RowKey]) -> dict[RowKey, str]:
        """A hash of the content of each row that exists, locked until the transaction ends; customers first."""
        wanted = list(keys)
        hashes: dict[RowKey, str] = {}
        for table in (CUSTOMERS, ADDRESSES):
            parameters = {"keys": [row.key for row in wanted if row.table == table]}
            self._cursor.execute(QUERIES[f"lock_and_hash_{table}"], parameters)
            hashes.update({RowKey(table=table, key=key): digest for key, digest in self._cursor.fetchall()})
        return hashes

    def _any_row(self, rng: Random, count_query: str, nth_query: str) -> tuple[object, ...] | None:
        count = self._number(count_query)
        if count == 0:
            return None
        self._cursor.execute(QUERIES[nth_query], {"offset": rng.randrange(count)})
        return self._cursor.fetchone()

    def _number(self, query: str) -> int:
        self._cursor.execute(QUERIES[query])
        row = self._cursor.fetchone()
        return int(row[0]) if row else 0
