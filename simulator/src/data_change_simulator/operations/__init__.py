"""The operations and how often each comes. One file per operation; adding one is a file and a line here."""

from collections.abc import Mapping
from typing import Final

from data_change_simulator.changes import OperationName, PlannedChange
from data_change_simulator.operations import (
    address_change,
    address_removal,
    customer_change,
    new_address,
    new_customer,
)
from data_change_simulator.situation import Planner, Situation

PLANNERS: Final[Mapping[OperationName, Planner]] = {
    OperationName.INSERT_CUSTOMER: new_customer.plan,
    OperationName.UPDATE_CUSTOMER: customer_change.plan,
    OperationName.INSERT_ADDRESS: new_address.plan,
    OperationName.UPDATE_ADDRESS: address_change.plan,
    OperationName.DELETE_ADDRESS: address_removal.plan,
}

#: Expected number of each in 200 changes.
WEIGHTS: Final[Mapping[OperationName, int]] = {
    OperationName.INSERT_CUSTOMER: 38,
    OperationName.UPDATE_CUSTOMER: 71,
    OperationName.INSERT_ADDRESS: 40,
    OperationName.UPDATE_ADDRESS: 35,
    OperationName.DELETE_ADDRESS: 16,
}


def choose(situation: Situation) -> PlannedChange:
    """Draw an operation by weight and plan it; one that the source has no row for is drawn again without it."""
    open_names = list(WEIGHTS)
    while True:
        (name,) = situation.rng.choices(open_names, weights=[WEIGHTS[name] for name in open_names])
        planned = PLANNERS[name](situation)
        if planned is not None:
            return planned
        open_names.remove(name)
