"""One sequence: what is deployed, what the source holds, what the oracle knows, and every step that can be taken.

A step does something to the real databases, tells the oracle, and then everything is compared (`agreement`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from psycopg2 import sql

from datasurface.errors import DatasurfaceError, Family
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.batch.reset import ResetRefused
from datasurface.yellow.engine.batch.run import RunRequest
from datasurface.yellow.engine.batch.run_result import RunResult
from datasurface.yellow.engine.control.control_tables import RevisionOutcome
from datasurface.yellow.engine.model_merge.model_steps import MergeStep
from tests.soak import agreement, world
from tests.soak.jobs import LOOK_INTERVAL_SECONDS, Death, Ended, Gone, attempt
from tests.soak.landscapes import PLATFORM, STORE
from tests.soak.oracle import Expected, MergeTable, Refused, StreamOracle, Unfinished, Values
from tests.soak.shapes import SOURCE, Shape
from tests.soak.source_changes import Change, Kind, SourceTable
from tests.soak.tally import Tally
from tests.soak.world import World

#: What a run says: its last batch, rows inserted, updated, deleted in all of them, and rows there are.
Told = tuple[int | None, int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a run is asked for; `between` are the source's changes between its looks."""

    difference_bytes: int = 1 << 20
    in_full: bool = False
    has_run_id: bool = False
    between: Sequence[Sequence[Change]] = ()


@dataclass(kw_only=True)
class Course:
    """The state of a sequence."""

    world: World
    tally: Tally
    shape: Shape
    source: dict[str, SourceTable] = field(default_factory=lambda: {name: SourceTable(name=name) for name in SOURCE})
    revisions: list[Shape] = field(default_factory=list)
    tables: dict[str, MergeTable] = field(default_factory=dict)
    streams: dict[str | None, StreamOracle] = field(default_factory=dict)
    view_orders: dict[str, list[tuple[str, str | None]]] = field(default_factory=dict)
    runs: int = 0
    numbers: int = 0
    is_compared: bool = False
    last_run: dict[str | None, tuple[str, Told]] = field(default_factory=dict)

    def begin(self) -> None:
        """Deploy the first model."""
        self.world.empty()
        self.apply(self.shape)

    def check(self) -> None:
        """Compare everything with the oracle."""
        agreement.check(self)
        self.is_compared = True

    def oracle(self, stream: str | None) -> StreamOracle:
        return self.streams.setdefault(stream, StreamOracle(tables=self.tables))

    def rows(self) -> dict[str, list[Values]]:
        return {name: list(table.rows.values()) for name, table in self.source.items()}

    # The source.

    def change_source(self, changes: Sequence[Change]) -> None:
        """Let the source change, each time in one transaction."""
        for change in changes:
            table = self.source[change.table]
            before = dict(table.rows)
            table.change(change)
            if change.kind is Kind.TOUCH:
                statements: list[sql.Composable] = [world.touch(change.table)]
            elif change.kind is Kind.ROLLED_BACK:
                statements = [sql.SQL("BEGIN"), world.touch(change.table), sql.SQL("ROLLBACK")]
            elif change.kind is Kind.REORDER:
                statements = list(world.refill(change.table, table.rows))
            elif change.kind is Kind.TRUNCATE:
                statements = list(world.refill(change.table, {}))
            else:
                statements = list(world.change(change.table, before, table.rows))
            if statements:
                self.world.on_source(*statements)
            self.tally.add("source", change.kind)

    def mend_source(self, stream: str | None) -> None:
        """Let the source fit the model."""
        for shape in self.shape.of_stream(stream):
            table = self.source[shape.dataset]
            before = dict(table.rows)
            table.mend(shape)
            statements = list(world.change(shape.dataset, before, table.rows))
            if statements:
                self.world.on_source(*statements)
                self.tally.add("source", "mended")

    # Models.

    def apply(self, shape: Shape, die_at: MergeStep | None = None) -> None:
        """Apply a model; it is in force if the merge reaches its commit."""

        def report(step: MergeStep) -> None:
            if step is die_at:
                raise Gone

        try:
            outcome = self.world.apply(shape, report)
        except Gone:
            self.world.wait_for_the_dead()
            self.tally.add("merge", f"dies: {die_at}")
            is_deployed = die_at is MergeStep.COMMITTED
        else:
            assert outcome.outcome is RevisionOutcome.APPLIED, outcome.findings
            is_deployed = True
        if is_deployed:
            self.shape = shape
            self.revisions.append(shape)
            self.last_run.clear()

    def refuse(self, shape: Shape) -> None:
        """Apply a model that cannot be followed."""
        outcome = self.world.apply(shape)
        assert outcome.outcome is RevisionOutcome.REFUSED, outcome

    # Runs.

    def run(self, stream: str | None, options: Options, death: Death | None = None) -> None:
        """Run a stream, which may die."""
        self.runs += 1
        run_id = f"run {self.runs}" if options.has_run_id else None
        following = _Following(self, stream)
        between = iter(options.between)
        request = RunRequest(
            platform=PLATFORM,
            store=STORE,
            dataset=stream,
            run_id=run_id,
            in_full=options.in_full,
            budget_seconds=len(options.between) * LOOK_INTERVAL_SECONDS,
            difference_bytes=options.difference_bytes,
        )
        ended = attempt(self.world, request, following.told, death, lambda: self.change_source(next(between, ())))
        self.last_run.pop(stream, None)
        following.end(ended)
        if death is not None:
            name = f"{death.point.name.lower()}" if ended.died else "not reached"
            self.tally.add("crashes", name)
            if ended.died:
                self.tally.add("ways", death.way)
        said = following.recorded(ended)
        if run_id is not None and said is not None:
            self.last_run[stream] = (run_id, said)

    def run_again(self, stream: str | None) -> bool:
        """Ask for the last run once more: it does nothing and says the same; False if there is none."""
        if stream not in self.last_run:
            return False
        run_id, said = self.last_run[stream]
        seen: list[str] = []
        request = RunRequest(platform=PLATFORM, store=STORE, dataset=stream, run_id=run_id)
        again = attempt(self.world, request, seen.append, None)
        assert again.result is not None
        assert _told(again.result) == said
        assert seen == ["point:BEFORE_EXIT"]
        return True

    def reset(self, stream: str | None) -> str:
        """Reset a stream in whatever state it is; returns what had to come of it."""
        oracle = self.oracle(stream)
        try:
            answer = self.world.reset(stream)
        except ResetRefused as refused:
            answer = refused.message
        if oracle.unfinished is None:
            wanted = "Batch is COMMITTED and cannot be reset" if oracle.batches else "no batch that could be reset"
            assert wanted in answer
            return "refused: committed" if oracle.batches else "refused: no batch"
        assert answer == "SUCCESS"
        was = oracle.unfinished.status
        oracle.begin(self.shape, stream)
        self.last_run.pop(stream, None)
        for dataset in {*SOURCE} & ({stream} if stream else {*SOURCE}):
            assert agreement.staged_rows(self.world, dataset, len(oracle.batches) + 1) == 0
        return f"of a batch that is {was}"

    def audit(self) -> None:
        """Every stream is what its batches recorded."""
        for verdict in self.world.audited():
            assert verdict.findings == (), verdict


def _told(result: RunResult) -> Told:
    return (result.batch_id, result.inserted, result.updated, result.deleted, result.total)


class _Following:
    """Follows one run and tells the oracle what the run did, when it did it."""

    def __init__(self, course: Course, stream: str | None) -> None:
        self._course = course
        self._stream = stream
        self._oracle = course.oracle(stream)
        self._expected: Expected | Refused | None = None
        self._last_point: str | None = None
        self._is_committed = False
        self._has_compared = False
        self._sums = [0, 0, 0]
        self._total = 0
        self._batch_id: int | None = None
        self._error = ""

    def told(self, text: str) -> None:
        """Something happened in the run."""
        kind, _, what = text.partition(":")
        if kind == "point":
            self._last_point = what
            self._reached(CrashPoint[what])
        elif kind == "verdict":
            self._has_compared = True
            self._course.tally.add("paths", what)
        elif kind == "look":
            self._looked(what)
        else:
            self._error = what

    def _reached(self, point: CrashPoint) -> None:
        oracle, course = self._oracle, self._course
        if point is CrashPoint.LOCKED:
            self._is_committed = self._has_compared = False
            self._expected = oracle.expected(course.rows(), course.shape, self._stream)
        elif point is CrashPoint.AFTER_STARTED:
            oracle.begin(course.shape, self._stream)
        elif point is CrashPoint.AFTER_STAGED and oracle.unfinished:
            oracle.unfinished.staged += ("?",)
        elif point is CrashPoint.AFTER_INGESTED and oracle.unfinished:
            oracle.unfinished.status = "ingested"
        elif point is CrashPoint.AFTER_COMMIT:
            assert isinstance(self._expected, Expected), self._expected
            assert self._expected.is_batch, "a batch without a difference"
            oracle.commit(self._expected, course.rows(), course.shape, self._stream)
            self._is_committed = True
            self._batch_id = len(oracle.batches)
            self._sums = [sum(pair) for pair in zip(self._sums, oracle.counts[-1], strict=False)]
            self._total = oracle.counts[-1][3]

    def _looked(self, what: str) -> None:
        number, _, counts = what.partition(":")
        assert isinstance(self._expected, Expected), self._expected
        assert (number != "0") == self._expected.is_batch == self._is_committed
        wanted = [f"{name}={','.join(map(str, each))}" for name, each in sorted(self._expected.counts.items())]
        assert sorted(counts.split(";")) == wanted
        self._course.tally.add("looks", "committed" if number != "0" else "unchanged")
        if not self._has_compared:
            self._course.tally.add("paths", "cheap")
        if number == "0":
            self._oracle.unfinished = None
            self._total = sum(each[3] for each in self._expected.counts.values())
        else:
            assert int(number) == len(self._oracle.batches)

    def end(self, ended: Ended) -> None:
        """The run ended: what it says has to be what it did, and nobody may have died without a reason."""
        if ended.error is not None:
            self._failed(ended)
        elif ended.result is not None:
            assert _told(ended.result) == self._says()

    def recorded(self, ended: Ended) -> Told | None:
        """What the same run has to say when it is asked for once more; None: it works again."""
        is_known = ended.result is not None or (
            ended.died
            and (isinstance(ended.error, Gone) or ended.error is None)
            and self._last_point in (CrashPoint.AFTER_COMMIT.name, CrashPoint.BEFORE_EXIT.name)
        )
        return self._says() if is_known else None

    def _says(self) -> Told:
        inserted, updated, deleted = self._sums
        return (self._batch_id, inserted, updated, deleted, self._total)

    def _failed(self, ended: Ended) -> None:
        oracle, error = self._oracle, ended.error
        if isinstance(error, Gone):
            return
        told = self._error or f"{getattr(error, 'family', '')}:{error}"
        if not ended.died:
            assert isinstance(self._expected, Refused), told
            said = sorted(reason for reason in self._expected.reasons if reason in told)
            assert said, (self._expected, told)
            self._course.tally.add("looks", f"refused: {said[0]}")
        is_transient = isinstance(error, DatasurfaceError) and error.family is Family.TRANSIENT and not self._error
        if self._error:
            is_transient = self._error.startswith(str(Family.TRANSIENT))
        if oracle.unfinished is not None:
            oracle.unfinished.status = "failed"
        elif not is_transient:
            shape = self._course.shape
            oracle.begin(shape, self._stream, status="failed")
            assert isinstance(oracle.unfinished, Unfinished)
