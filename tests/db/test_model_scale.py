"""What a merge costs by the size of its model: not its time, which says nothing on a busy machine, but its shape."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2.extensions
import pytest

from datasurface.dsl import Consistency
from datasurface.loader import LoadedModel
from datasurface.yellow.engine.connect import Session
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.model_merge import model_apply, model_steps
from datasurface.yellow.engine.model_merge.model_apply import ApplyOutcome
from datasurface.yellow.engine.model_merge.model_steps import MergeStep
from datasurface.yellow.engine.views.view_steps import ViewAction
from tests.db.models import CUSTOMERS, ID, NAME, Landscape
from tests.db.site import INSTALLED, Site, applied

SMALL, LARGE = 2, 12
VIEW = "yellowlive_consumer1_livedsg_t00_view"
OTHER = "yellowlive_consumer1_livedsg_t01_view"
MERGE = "yellowlive_store1_t00_merge"


def landscape(datasets: int, **changes: Any) -> Landscape:
    """A store of so many datasets, live and as history."""
    return replace(CUSTOMERS, datasets={f"t{number:02}": (ID, NAME) for number in range(datasets)}, **changes)


def loaded(model: Landscape) -> LoadedModel:
    """The model as a loader gives it, with the hash of its content."""
    return replace(model.loaded(), digest=str(hash(repr(model))))


class Watched(Links):
    """Sessions of a merge that count: statements, transactions that write, and the most locks held at a time."""

    def __init__(self, site: Site) -> None:
        super().__init__(site.installation.connections, application_name="test apply")
        self.statements: list[str] = []
        self.writing: list[str] = []
        self.most_locks = 0

    @contextmanager
    def apply(self) -> Iterator[Session]:
        with super().apply() as session:
            session.raw.cursor_factory = self._cursor()
            yield session

    def _cursor(self) -> Callable[..., psycopg2.extensions.cursor]:
        watched = self

        class Cursor(psycopg2.extensions.cursor):
            def execute(self, query: Any, parameters: Any = None) -> None:
                super().execute(query, parameters)
                text = (self.query or b"").decode()
                watched.statements.append(text)
                if self.connection.info.transaction_status == psycopg2.extensions.TRANSACTION_STATUS_INTRANS:
                    watched.look(self.connection, text)

        return Cursor

    def look(self, connection: psycopg2.extensions.connection, text: str) -> None:
        """Ask the server what the transaction has done so far."""
        with connection.cursor(cursor_factory=psycopg2.extensions.cursor) as cursor:
            cursor.execute(
                "SELECT pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL,"
                " (SELECT count(*) FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid() AND NOT fastpath)"
            )
            has_written, locks = cursor.fetchone() or (False, 0)
        self.writing += [text] if has_written else []
        self.most_locks = max(self.most_locks, locks)


def apply(site: Site, model: Landscape) -> tuple[ApplyOutcome, Watched]:
    """Apply a model and tell what that took."""
    links = Watched(site)
    outcome = model_apply.apply_revision(links, loaded(model), INSTALLED)
    applied(outcome)
    return outcome, links


@pytest.fixture
def site(installation) -> Site:
    return Site(installation=installation)


def test_an_unchanged_model_is_applied_without_a_write_by_as_many_statements_for_any_number_of_datasets(site):
    """Every table and view is compared in the server; nothing is read or written per object."""
    counted = {}
    for datasets in (SMALL, LARGE):
        model = landscape(datasets).but(datasets)
        apply(site, model)
        outcome, links = apply(site, model)
        assert outcome.counts.views[ViewAction.UNCHANGED] == 3 * datasets
        assert (links.writing, outcome.counts.is_recorded, outcome.changes.is_empty) == ([], False, True)
        counted[datasets] = len(links.statements)

    assert counted[SMALL] == counted[LARGE]


def test_one_changed_dataset_is_examined_alone(site):
    """The statements of a change do not grow with the datasets that stay."""
    counted = {}
    for number, datasets in enumerate((SMALL, LARGE)):
        model = landscape(datasets).but(2 * number + 1)
        apply(site, model)
        wider = {**model.datasets, "t00": (ID, NAME, replace(NAME, name=f"added{number}"))}
        outcome, links = apply(site, replace(model, datasets=wider).but(2 * number + 2))
        assert (outcome.counts.tables_altered, outcome.counts.views[ViewAction.UPDATED]) == (2, 3)
        counted[datasets] = len(links.statements)

    assert counted[SMALL] == counted[LARGE]


DAMAGES = (
    f"REVOKE ALL ON public.{VIEW} FROM PUBLIC, consumer1_reader",
    f"GRANT SELECT ON public.{VIEW} TO PUBLIC",
    f"DROP VIEW public.{VIEW}",
    f"CREATE OR REPLACE VIEW public.{VIEW} WITH (security_barrier = true) AS TABLE public.{OTHER}",
    f"ALTER VIEW public.{VIEW} RESET (security_barrier)",
    f"ALTER TABLE public.{MERGE} RENAME COLUMN name TO other",
    "DROP TABLE public.yellowlive_store1_t00_staging",
    "DELETE FROM public.yellowlive_stream_plan",
    "UPDATE public.yellowlive_airflow_dsg SET status = 'inactive'",
    "UPDATE public.ds_platform SET stream_count = 7",
    "DROP OWNED BY consumer1_reader",
    "CREATE VIEW public.stray AS SELECT 1; ALTER VIEW public.stray OWNER TO ds_views;"
    ' COMMENT ON VIEW public.stray IS \'datasurface:{{"platform": "yellowlive", "workspace": "w",'
    ' "definition": "d", "stored": "s"}}\'',
)


def test_what_somebody_broke_since_is_found_and_healed_by_an_unchanged_model(site):
    """Each thing that a merge examines is seen to differ from how the last merge left it."""
    model = landscape(2)
    apply(site, model)
    before = rights_and_columns(site)
    for damage in DAMAGES:
        site.execute(damage)
        outcome, links = apply(site, model)
        assert (outcome.changes.is_empty, links.writing != []) == (True, True), damage
        assert rights_and_columns(site) == before, damage
        assert site.query("SELECT count(*) FROM {}", "yellowlive_stream_plan") == [(1,)]
        assert site.query("SELECT DISTINCT stream_count FROM {}", "ds_platform") == [(1,)]
        assert site.query("SELECT count(*) FROM pg_class WHERE relname = 'stray'") == [(0,)]
    assert apply(site, model)[1].writing == []


def rights_and_columns(site: Site) -> list[tuple[Any, ...]]:
    """What readers see; a column that somebody renamed stays in its table and is shown nowhere."""
    return sorted(row[:4] for row in site.visible() if len(row) > 1)


def test_a_merge_takes_no_more_locks_for_more_datasets(site, monkeypatch):
    """Tables and views are made in steps of a bounded size, each committed, so that any number fits the lock table."""
    for step in ("_TABLES_PER_STEP", "_VIEWS_PER_STEP", "_ROLES_PER_STEP"):
        monkeypatch.setattr(model_steps, step, 2)
    most = {datasets: apply(site, landscape(datasets).but(datasets))[1].most_locks for datasets in (4, LARGE)}

    assert most[LARGE] <= most[4]


def test_an_installation_without_the_table_of_known_objects_is_examined_in_full(site):
    """A release that is not initialised yet works as before."""
    model = landscape(2)
    apply(site, model)
    site.execute("DROP TABLE public.ds_known_object")

    outcome, _ = apply(site, model)

    assert outcome.counts.views[ViewAction.UNCHANGED] == 6


KILLED = """
import os, pickle, signal, sys
from pathlib import Path
from datasurface.connections import load_connections
from datasurface.yellow.engine.links import Links
from datasurface.yellow.engine.model_merge import model_apply
from datasurface.yellow.engine.model_merge.model_steps import MergeStep
from tests.db.site import INSTALLED
from tests.db.test_model_scale import landscape, loaded

def report(step):
    if step is MergeStep[sys.argv[2]]:
        os.kill(os.getpid(), signal.SIGKILL)

model_apply.apply_revision(
    Links(load_connections(Path(sys.argv[1]))), loaded(landscape(4)), INSTALLED, report=report
)
"""


@pytest.mark.parametrize("step", [MergeStep.TABLES, MergeStep.WRITTEN], ids=lambda step: step.name)
def test_a_first_merge_that_was_killed_is_finished_by_the_next(site, step):
    """What was made stays and is found; nothing is deployed before the end."""
    root = Path(__file__).parents[2]
    site.installation.endpoint("merge")
    command = [sys.executable, "-c", KILLED, str(site.installation.connections_path), step.name]
    assert subprocess.run(command, cwd=root, check=False, env={"PYTHONHASHSEED": "0"}).returncode == -9
    assert site.revisions() == []

    outcome, _ = apply(site, landscape(4))

    assert outcome.counts.tables_created == 0
    assert apply(site, landscape(4))[1].writing == []
    assert site.query("SELECT count(*) FROM {}", "yellowlive_stream_plan") == [(1,)]


def test_streams_of_single_datasets_are_written_together(site):
    """A platform with a stream per dataset costs no statement per stream either."""
    model = landscape(LARGE, consistency=Consistency.SINGLE_DATASET)
    apply(site, model)

    _, links = apply(site, model)

    assert site.query("SELECT count(*) FROM {}", "yellowlive_stream_plan", who="apply") == [(LARGE,)]
    assert links.writing == []
