"""What the steps of the tour share: the options, the server, and what earlier steps made."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from datasurface.connections import Connections, Login
from datasurface.demo.embedded import EmbeddedServer
from datasurface.demo.installation import Installation
from datasurface.demo.source import ChangingSource, Progress
from datasurface.loader import LoadedModel
from datasurface.model.platforms import MilestoneStrategy
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.difference.delta import Counts
from datasurface.yellow.plan.ecosystem_plan import EcosystemPlan
from datasurface.yellow.plan.streams import StreamPlan

#: The schema of the demo's source tables and of its merge tables.
SCHEMA: Final = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class TourOptions:
    """`model` is the directory of the model; one of the same name that ends in `-evolved` is its later form.

    `keep` leaves the server running. The same `seed` and number of `changes` change the source in the same way.
    """

    model: Path
    seed: int = 1
    changes: int = 200
    keep: bool = False

    @property
    def evolved_model(self) -> Path | None:
        """The model's later form, or None where it has none."""
        model = self.model.absolute()
        later = model.with_name(f"{model.name}-evolved")
        return later if later.is_dir() else None


@dataclass(kw_only=True)
class Stage:
    """The state of one tour; the fields without a default are set by the step that makes them.

    `expected` is what the next batch must count per source table: the net changes since the last one, with the rows
    that the table has now as total.
    """

    options: TourOptions
    server: EmbeddedServer
    progress: Progress
    model: LoadedModel = field(init=False)
    source: ChangingSource = field(init=False)
    installation: Installation = field(init=False)
    plan: EcosystemPlan = field(init=False)
    reader: Login = field(init=False)
    expected: Mapping[str, Counts] = field(default_factory=dict)
    rounds: int = 0

    @property
    def streams(self) -> Sequence[StreamPlan]:
        """Every stream, the live ones first."""
        return sorted(self.plan.streams, key=lambda each: each.strategy is not MilestoneStrategy.LIVE_ONLY)

    @property
    def connections(self) -> Connections:
        """Where the installation's databases are."""
        return self.installation.connections

    def source_session(self) -> AbstractContextManager[Session]:
        """The superuser in the source database."""
        return self.installation.session(self.installation.plan.customer_database, self.installation.admin)

    def merge_session(self) -> AbstractContextManager[Session]:
        """The superuser in the merge database."""
        return self.installation.session(self.installation.plan.merge_database, self.installation.admin)
