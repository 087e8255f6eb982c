"""A job that kills itself with SIGKILL at a named crash point: `python dying_job.py REQUEST.json POINT`."""

import json
import os
import signal
import sys
from pathlib import Path

from datasurface.connections import load_connections
from datasurface.yellow.engine.batch import crash_points, run
from datasurface.yellow.engine.batch.crash_points import CrashPoint
from datasurface.yellow.engine.batch.run import RunRequest
from datasurface.yellow.engine.links import Links


def main() -> None:
    """Run one stream; the process is gone if the point is reached."""
    document = json.loads(Path(sys.argv[1]).read_text())
    point = CrashPoint(sys.argv[2])

    def die(reached: CrashPoint) -> None:
        if reached is point:
            os.kill(os.getpid(), signal.SIGKILL)

    links = Links(load_connections(Path(document["connections"])), application_name="dying job")
    with crash_points.watched_by(die):
        run.run(RunRequest(**document["request"]), links, lambda _, __: None)
        crash_points.reached(CrashPoint.BEFORE_EXIT)


if __name__ == "__main__":
    main()
