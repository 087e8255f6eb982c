"""What a run of the benchmark does: sizes, rounds, contenders, phases."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from datasurface.errors import UsageError

ADDRESSES_PER_CUSTOMER: Final = 1.6
#: Told what is measured next.
Announce = Callable[[str], None]


class Kind(StrEnum):
    """The two kinds of merge table."""

    LIVE = "live"
    FORENSIC = "forensic"

    @property
    def platform(self) -> str:
        """The platform of the benchmark's model that keeps tables of this kind."""
        return {Kind.LIVE: "YellowLive", Kind.FORENSIC: "YellowForensic"}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One state of the source: as it was filled, unchanged, or with `share` of its rows changed."""

    name: str
    share: float = 0.0

    @property
    def is_initial(self) -> bool:
        """Whether the merge tables are empty before."""
        return self.name == "initial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One run. `dsn` None: an embedded server, which keeps its promises (fsync) and goes at the end.

    `peers` and `experiments` are names; of the peers those that can run here. `picture` None: no curves are drawn.
    """

    customers: int
    rounds: int
    kinds: Sequence[Kind]
    phases: Sequence[Phase]
    results: Path
    dsn: str | None = None
    peers: Sequence[str] = ()
    experiments: Sequence[str] = ()
    picture: Path | None = None

    @property
    def addresses(self) -> int:
        """Rows of the second table."""
        return round(self.customers * ADDRESSES_PER_CUSTOMER)


def kinds(text: str) -> Sequence[Kind]:
    """`live,forensic` as kinds. Raises UsageError."""
    known = [kind.value for kind in Kind]
    names = _parts(text)
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"there is no kind {unknown[0]!r}", fix=f"Use some of {', '.join(known)}")
    return [Kind(name) for name in names]


def phases(text: str) -> Sequence[Phase]:
    """`initial,nochange,1%,20%` as phases; the first has to be `initial`. Raises UsageError."""
    found = []
    for name in _parts(text):
        share = re.fullmatch(r"(\d{1,2})%", name)
        if name not in ("initial", "nochange") and (share is None or int(share[1]) == 0):
            raise UsageError(f"there is no phase {name!r}", fix="Use initial, nochange and shares such as 1%")
        found.append(Phase(name=name, share=int(share[1]) / 100 if share else 0.0))
    if not found or not found[0].is_initial or any(phase.is_initial for phase in found[1:]):
        raise UsageError("the first phase, and no other, is `initial`", fix="Write e.g. initial,nochange,1%,20%")
    return found


def experiments(text: str, known: Sequence[str]) -> Sequence[str]:
    """`all`, `none`, or some of the experiments by name. Raises UsageError."""
    if text in ("all", "none"):
        return known if text == "all" else []
    if unknown := [name for name in _parts(text) if name not in known]:
        raise UsageError(f"there is no experiment {unknown[0]!r}", fix=f"Use all, none or some of {', '.join(known)}")
    return _parts(text)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
