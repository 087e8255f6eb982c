"""A customer gives up one of several addresses."""

from data_change_simulator.changes import OperationName, PlannedChange, RowKey
from data_change_simulator.situation import Situation
from data_change_simulator.source import ADDRESSES, CUSTOMERS
from data_change_simulator.statements import delete_row


def plan(situation: Situation) -> PlannedChange | None:
    """Delete an address whose customer keeps another one; None when nobody has two.

    Customers who name it lose it by ON DELETE SET NULL, so their rows are among those touched.
    """
    source = situation.source
    address_id = source.any_spare_address_id(situation.rng)
    if address_id is None:
        return None
    address = RowKey(table=ADDRESSES, key=address_id)
    owners = (RowKey(table=CUSTOMERS, key=key) for key in source.customers_at(address_id))
    return PlannedChange(
        operation=OperationName.DELETE_ADDRESS, keys=(address, *owners), statements=(delete_row(address),)
    )
