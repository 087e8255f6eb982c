"""A small customer database that keeps changing, for demonstrations and tests of what follows a changing source.

The names below are the package's promise; everything else may change. The tables are `customers` and `addresses`, found
by the search path of the login role.
"""

from data_change_simulator.changes import Change, OperationName, RowChange, RowOperation
from data_change_simulator.connection import ConnectionParameters
from data_change_simulator.errors import ChangeRefused, ConnectionFailed, LogUnusable, SimulatorError, TablesUnfit
from data_change_simulator.net_changes import NetChange, net_changes
from data_change_simulator.schema import Setup, evolve_sql, seed_sql, source_ddl
from data_change_simulator.simulator import Simulator, Summary

__all__ = [
    "Change",
    "ChangeRefused",
    "ConnectionFailed",
    "ConnectionParameters",
    "LogUnusable",
    "NetChange",
    "OperationName",
    "RowChange",
    "RowOperation",
    "Setup",
    "Simulator",
    "SimulatorError",
    "Summary",
    "TablesUnfit",
    "evolve_sql",
    "net_changes",
    "seed_sql",
    "source_ddl",
]
