"""A job that kills itself with SIGKILL at a named crash point; `tests.db.killed_job` runs it as a process."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from datasurface.connections import load_connections
from datasurface.yellow.engine.batch import crash_points, run
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.batch.run import RunRequest
from datasurface.yellow.engine.links import Links

#: What the server calls its sessions.
NAME: Final = "dying job"


def die_at(point: CrashPoint, connections: Path, request: Mapping[str, Any]) -> None:
    """Run one stream; the process is gone if the point is reached."""

    def die(reached: CrashPoint) -> None:
        if reached is point:
            os.kill(os.getpid(), signal.SIGKILL)

    links = Links(load_connections(connections), application_name=NAME)
    with crash_points.watched_by(die):
        run.run(RunRequest(**request), links, lambda _, __: None)
        crash_points.reached(CrashPoint.BEFORE_EXIT)
