"""The result of a run, as Airflow, the stream's counter and `DATASURFACE_RESULT_FILE` get it."""

import bisect
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from datasurface.errors import DatasurfaceError, ExitStatus, Family
from datasurface.yellow.engine.difference.delta import Counts

#: Kubernetes cuts a termination message at 4,096 bytes.
MAX_BYTES: Final = 3_500

DONE: Final = 0
KEEP_WORKING: Final = 1
ERROR: Final = -1


class Outcome(StrEnum):
    """What a run came to."""

    COMMITTED = "committed"
    UNCHANGED = "unchanged"
    BUSY = "busy"
    FAILED = "failed"


class RunResult(BaseModel):
    """What a run did.

    Counts are sums over its batches, `total` the rows of its last snapshot, `batch_id` its last batch.

    `rc`: 0 done, 1 keep working (the budget is used up and the last look still found changes), -1 error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1
    rc: Literal[0, 1, -1]
    family: Family | None = None
    outcome: Outcome
    run_id: str | None = None
    batch_id: int | None = None
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    total: int = 0
    message: str = ""

    @property
    def exit_status(self) -> ExitStatus:
        """The exit status of the job that had this result."""
        if self.rc != ERROR:
            return ExitStatus.DONE
        statuses = {
            Family.MODEL: ExitStatus.FINDINGS,
            Family.STATE: ExitStatus.STATE,
            Family.TRANSIENT: ExitStatus.TRANSIENT,
        }
        return ExitStatus.UNHANDLED if self.family is None else statuses[self.family]

    def document(self) -> dict[str, Any]:
        """Its JSON form."""
        return self.model_dump(mode="json")

    def text(self) -> str:
        """One line of JSON of at most MAX_BYTES bytes of UTF-8; a long message is cut."""
        line = self.model_dump_json()
        if len(line.encode()) <= MAX_BYTES:
            return line
        too_long = bisect.bisect_right(
            range(len(self.message)), MAX_BYTES, key=lambda kept: len(self._with_message_cut(kept).encode())
        )
        return self._with_message_cut(max(0, too_long - 1))

    def _with_message_cut(self, kept_characters: int) -> str:
        return self.model_copy(update={"message": self.message[:kept_characters] + "…"}).model_dump_json()


def of_looks(
    run_id: str | None, counts: Counts, batch_id: int | None, *, keeps_working: bool, message: str = ""
) -> RunResult:
    """The result of a run whose looks went well."""
    return RunResult(
        rc=KEEP_WORKING if keeps_working else DONE,
        outcome=Outcome.UNCHANGED if batch_id is None else Outcome.COMMITTED,
        run_id=run_id,
        batch_id=batch_id,
        inserted=counts.inserted,
        updated=counts.updated,
        deleted=counts.deleted,
        total=counts.total,
        message=message,
    )


def busy(run_id: str | None, message: str) -> RunResult:
    """The result of a run that found another one at work."""
    return RunResult(rc=DONE, outcome=Outcome.BUSY, run_id=run_id, message=message)


def failed(run_id: str | None, error: DatasurfaceError) -> RunResult:
    """The result of a run that ended with an error."""
    return RunResult(rc=ERROR, family=error.family, outcome=Outcome.FAILED, run_id=run_id, message=str(error))
