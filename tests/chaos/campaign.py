"""A campaign: faults strike runs of streams one after the other, and after each few everything is checked."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from datasurface.yellow.engine.batch.crash_points import CrashPoint
from tests.chaos.checks import StreamCheck, Violation
from tests.chaos.faults import FAULTS, Blow, Fault, Stage, Strike
from tests.chaos.histogram import IN_BATCH, Histogram
from tests.chaos.jobs import Crew, Ended, Job, JobHangs
from tests.chaos.landscape import Site
from tests.chaos.proxy import Proxy
from tests.chaos.servers import ChaosServer, clock_library
from tests.chaos.source_writer import Writer
from tests.chaos.staged_faults import STAGED_FAULTS
from tests.chaos.view_reader import ViewReader

#: Faults until databases and streams begin anew, so that first loads are struck as often as they should.
FAULTS_PER_EPOCH: Final = 40
#: Faults that a stream's first load has to live through.
_FIRST_LOADS: Final = 3
_FIRST_ONLY: Final = frozenset({CrashPoint.WHILE_COPYING, CrashPoint.AFTER_FIRST_LOAD})
_STAGING: Final = frozenset({CrashPoint.BEFORE_STAGED, CrashPoint.AFTER_STAGED})
#: Runs that a stream may take until it is at rest again; a killed job's session may still hold the lock at first.
_SETTLING_RUNS: Final = 12
_NO_FAULT: Final = Fault(weight=0)


@dataclass(kw_only=True)
class Campaign:
    """The state of a campaign; `run` strikes so many counted faults."""

    site: Site
    crew: Crew
    writer: Writer
    chance: random.Random
    announce: Callable[[str], None]
    histogram: Histogram
    kinds: dict[str, Fault]
    reader: ViewReader
    undo: ExitStack = field(default_factory=ExitStack)
    streams: list[StreamCheck] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    runs: int = 0
    batches: int = 0
    checks: int = 0
    audits: int = 0
    _in_epoch: int = 0
    _history: list[str] = field(default_factory=list)

    def run(self, wanted: int, *, until: float) -> None:
        """Go on until so many faults counted, three violations were found, or the clock (monotonic) says `until`."""
        self._in_epoch = FAULTS_PER_EPOCH
        told = 0
        while self.histogram.counted < wanted and len(self.violations) < 3 and time.monotonic() < until:
            if self.histogram.counted >= told + 100:
                told = self.histogram.counted
                self.announce(f"{told} faults, {self.runs} runs, {len(self.violations)} violations")
            try:
                if self._in_epoch >= FAULTS_PER_EPOCH:
                    self._end_epoch()
                    self._begin_epoch()
                self._strike_some()
            except (Violation, JobHangs) as found:
                self.violations.append(f"{found}\n  after " + "\n  after ".join(self._history[-6:]))
                self.announce(f"VIOLATION: {self.violations[-1]}")
                self._in_epoch = FAULTS_PER_EPOCH
                self.streams = []
        if not self.violations:
            self._end_epoch()

    def _begin_epoch(self) -> None:
        self._in_epoch = 0
        self.writer.leave()
        self.undo.close()
        self.site.begin()
        self.writer.begin()
        self.reader.forget()
        self.streams = [StreamCheck(self.site, stream, self.writer) for stream in self.site.streams]
        for stream in self.streams:
            for _ in range(_FIRST_LOADS):
                self._strike(stream)
            self._settle(stream)

    def _end_epoch(self) -> None:
        """Audit all that the epoch made."""
        for stream in self.streams:
            self._settle(stream)
            self.batches += stream.expected.batch_id
            plan = stream.stream
            ended = self.crew.start("audit", "--platform", plan.platform, "--store", plan.store).ended()
            self.audits += 1
            if ended.status != 0:
                raise Violation(f"the audit of {stream.name} ended with {ended.status}: {ended.log}")
        self.streams = []

    def _strike_some(self) -> None:
        """One to three faults at a stream, then the check."""
        stream = self.chance.choice(self.streams[:2] * 2 + self.streams[2:])
        for _ in range(self.chance.choice((1, 1, 2, 3))):
            self._strike(stream)
        self._settle(stream)

    def _strike(self, stream: StreamCheck) -> None:
        """One fault at one run."""
        kind = self._next_kind()
        fault = self.kinds[kind]
        point = self._next_point(kind, fault, stream)
        self.writer.write(bulk_bytes=fault.bulk_bytes)
        began = time.monotonic()
        strike = self._prepared(fault)
        is_quiet = fault.bulk_bytes > 0 or fault.goes_back == "source"
        with self.reader.reading(), ExitStack() if is_quiet else self.writer.writing():
            job = self._start(stream, point=point, occurrence=self._occurrence(point))
            is_reached = job.reaches()
            blow = Blow(
                site=self.site, job=job, chance=self.chance,
                merge_tables=[each.merge_table for each in stream.stream.tables],
            )  # fmt: skip
            ended = strike(blow)
        self._history.append(f"{kind} at {point.name} of {stream.name}: {ended.status} {ended.record}")
        if is_reached:
            self._in_epoch += 1
            self.histogram.add(kind, point, _outcome(ended), time.monotonic() - began)
        else:
            self.histogram.missed[kind] += 1
        self._look_back(fault)
        self._judge(stream, ended, kind, fault)

    def _prepared(self, fault: Fault) -> Strike:
        if fault.staged is None:
            assert fault.strike is not None
            return fault.strike
        stage = Stage(self.site, self.chance, make_batches=self._make_batches, write=self.writer.write)
        self.undo.push(stage.undo)
        return fault.staged(stage)

    def _make_batches(self) -> None:
        """A few batches without a fault."""
        for stream in self.chance.choices(self.streams, k=3):
            self.writer.write()
            self._judge(stream, self._start(stream).ended(), "no fault", _NO_FAULT)

    def _look_back(self, fault: Fault) -> None:
        """A server may be at an earlier moment now: at one that was recorded, in all it holds."""
        if fault.goes_back == "merge":
            self.reader.forget()
            for each in self.streams:
                each.observe(may_go_back=True)
                each.recorded()
        elif fault.goes_back == "source":
            before = self.writer.state.version
            self.writer.look_again()
            lost = before - self.writer.state.version
            if self.chance.random() < 0.5:
                # As many transactions as were lost: by its counters the server looks as if nothing had happened.
                for _ in range(lost):
                    self.writer.write()

    def _start(
        self, stream: StreamCheck, *, point: CrashPoint | None = None, occurrence: int = 1, again: bool = False
    ) -> Job:
        """A run of a stream; some compare in full, and some have no memory for differences and stage everything.

        `again` is the last run once more, as when its caller never heard of its result.
        """
        self.runs += not again
        options = ["--run-id", f"run {self.runs}", *(["--full"] if self.chance.random() < 0.1 else [])]
        return self.crew.start(
            "job", "snapshot-merge", *stream.arguments, *options,
            point=point, occurrence=occurrence, stages_all=self.chance.random() < 0.25,
        )  # fmt: skip

    def _occurrence(self, point: CrashPoint) -> int:
        several = point in (CrashPoint.BETWEEN_DATASETS, *_STAGING, *_FIRST_ONLY)
        return self.chance.choice((1, 1, 2)) if several else 1

    def _next_kind(self) -> str:
        """The kind that is furthest behind its share."""
        total = sum(fault.weight for fault in self.kinds.values())
        struck = {kind: self.histogram.of_kind(kind) + self.histogram.missed[kind] / 2 for kind in self.kinds}
        ahead = {
            kind: (struck[kind] + self.chance.random()) * total / fault.weight for kind, fault in self.kinds.items()
        }
        return min(ahead, key=ahead.__getitem__)

    def _next_point(self, kind: str, fault: Fault, stream: StreamCheck) -> CrashPoint:
        """The point that this kind has struck least often, of those that the stream's next run can reach."""
        is_first = stream.expected.batch_id == 0
        has_staging = any(each.dataset == "notes" for each in stream.stream.tables)
        left_out = (_STAGING | {CrashPoint.BETWEEN_DATASETS}) if is_first else _FIRST_ONLY
        left_out |= frozenset() if has_staging else _STAGING
        points = [point for point in CrashPoint if point in fault.points and point not in left_out]
        if self.chance.random() < 0.9:
            points = [point for point in points if point in IN_BATCH]
        return min(points, key=lambda point: (self.histogram.struck[kind, point], self.chance.random()))

    def _judge(self, stream: StreamCheck, ended: Ended, kind: str, fault: Fault) -> None:
        """The job ended in a way that needs no hand, what it reported is true, and nobody saw anything else."""
        if ended.status not in fault.statuses:
            raise Violation(f"{stream.name}: status {ended.status} after {kind}: {ended.record}\n{ended.log}")
        stream.observe()
        if ended.status >= 0 and ended.record.get("rc") is None:
            raise Violation(f"{stream.name}: no record after {kind}\n{ended.log}")
        is_reported = ended.record.get("outcome") == "committed" and fault.goes_back != "merge"
        if is_reported and ended.record["batch_id"] != stream.expected.batch_id:
            raise Violation(f"{stream.name}: {ended.record} is reported, batch {stream.expected.batch_id} is there")
        if self.reader.error is not None:
            raise Violation(f"after {kind}: {self.reader.error}")

    def _settle(self, stream: StreamCheck) -> None:
        """The source is at rest: runs without a fault bring the stream to it, with no hand, and all of it is right."""
        self.writer.look_again()
        for number in range(_SETTLING_RUNS):
            ended = self._start(stream, again=number == 0 and self.chance.random() < 0.5).ended()
            self._judge(stream, ended, "no fault", _NO_FAULT)
            if ended.record["outcome"] == "unchanged":
                break
            if ended.record["outcome"] in ("busy", "failed"):
                time.sleep(0.1)
        else:
            raise Violation(f"{stream.name} does not come to rest: {ended.record}\n{ended.log}")
        stream.settled()
        self.checks += 1
        self.undo.close()


def _outcome(ended: Ended) -> str:
    return "killed" if ended.status < 0 else str(ended.record.get("outcome", f"status {ended.status}"))


@contextmanager
def prepared(*, directory: Path, seed: int, has_disks: bool, announce: Callable[[str], None]) -> Iterator[Campaign]:
    """Servers, proxies, the writer and the process that forks jobs, for the block."""
    chance = random.Random(seed)
    with ExitStack() as stack:
        source, merge = (stack.enter_context(ChaosServer(has_disks=has_disks)) for _ in range(2))
        site = Site(
            source=source,
            merge=merge,
            source_proxy=stack.enter_context(Proxy(source.port)),
            merge_proxy=stack.enter_context(Proxy(merge.port)),
            directory=directory,
            closing=stack,
        )
        site.prepare()
        writer = Writer(lambda: site.source.connection("chaos_source"), directory / "writer.jsonl", seed)
        writer.start()
        stack.callback(writer.close)
        environment = {"DATASURFACE_CONNECTIONS": str(site.connections_path)}
        crew = stack.enter_context(Crew(directory, environment))
        reader = ViewReader(site, writer, [each for each in site.streams if each.dataset is None])
        reader.start()
        stack.callback(reader.close)
        has = {"disks": has_disks, "clock": clock_library() is not None, None: True}
        chosen = {name: fault for name, fault in (FAULTS | STAGED_FAULTS).items() if has[fault.needs]}
        yield Campaign(
            site=site,
            crew=crew,
            writer=writer,
            chance=chance,
            announce=announce,
            histogram=Histogram(list(chosen)),
            kinds=chosen,
            reader=reader,
        )
