"""A customer gets one more address."""

from data_change_simulator.changes import OperationName, PlannedChange, RowKey
from data_change_simulator.situation import Situation
from data_change_simulator.source import ADDRESSES, CUSTOMERS
from data_change_simulator.statements import insert_row, update_row

_AS_BILLING = 0.4


def plan(situation: Situation) -> PlannedChange | None:
    """Insert an address, sometimes set as billing, and as primary where there is none; None without customers."""
    people = situation.people
    customer = situation.source.any_customer(situation.rng)
    if customer is None:
        return None
    address = RowKey(table=ADDRESSES, key=situation.ids.next_id(situation.source, ADDRESSES))
    owner = RowKey(table=CUSTOMERS, key=customer.id)
    values = {"id": address.key, "customerid": owner.key, "streetname": people.street(), **people.place()}
    keys = [address]
    statements = [insert_row(ADDRESSES, situation.fitting(ADDRESSES, values | situation.address_kind()))]
    address_ids: dict[str, object] = {}
    if customer.primary_address_id is None:
        address_ids["primaryaddressid"] = address.key
    if situation.rng.random() < _AS_BILLING:
        address_ids["billingaddressid"] = address.key
    if address_ids:
        keys.append(owner)
        statements.append(update_row(owner, situation.fitting(CUSTOMERS, address_ids | {"lastupdated": situation.now})))
    return PlannedChange(operation=OperationName.INSERT_ADDRESS, keys=tuple(keys), statements=tuple(statements))
