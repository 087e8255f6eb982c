"""An address is corrected, or its customer has moved."""

from data_change_simulator.changes import OperationName, PlannedChange, RowKey
from data_change_simulator.situation import Situation
from data_change_simulator.source import ADDRESSES
from data_change_simulator.statements import update_row

_MOVED_TO_ANOTHER_PLACE = 0.6


def plan(situation: Situation) -> PlannedChange | None:
    """Set another street, in most cases also city, state and zip code; None when there is no address."""
    people, rng = situation.people, situation.rng
    address = situation.source.any_address(rng)
    if address is None:
        return None
    while (street := people.street()) == address.street:
        pass
    values: dict[str, object] = {"streetname": street, **situation.address_kind()}
    if rng.random() < _MOVED_TO_ANOTHER_PLACE:
        values |= people.place()
    row = RowKey(table=ADDRESSES, key=address.id)
    return PlannedChange(
        operation=OperationName.UPDATE_ADDRESS,
        keys=(row,),
        statements=(update_row(row, situation.fitting(ADDRESSES, values)),),
    )
