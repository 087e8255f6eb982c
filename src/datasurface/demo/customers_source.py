"""The demo's own source: customers and addresses, changed by the simulator."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from psycopg2 import sql

import data_change_simulator
from data_change_simulator import (
    Change,
    ConnectionParameters,
    NetChange,
    OperationName,
    Simulator,
    SimulatorError,
    Summary,
)
from datasurface.demo.installation import Installation
from datasurface.demo.source import Progress, SourceChanges
from datasurface.errors import StateError
from datasurface.yellow.engine import roles
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.engine.init.init_plan import DemoSource

#: After the change of the schema a quarter of the changes is enough to show the new columns.
_LATER_SHARE: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersSource:
    """13 rows and a simulator that makes `changes` changes; the same `seed` makes the same ones."""

    seed: int
    changes: int

    @property
    def tables(self) -> DemoSource:
        """The simulator's own DDL and first rows."""
        return DemoSource(ddl=data_change_simulator.source_ddl(), seed=data_change_simulator.seed_sql())

    @property
    def story_dataset(self) -> str:
        """Customers, whose e-mail and telephone change."""
        return "customers"

    def fill(self, installation: Installation, progress: Progress) -> None:
        """The script has all rows."""

    def change(self, installation: Installation, progress: Progress) -> SourceChanges:
        """Run the simulator; what its log comes to per key is what a batch must find."""
        return self._simulated(installation, progress, seed=self.seed, changes=self.changes)

    def evolve(self, installation: Installation, progress: Progress) -> SourceChanges:
        """Add the four columns as their owner, then run the simulator again, which fills them."""
        admin = installation.admin
        with installation.session(installation.plan.customer_database, admin) as session:
            with roles.acting_as(session, installation.plan.roles.customer_owner), session.raw.cursor() as cursor:
                cursor.execute("SET LOCAL search_path = public")
                cursor.execute(sql.SQL(data_change_simulator.evolve_sql()))
            session.commit()
        later = max(1, self.changes // _LATER_SHARE)
        changes = self._simulated(installation, progress, seed=self.seed + 1, changes=later)
        return replace(changes, text=f"the tables gain columns; then {changes.text}")

    def further_changes(self, installation: Installation) -> Sequence[str]:
        """Where the source is, and who writes to it."""
        server = installation.server
        return [
            f"--host {server.host} --port {server.port} --user {installation.login('customer_writer').username}",
            "--max-changes 50 --min-interval 0 --max-interval 1",
        ]

    def _simulated(self, installation: Installation, progress: Progress, *, seed: int, changes: int) -> SourceChanges:
        writer = installation.login("customer_writer")
        endpoint = installation.endpoint(installation.plan.customer_database)
        parameters = ConnectionParameters(
            host=endpoint.host,
            port=endpoint.port,
            database=endpoint.database,
            user=writer.username,
            password=writer.password,
        )
        log: list[str] = []

        def keep(change: Change) -> None:
            log.append(change.to_json())
            progress(len(log), changes)

        try:
            summary = Simulator(parameters, seed=seed).run(changes, on_change=keep)
        except SimulatorError as error:
            raise StateError(f"the simulator stopped: {error}") from error
        return SourceChanges(text=_text(summary), counts=_net_counts(log))


def _text(summary: Summary) -> str:
    """The simulator's summary, grouped by table."""
    counts = summary.counts
    return (
        f"{summary.changes} changes: {counts[OperationName.INSERT_CUSTOMER]} customers new, "
        f"{counts[OperationName.UPDATE_CUSTOMER]} changed; {counts[OperationName.INSERT_ADDRESS]} addresses new, "
        f"{counts[OperationName.UPDATE_ADDRESS]} changed, {counts[OperationName.DELETE_ADDRESS]} removed"
    )


def _net_counts(log: list[str]) -> dict[str, Counts]:
    net = data_change_simulator.net_changes(log)
    counts = {}
    for table, changes in net.items():
        kinds = Counter(changes.values())
        counts[table] = Counts(
            inserted=kinds[NetChange.INSERTED], updated=kinds[NetChange.UPDATED], deleted=kinds[NetChange.DELETED]
        )
    return counts
