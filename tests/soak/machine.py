"""The random sequences: hypothesis draws the steps, `Course` takes them, and everything is compared after each."""

from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.model_merge.model_steps import MergeStep
from tests.soak.course import Course, Options
from tests.soak.jobs import Death, Way
from tests.soak.model_changes import EDITS, Edit, first_shape
from tests.soak.oracle import Refused
from tests.soak.source_changes import WEIGHTED, Change
from tests.soak.tally import Tally
from tests.soak.world import World

numbers = st.integers(0, 15)
changes = st.builds(
    Change,
    kind=st.sampled_from(WEIGHTED),
    table=st.sampled_from(("items", "items", "items", "others")),
    one=numbers,
    other=numbers,
    value=numbers,
)
several = st.lists(changes, max_size=4)
edits = st.lists(st.builds(Edit, kind=st.sampled_from(EDITS), number=numbers), min_size=1, max_size=2)
deaths = st.builds(
    Death,
    point=st.sampled_from(list(CrashPoint)),
    way=st.sampled_from(list(Way)),
    nth=st.sampled_from((1, 1, 1, 2)),
)
staged_deaths = st.builds(
    Death,
    point=st.sampled_from((CrashPoint.AFTER_STAGED, CrashPoint.AFTER_INGESTED, CrashPoint.BEFORE_COMMIT)),
    way=st.sampled_from(list(Way)),
)
sizes = st.sampled_from((1 << 20, 1 << 20, 0, 400))


class Sequences(RuleBasedStateMachine):
    """One sequence; `world`, `tally` and the kind of stream are set by the test."""

    world: ClassVar[World]
    tally: ClassVar[Tally]
    is_forensic: ClassVar[bool]
    is_multi: ClassVar[bool]
    course: Course | None = None

    @initialize(
        edits=st.lists(st.builds(Edit, kind=st.sampled_from(EDITS), number=numbers), max_size=4),
        changes=st.lists(changes, max_size=6),
        store_hashes=st.sampled_from((False, False, True)),
    )
    def begin(self, edits, changes, store_hashes):
        shape = first_shape(is_forensic=self.is_forensic, is_multi=self.is_multi, store_hashes=store_hashes)
        for edit in edits:
            shape = edit.applied(shape)
        self.course = Course(world=self.world, tally=self.tally, shape=shape)
        self.course.begin()
        self.course.change_source(changes)
        self.course.check()

    @rule(
        changes=several,
        stream=numbers,
        size=sizes,
        in_full=st.sampled_from((False, False, False, True)),
        has_run_id=st.booleans(),
        insists=st.sampled_from((False, False, False, True)),
    )
    def run(self, changes, stream, size, in_full, has_run_id, insists):
        self.run_once(changes, stream, size, in_full=in_full, has_run_id=has_run_id, insists=insists)

    def run_once(self, changes, stream, size, *, in_full, has_run_id, insists):
        stream = self._before(changes, stream, insists=insists)
        self._step("run")
        self.course.run(stream, Options(difference_bytes=size, in_full=in_full, has_run_id=has_run_id))
        self.course.check()

    @rule(changes=several, stream=numbers, between=st.lists(several, min_size=1, max_size=2), size=sizes)
    def run_with_budget(self, changes, stream, between, size):
        stream = self._before(changes, stream, insists=False)
        self._step("run with a budget")
        self.course.run(stream, Options(difference_bytes=size, between=between))
        self.course.check()

    @rule(changes=several, stream=numbers, size=sizes)
    def another_run(self, changes, stream, size):
        self.run_once(changes, stream, size, in_full=False, has_run_id=False, insists=False)

    @rule(changes=st.lists(changes, min_size=1, max_size=4), stream=numbers, size=sizes, death=deaths)
    def run_and_die(self, changes, stream, size, death):
        self.die_once(changes, stream, size, death, has_run_id=False)

    @rule(changes=st.lists(changes, min_size=1, max_size=4), stream=numbers, size=sizes, death=deaths)
    def run_and_die_and_run_again(self, changes, stream, size, death):
        stream = self.die_once(changes, stream, size, death, has_run_id=True)
        if self.course.run_again(stream):
            self._step("same run after its death")
            self.course.check()

    def die_once(self, changes, stream, size, death, *, has_run_id):
        stream = self._before(changes, stream, insists=False)
        if death.point in (CrashPoint.BEFORE_STAGED, CrashPoint.AFTER_STAGED):
            size = 0
        self._step("run and die")
        self.course.run(stream, Options(difference_bytes=size, has_run_id=has_run_id), death)
        self.course.check()
        return stream

    @rule(
        changes=st.lists(changes, min_size=1, max_size=4),
        stream=numbers,
        death=staged_deaths,
        edits=edits,
        way_out=st.sampled_from(("reset", "rollback", "reset before")),
    )
    def die_with_staged_rows_before_another_model(self, changes, stream, death, edits, way_out):
        stream = self.die_once(changes, stream, 0, death, has_run_id=False)
        former = self.course.shape
        if way_out == "reset before":
            self.reset(former.streams().index(stream))
        self.change_model(edits)
        if stream not in self.course.shape.streams():
            return
        number = self.course.shape.streams().index(stream)
        self.run_once([], number, 0, in_full=False, has_run_id=False, insists=True)
        if way_out == "reset":
            self.reset(number)
        elif way_out == "rollback":
            self._step("rollback")
            self.course.apply(former)
            self.course.check()
        self.run_once([], number, 0, in_full=False, has_run_id=False, insists=False)

    @rule(stream=numbers)
    def run_again(self, stream):
        self._step("same run again" if self.course.run_again(self._stream(stream)) else "no run to repeat")
        self.course.check()

    @rule(edits=edits)
    def change_model(self, edits):
        shape = self._edited(edits)
        self._step("model")
        for edit in edits:
            self.tally.add("models", edit.kind)
        self.course.apply(shape)
        self.course.check()

    @rule(edits=edits, step=st.sampled_from(list(MergeStep)))
    def change_model_and_die(self, edits, step):
        shape = self._edited(edits)
        self._step("model and die")
        self.course.apply(shape, step)
        self.course.check()

    @rule(number=numbers)
    def roll_back(self, number):
        earlier = self.course.revisions[-1 - number % len(self.course.revisions)]
        self._step("rollback")
        self.course.apply(earlier)
        self.course.check()

    @rule(is_of_strategy=st.booleans())
    def refused_model(self, is_of_strategy):
        shape = self.course.shape
        other = (
            shape.but(is_forensic=not shape.is_forensic) if is_of_strategy else shape.but(is_multi=not shape.is_multi)
        )
        self._step("refused model")
        self.course.refuse(other.but(number=self._number()))
        self.course.check()

    @rule(stream=numbers)
    def reset(self, stream):
        self._step("reset")
        self.tally.add("resets", self.course.reset(self._stream(stream)))
        self.course.check()

    @rule()
    def audit(self):
        self._step("audit")
        self.course.audit()
        self.course.check()

    def teardown(self):
        if self.course is not None and self.course.is_compared:
            self.course.audit()
            self.tally.add("run", "sequences")

    def _step(self, kind):
        self.course.is_compared = False
        self.tally.add("steps", kind)

    def _stream(self, number):
        streams = self.course.shape.streams()
        return streams[number % len(streams)]

    def _number(self):
        self.course.numbers += 1
        return self.course.numbers

    def _edited(self, edits):
        shape = self.course.shape
        for edit in edits:
            shape = edit.applied(shape)
        return shape.but(number=self._number())

    def _before(self, changes, number, *, insists):
        """The stream; the source changed first, and mended unless the run insists on what has to be refused."""
        stream = self._stream(number)
        self.course.change_source(changes)
        expected = self.course.oracle(stream).expected(self.course.rows(), self.course.shape, stream)
        if isinstance(expected, Refused) and not insists:
            self.course.mend_source(stream)
        return stream
