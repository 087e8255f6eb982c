"""What runs in the fake's pods in place of `datasurface`: it does what the file of $FAKE_JOB_SCRIPT says.

The file holds an object or, for a sequence of pods, a list of which the last one stays:
`lines` (written to stdout), `seconds` (how long it works), `is_held` (it goes on until `<script>.release` is there),
`on_term` (exit status when told to end; null: it goes on),
`record` (an object for the termination message), `message` (raw text for it), `oom` (killed for want of memory),
`exit_status` (negative: killed by that signal). Its arguments are appended to `<script>.calls`, one JSON list per line.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def step(script: Path, calls: Path) -> dict[str, Any]:
    """What this job does; each job of a sequence takes the next step."""
    steps = json.loads(script.read_text())
    if isinstance(steps, dict):
        return steps
    earlier = len(calls.read_text().splitlines()) if calls.exists() else 0
    taken: dict[str, Any] = steps[min(earlier, len(steps) - 1)]
    return taken


def main() -> int:
    """Do one step and leave its result."""
    script = os.environ["FAKE_JOB_SCRIPT"]
    calls = Path(f"{script}.calls")
    job = step(Path(script), calls)
    message_file = Path(os.environ["DATASURFACE_RESULT_FILE"])
    on_term = job.get("on_term", 143)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if on_term is None else lambda *_: os._exit(on_term))
    with calls.open("a") as file:  # from now on a test may tell it to end
        file.write(json.dumps(sys.argv[1:]) + "\n")
    for line in job.get("lines", ["working"]):
        print(line, flush=True)  # noqa: T201
    time.sleep(job.get("seconds", 0))
    while job.get("is_held") and not Path(f"{script}.release").exists():
        time.sleep(0.1)
    if "message" in job:
        message_file.write_text(job["message"])
    if "record" in job:
        run_id = sys.argv[sys.argv.index("--run-id") + 1] if "--run-id" in sys.argv else None
        message_file.write_text(json.dumps({"v": 1, "run_id": run_id, **job["record"]}))
    if job.get("oom"):
        message_file.with_suffix(".oom").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    status: int = job.get("exit_status", 0)
    if status < 0:
        os.kill(os.getpid(), -status)
    return status


if __name__ == "__main__":
    sys.exit(main())
