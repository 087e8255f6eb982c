"""Looks at the link again and again: attempts a new revision at once, an unfinished one when its time has come.

A state is logged when it begins, not as long as it lasts. What an attempt is, and what becomes of a model, is not
decided here.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from datasurface.loader import Commit
from datasurface.runtime import logs
from datasurface.runtime.model_sync import worktree
from datasurface.runtime.model_sync.attempt import Again, Attempted, Attempts, Level, Line
from datasurface.runtime.model_sync.worktree import WorktreeAway
from datasurface.yellow.engine.links import Cancelled

#: First and longest pause before the same revision is tried again.
PAUSES_SECONDS: Final = {Again.SOON: (2.0, 10.0), Again.LATER: (30.0, 600.0)}


@dataclass(kw_only=True)
class Watch:
    """One link and what was last seen there. The first revision is attempted in any case: we may have been upgraded.

    So is a revision that was applied, when the installation's file has changed since.
    """

    link: Path
    attempts: Attempts
    clock: Callable[[], float] = time.monotonic
    _seen: tuple[Commit, bytes | None] | None = None
    _again: Again = Again.SOON
    _tries: int = 0
    _due_at: float = 0.0
    _state: object = None

    def turn(self) -> None:
        """Look once, and do what is due. Raises Cancelled alone."""
        try:
            self._turn()
        except Cancelled:
            raise
        except WorktreeAway as error:
            line = Line(level=Level.WARNING, event="the model's repository is away", fields={"problem": error.message})
            self._tell(Attempted(state="repository away", again=Again.SOON, lines=[line]))
        except Exception as error:
            if self._state is not type(error):
                logs.logger("model-sync").error("a turn failed for a reason that nobody foresaw", exc_info=error)
            self._state = type(error)
            self._note(Attempted(state=type(error), again=Again.SOON))

    def _turn(self) -> None:
        tree = worktree.look(self.link)
        seen = (tree.commit, self.attempts.installation_text())
        if seen != self._seen:
            self._seen, self._tries, self._due_at, self._again = seen, 0, 0.0, Again.SOON
            self.attempts.forget()
        elif self._again is Again.NEVER or self.clock() < self._due_at:
            return
        attempted = self.attempts.attempt(tree)
        self._note(attempted)
        self._tell(attempted)

    def _note(self, attempted: Attempted) -> None:
        """Decide when the same revision is due again."""
        if attempted.again is Again.NEVER:
            self._again = Again.NEVER
            self.attempts.forget()
            return
        self._tries = self._tries + 1 if attempted.again is self._again else 1
        self._again = attempted.again
        first, longest = PAUSES_SECONDS[attempted.again]
        self._due_at = self.clock() + min(longest, first * 2 ** min(self._tries - 1, 16))

    def _tell(self, attempted: Attempted) -> None:
        if attempted.state == self._state:
            return
        self._state = attempted.state
        log = logs.logger("model-sync")
        for line in attempted.lines:
            tell = {Level.INFO: log.info, Level.WARNING: log.warning, Level.ERROR: log.error}[line.level]
            tell(line.event, **line.fields)
