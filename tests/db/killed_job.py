"""A job that dies by SIGKILL at a named moment, so that a test finds what it left behind."""

import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

from datasurface.yellow.engine.batch.crash_points import CrashPoint
from tests.db.streams import Stream

JOB = Path(__file__).parent / "engine" / "dying_job.py"


def killed_job(stream: Stream, directory: Path, point: CrashPoint, **request: object) -> None:
    """Run the stream in a process of its own, which dies at `point`."""
    document = directory / "request.json"
    asked = dataclasses.asdict(stream.request(**request))
    document.write_text(json.dumps({"connections": str(stream.installation.connections_path), "request": asked}))
    job = subprocess.run([sys.executable, JOB, document, point.value], check=False, capture_output=True, timeout=60)
    assert job.returncode == -signal.SIGKILL, job.stderr.decode()
