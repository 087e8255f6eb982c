"""A new customer with an address."""

from data_change_simulator.changes import OperationName, PlannedChange, RowKey
from data_change_simulator.situation import Situation
from data_change_simulator.source import ADDRESSES, CUSTOMERS
from data_change_simulator.statements import insert_row, update_row

_BILLING_TOO = 0.5


def plan(situation: Situation) -> PlannedChange:
    """Insert a customer, their address, and set the address as primary, in half of the cases as billing too.

    The customer's address ids are set last, so it works with foreign keys that are checked at once.
    """
    people, rng = situation.people, situation.rng
    customer = RowKey(table=CUSTOMERS, key=situation.ids.next_id(situation.source, CUSTOMERS))
    address = RowKey(table=ADDRESSES, key=situation.ids.next_id(situation.source, ADDRESSES))
    first_name, last_name = people.first_name(), people.last_name()
    person = {
        "id": customer.key,
        "firstname": first_name,
        "lastname": last_name,
        "dob": people.birthday(),
        "email": people.email(first_name, last_name),
        "phone": people.phone(),
        "datecreated": situation.now,
        "lastupdated": situation.now,
    }
    home = {"id": address.key, "customerid": customer.key, "streetname": people.street(), **people.place()}
    address_ids = {"primaryaddressid": address.key}
    if rng.random() < _BILLING_TOO:
        address_ids["billingaddressid"] = address.key
    return PlannedChange(
        operation=OperationName.INSERT_CUSTOMER,
        keys=(customer, address),
        statements=(
            insert_row(CUSTOMERS, situation.fitting(CUSTOMERS, person)),
            insert_row(ADDRESSES, situation.fitting(ADDRESSES, home | situation.address_kind())),
            update_row(customer, address_ids),
        ),
    )
