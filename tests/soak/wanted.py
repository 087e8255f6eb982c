"""What a run of enough sequences has to have done, each at least once."""

from collections.abc import Mapping, Sequence
from typing import Final

from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.model_merge.model_steps import MergeStep
from tests.soak.jobs import Way
from tests.soak.model_changes import EDITS
from tests.soak.oracle import REFUSALS
from tests.soak.source_changes import Kind

WANTED: Final[Mapping[str, Sequence[str]]] = {
    "steps": (
        "run",
        "run with a budget",
        "run and die",
        "same run again",
        "same run after its death",
        "model",
        "model and die",
        "rollback",
        "refused model",
        "reset",
        "audit",
    ),
    "source": list(Kind),
    "models": sorted(set(EDITS)),
    "merge": [f"dies: {step}" for step in MergeStep],
    "crashes": [point.name.lower() for point in CrashPoint],
    "ways": list(Way),
    "paths": ("cheap", "FirstLoad", "Rekeyed", "Restaged", "Streamed", "Unchanged"),
    "looks": ("committed", "unchanged", *(f"refused: {reason}" for reason in REFUSALS)),
    "resets": (
        "refused: committed",
        "refused: no batch",
        "of a batch that is started",
        "of a batch that is ingested",
        "of a batch that is failed",
    ),
    "views": ("compared",),
}
