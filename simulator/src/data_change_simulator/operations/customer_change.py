"""A customer changes email, phone or both."""

from collections.abc import Callable

from data_change_simulator.changes import OperationName, PlannedChange, RowKey
from data_change_simulator.situation import Situation
from data_change_simulator.source import CUSTOMERS
from data_change_simulator.statements import update_row

_WAYS = (("email",), ("phone",), ("email", "phone"))
_WEIGHTS = (45, 40, 15)


def plan(situation: Situation) -> PlannedChange | None:
    """Set a new email, a new phone or both; None when there is no customer."""
    people = situation.people
    customer = situation.source.any_customer(situation.rng)
    if customer is None:
        return None
    values: dict[str, object] = {"lastupdated": situation.now}
    (columns,) = situation.rng.choices(_WAYS, weights=_WEIGHTS)
    if "email" in columns:
        values["email"] = _other_than(customer.email, lambda: people.email(customer.first_name, customer.last_name))
    if "phone" in columns:
        values["phone"] = _other_than(customer.phone, people.phone)
    row = RowKey(table=CUSTOMERS, key=customer.id)
    return PlannedChange(
        operation=OperationName.UPDATE_CUSTOMER,
        keys=(row,),
        statements=(update_row(row, situation.fitting(CUSTOMERS, values)),),
    )


def _other_than(present: str | None, draw: Callable[[], str]) -> str:
    while (value := draw()) == present:
        pass
    return value
