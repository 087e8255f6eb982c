"""The DAG bundle of the platform: it keeps a folder of DAG files equal to the rows of the merge database.

What is known last stays where anything goes wrong: a database that is away, a table that lost rows and a row that
cannot be read take no DAG with them. What a file holds is decided elsewhere; here is only when it is written.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from airflow.dag_processing.bundles.base import BaseDagBundle
from airflow.sdk import get_parsing_context

from datasurface.connections import load_connections
from datasurface.errors import DatasurfaceError
from datasurface.runtime import logs

# Imported for what comes with it: a file's parse is a fork of this process and finds its modules there.
from datasurface.runtime.dags import builder as _builder  # noqa: F401
from datasurface.runtime.dags import dag_file_set, installed_streams, stale_dags
from datasurface.runtime.dags.dag_folder import DagFolder, FolderChanges
from datasurface.runtime.dags.dag_selection import Configs, PlatformDags, Selection
from datasurface.runtime.settings import Settings, read_settings
from datasurface.yellow.engine.control import dag_rows
from datasurface.yellow.engine.control.dag_rows import DagRows
from datasurface.yellow.plan import names
from datasurface.yellow.plan.installation import Installation

#: The same trouble is said again so often.
COMPLAINT_SECONDS: Final = 60.0
#: Of a rewrite of many files few can be under way in a parse that began before.
MOST_TOUCHED: Final = 50
_LOG: Final = logs.logger("dags")


class StreamBundle(BaseDagBundle):
    """One bundle for all platforms, their infrastructure and the housekeeping.

    `alive_file` is touched at every look, before anything can fail; its age is the processor's liveness. Airflow's own
    options (`name`, `refresh_interval`) go to the base class.
    """

    supports_versioning = False

    def __init__(self, *, alive_file: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._folder = DagFolder(self.base_dir / "dags")
        self._alive_file = None if alive_file is None else Path(alive_file)
        self._selection = Selection()
        self._read: DagRows | None = None
        self._inputs: object = None
        self._platforms: Mapping[str, PlatformDags] = {}
        self._placed: Mapping[str, str] = {}
        self._to_touch: frozenset[str] = frozenset()
        self._complaint: tuple[str, float] = ("", 0.0)

    @property
    def path(self) -> Path:
        """The folder that Airflow parses."""
        return self._folder.path

    def get_current_version(self) -> None:
        """Rows have no versions that a run could ask for."""
        return

    def initialize(self) -> None:
        """Make the folder; a task takes it as it is, for the processor beside it keeps it right.

        Raises where nothing was ever written and nothing can be read: then Airflow parses nothing and keeps every DAG.
        """
        is_task = get_parsing_context().dag_id is not None
        with self.lock():
            if not (is_task and self._folder.is_complete):
                self._look()
        super().initialize()

    def refresh(self) -> None:
        """Bring the folder up to date, or leave it as it is if that cannot be done."""
        with self.lock():
            self._look()

    def _look(self) -> None:
        if self._alive_file is not None:
            self._alive_file.touch()
        try:
            self._synchronize()
        except Exception as error:
            if not self._folder.is_complete:
                raise
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        text = str(error) if isinstance(error, DatasurfaceError) else logs.frames(error)
        said, at = self._complaint
        if said != text or time.monotonic() - at > COMPLAINT_SECONDS:
            self._complaint = (text, time.monotonic())
            _LOG.warning("the DAGs stay as they were known last", because=text)

    def _synchronize(self) -> None:
        """Bring the folder to the rows and the installation file.

        Raises where the database cannot be read; what changed beside it is in the folder even then.
        """
        settings = read_settings()
        installation = dag_file_set.installed(settings.installation)
        inputs = (str(installation), settings.housekeeping_schedule, settings.retention_days)
        is_known = inputs == self._inputs and self._folder.is_complete
        known = None if self._read is None or not is_known else self._read.fingerprint
        try:
            read = dag_rows.read(load_connections(settings.connections), known=known)
        except DatasurfaceError:
            if self._read is not None and not is_known:
                self._write(self._read, settings, installation)
                self._inputs = inputs
            raise
        self._folder.touch(self._to_touch)
        self._to_touch = frozenset()
        if read is not None:
            self._write(read, settings, installation)
            self._read, self._inputs = read, inputs

    def _write(self, read: DagRows, settings: Settings, installation: dag_file_set.Installed) -> None:
        chosen = self._selection.choose(read, self._known)
        if isinstance(installation, Installation):
            chosen = installed_streams.installed(chosen, installation)
        texts = dag_file_set.files(
            chosen,
            installation,
            housekeeping_schedule=settings.housekeeping_schedule,
            retention_days=settings.retention_days,
        )
        changes = self._folder.put(texts, kept=self._files_of_lost_platforms(read))
        self._settle(chosen, changes)

    def _known(self, platform_name: str) -> Configs:
        """The configs of a platform's streams as the files hold them."""
        if platform_name in self._platforms:
            return self._platforms[platform_name].configs
        found = self._folder.configs(f"{platform_name}_factory_dag_")
        return {config["stream_key"]: config for config in found.values()}

    def _files_of_lost_platforms(self, read: DagRows) -> frozenset[str]:
        """Platforms stay in ds_platform for ever; the files of one that is not there any more are left alone."""
        present = {facts.platform_name for facts in read.platforms}
        names_here = self._folder.names() - {names.HOUSEKEEPING_DAG_FILE}
        return frozenset(name for name in names_here if name.partition("_")[0] not in present)

    def _settle(self, chosen: Mapping[str, PlatformDags], changes: FolderChanges) -> None:
        """Say what changed, and do what Airflow would do too late by itself."""
        placed = {config["dag_id"]: platform for platform, dags in chosen.items() for config in dags.configs.values()}
        gone = self._placed.keys() - placed.keys()
        self._platforms, self._placed = chosen, placed
        # A parse that began before the file was rewritten would otherwise count as the last word for minutes.
        self._to_touch = frozenset(sorted(changes.rewritten)[:MOST_TOUCHED])
        if gone and changes.rewritten:
            self._mark_stale(gone)
        for platform, dags in chosen.items():
            for key, problem in dags.bad.items():
                _LOG.warning("a row cannot become a DAG", platform=platform, stream=key, because=str(problem))
            if dags.kept:
                _LOG.warning("rows are missing; their DAGs stay", platform=platform, streams=sorted(dags.kept))
        if not changes.is_empty:
            counts = {"written": changes.written, "rewritten": changes.rewritten, "removed": changes.removed}
            _LOG.info("DAG files", **{what: len(files) for what, files in counts.items()}, dags=len(placed))

    def _mark_stale(self, gone: frozenset[str] | set[str]) -> None:
        """Only files of several streams need it; without it Airflow sees the same a minute or two later."""
        try:
            stale_dags.mark(self.name, sorted(gone))
        except Exception as error:
            _LOG.warning("removed DAGs are marked later", because=type(error).__name__)
