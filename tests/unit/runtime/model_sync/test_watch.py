"""When the watch tries, and what it logs, without anything to try on."""

import io
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog

from datasurface.runtime import logs
from datasurface.runtime.model_sync.attempt import Again, Attempted, Level, Line
from datasurface.runtime.model_sync.watch import Watch
from datasurface.runtime.model_sync.worktree import Worktree
from datasurface.yellow.engine.links import Cancelled


@dataclass
class Scripted:
    """Attempts that end as a test says; the last ending is the ending of all that follow."""

    endings: list[Attempted | Exception]
    at: list[float] = field(default_factory=list)
    now: float = 0.0
    installation: bytes | None = None

    def attempt(self, _tree: Worktree) -> Attempted:
        self.at.append(self.now)
        ending = self.endings.pop(0) if len(self.endings) > 1 else self.endings[0]
        if isinstance(ending, Exception):
            raise ending
        return ending

    def installation_text(self) -> bytes | None:
        return self.installation

    def forget(self) -> None: ...


def ending(again: Again, state: str = "x") -> Attempted:
    return Attempted(state=state, again=again, lines=[Line(level=Level.WARNING, event=state)])


@pytest.fixture
def model(tmp_path) -> Path:
    (tmp_path / "eco.py").write_text("")
    return tmp_path


@pytest.fixture
def told():
    """The lines of the log."""
    stream = io.StringIO()
    logs.configure("json", stream=stream)
    yield lambda: [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    structlog.reset_defaults()


def turns(model: Path, scripted: Scripted, seconds: int) -> Watch:
    """A watch that looks every second."""
    watch = Watch(link=model, attempts=scripted, clock=lambda: scripted.now)
    for _ in range(seconds):
        watch.turn()
        scripted.now += 1
    return watch


def test_a_revision_that_is_done_is_tried_once(model, told):
    """As long as nothing changes, nothing is done."""
    scripted = Scripted([ending(Again.NEVER)])
    turns(model, scripted, 1000)

    assert scripted.at == [0]
    assert told() == ["x"]


def test_pauses_grow_up_to_a_bound(model, told):
    """What passes soon is tried soon, again and again; it is said once."""
    scripted = Scripted([ending(Again.SOON)])
    turns(model, scripted, 40)

    assert scripted.at == [0, 2, 6, 14, 24, 34]
    assert told() == ["x"]


def test_what_people_have_to_mend_is_tried_seldom(model, told):
    """Half a minute first, ten minutes in the end."""
    scripted = Scripted([ending(Again.LATER)])
    turns(model, scripted, 4000)

    assert [later - at for at, later in zip(scripted.at, scripted.at[1:], strict=False)][:7] == [
        30, 60, 120, 240, 480, 600, 600,
    ]  # fmt: skip


def test_something_new_is_tried_at_once(model, told):
    """A changed file, and a changed installation, do not wait for the pause of what was there before."""
    scripted = Scripted([ending(Again.LATER)])
    watch = turns(model, scripted, 2)
    (model / "eco.py").write_text("x = 1")
    watch.turn()
    scripted.installation = b"{}"
    watch.turn()

    assert scripted.at == [0, 2, 2]


def test_a_state_is_said_when_it_begins(model, told):
    """Also when it comes back."""
    states = ["a", "a", "b", "b", "a"]
    scripted = Scripted([*(ending(Again.SOON, state) for state in states), ending(Again.NEVER, "done")])
    turns(model, scripted, 100)

    assert told() == ["a", "b", "a", "done"]


def test_an_error_that_nobody_foresaw_ends_nothing(model, told):
    """It is logged with its frames and tried again."""
    scripted = Scripted([ValueError("a value of the data"), ending(Again.NEVER, "done")])
    turns(model, scripted, 10)

    assert told() == ["a turn failed for a reason that nobody foresaw", "done"]


def test_an_error_that_nobody_foresaw_is_said_once_as_long_as_it_lasts(model, told):
    """Again when it is another one, or comes back after something else."""
    unforeseen = [ValueError("a"), ValueError("b"), TypeError("c"), ending(Again.SOON, "away"), ValueError("d")]
    scripted = Scripted([*unforeseen, ending(Again.NEVER, "done")])
    turns(model, scripted, 200)

    failed = "a turn failed for a reason that nobody foresaw"
    assert told() == [failed, failed, "away", failed, "done"]


def test_a_link_that_leads_nowhere_is_waited_for(tmp_path, told):
    """One line, however long."""
    scripted = Scripted([ending(Again.NEVER)])
    turns(tmp_path / "missing", scripted, 10)

    assert scripted.at == []
    assert told() == ["the model's repository is away"]


def test_cancelling_goes_through(model, told):
    """It is what ends the watch."""
    with pytest.raises(Cancelled):
        turns(model, Scripted([Cancelled()]), 1)
