"""The results as JSON: one object per measurement, one per experiment, one per target, and where they come from."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from bench.findings import Findings
from bench.options import Options
from bench.peers import Availability
from bench.records import Measurement, Target

VERSION: Final = 2


def written(
    options: Options,
    facts: Mapping[str, Any],
    measurements: Sequence[Measurement],
    findings: Sequence[Findings],
    judged: Sequence[Target],
) -> str:
    """The whole document; times are in seconds, sizes in bytes."""
    document = {
        "v": VERSION,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "options": {
            "customers": options.customers,
            "addresses": options.addresses,
            "rounds": options.rounds,
            "kinds": options.kinds,
            "phases": [phase.name for phase in options.phases],
            "peers": options.peers,
            "experiments": options.experiments,
        },
        **facts,
        "measurements": [_rounded(dataclasses.asdict(each)) for each in measurements],
        "experiments": [
            {
                "experiment": each.experiment,
                "problems": each.problems,
                "measurements": [_rounded(row) for row in each.measurements],
            }
            for each in findings
        ],
        "targets": [_rounded(dataclasses.asdict(each)) for each in judged],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def of_peers(found: Availability) -> Mapping[str, Any]:
    """What the results say about peers: versions, or why there are none."""
    return {"peers": {"versions": found.versions, "reason": found.reason, "others": found.others}}


def _rounded(value: Any) -> Any:
    """Times to a tenth of a millisecond: more digits are noise."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value
