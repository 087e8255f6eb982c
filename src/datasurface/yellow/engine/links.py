"""The sessions of a job: where its databases are, and one hand to cancel whatever runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from datasurface.connections import Connections
from datasurface.errors import TransientError
from datasurface.yellow.engine.connect import Purpose, Session, open_session
from datasurface.yellow.plan.streams import SourcePlan


class Cancelled(TransientError):
    """Somebody asked the job to end; what was not committed is rolled back and a later run goes on."""

    def __init__(self) -> None:
        super().__init__("the job was asked to end; nothing of the unfinished batch was kept")


class Links:
    """Opens sessions and knows which are open.

    `cancel` may be called from another thread, a signal's handler for one: it stops the running statements of all open
    sessions and lets no new one open.
    """

    def __init__(self, connections: Connections, *, application_name: str = "datasurface") -> None:
        self.connections = connections
        self._application_name = application_name
        self._open: set[Session] = set()
        self._guard = threading.Lock()
        self._cancelled = threading.Event()

    @property
    def schema(self) -> str:
        """Schema of the merge database that holds the tables."""
        return self.connections.merge_schema

    @contextmanager
    def merge(self, credential: str | None = None) -> Iterator[Session]:
        """A session of the merge database as a job: with a platform's own credential, or the common login."""
        endpoint, common = self.connections.merge("job")
        login = common if credential is None else self.connections.merge_login(credential)
        opened = open_session(endpoint, login, application_name=self._application_name, purpose=Purpose.MERGE)
        with self._known(opened) as session:
            yield session

    @contextmanager
    def apply(self) -> Iterator[Session]:
        """A session of the merge database as the model merge."""
        endpoint, login = self.connections.merge("apply")
        opened = open_session(endpoint, login, application_name=self._application_name, purpose=Purpose.CONTROL)
        with self._known(opened) as session:
            yield session

    @contextmanager
    def source(self, source: SourcePlan) -> Iterator[Session]:
        """A session of a stream's source, which can only read."""
        endpoint = self.connections.endpoint(
            source.container, host=source.host, port=source.port, database=source.database
        )
        login = self.connections.login(source.credential)
        opened = open_session(endpoint, login, application_name=self._application_name, purpose=Purpose.SOURCE)
        with self._known(opened) as session:
            yield session

    def cancel(self) -> None:
        """Stop what runs; the threads that wait for it see an error."""
        self._cancelled.set()
        with self._guard:
            sessions = tuple(self._open)
        for session in sessions:
            session.cancel()

    def refuse_if_cancelled(self) -> None:
        """Raise Cancelled once `cancel` was called."""
        if self._cancelled.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Sleep, or raise Cancelled as soon as `cancel` is called."""
        if self._cancelled.wait(seconds):
            raise Cancelled

    @contextmanager
    def _known(self, session: Session) -> Iterator[Session]:
        with session:
            with self._guard:
                self._open.add(session)
            try:
                self.refuse_if_cancelled()
                yield session
            finally:
                with self._guard:
                    self._open.discard(session)
