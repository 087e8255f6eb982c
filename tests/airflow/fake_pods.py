"""Pods of the fake Kubernetes: each one's container is a process of this machine, its status what a kubelet would say.

The rules that the platform leans on are the real ones: phases, the last 4,096 bytes of a termination message, its
fallback to the log, SIGTERM and grace before SIGKILL, an object that stays until its process has ended.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MESSAGE_BYTES = 4096
FALLBACK_BYTES = 2048
FALLBACK_LINES = 80
DEFAULT_GRACE_SECONDS = 30
#: A request of as many CPUs or more finds no node.
CPUS_OF_NO_NODE = 1000
#: Images with these words cannot be had.
PULL_ERRORS = {"absent": "ErrImagePull", "never": "ErrImageNeverPull", "Invalid": "InvalidImageName"}


@dataclass(slots=True, kw_only=True)
class Settings:
    """How the fake behaves; tests change it while it runs.

    `deny` holds what is forbidden as `resource:verb`; `policy` is what an admission policy says to every new pod, None:
    it has nothing against it. `log_seconds` None: the log is followed to its end, else each
    connection is closed after as long.
    """

    start_seconds: float = 0.05
    report_seconds: float = 0.1
    log_seconds: float | None = None
    deny: Sequence[str] = ()
    policy: str | None = None


@dataclass(slots=True, eq=False)
class Pod:
    """A pod: its manifest with status, and what runs for it."""

    manifest: dict[str, Any]
    settings: Settings
    programs: Mapping[str, Sequence[str]]
    lines: list[tuple[str, str]] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None
    is_gone: bool = False
    has_log_ended: bool = False

    def start(self) -> None:
        """Make the API's own fields and let the container come up."""
        self.manifest["metadata"].update(uid=str(uuid.uuid4()), creationTimestamp=_seconds(), resourceVersion="1")
        self.manifest["status"] = {"phase": "Pending", "startTime": _seconds()}
        threading.Thread(target=self._live, daemon=True).start()

    @property
    def status(self) -> dict[str, Any]:
        """The status as the API shows it."""
        status: dict[str, Any] = self.manifest["status"]
        return status

    @property
    def container(self) -> dict[str, Any]:
        """The one container of the manifest."""
        container: dict[str, Any] = self.manifest["spec"]["containers"][0]
        return container

    @property
    def is_running(self) -> bool:
        """Whether its container's process has not ended."""
        return self.process is not None and self.process.poll() is None

    def delete(self, grace_seconds: int | None) -> None:
        """As the API: the object goes when the container has ended, with a grace of 0 at once."""
        grace = self.manifest["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)
        grace = grace if grace_seconds is None else grace_seconds
        self.manifest["metadata"]["deletionTimestamp"] = _seconds()
        if not self.is_running or grace == 0:
            self.is_gone = True
        if self.process is not None and self.is_running:
            self.process.send_signal(signal.SIGTERM if grace else signal.SIGKILL)
            threading.Thread(target=self._kill_after, args=(grace,), daemon=True).start()

    def _kill_after(self, seconds: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        time.sleep(self.settings.report_seconds)
        self.is_gone = True

    def _live(self) -> None:
        scheduled = self._condition()
        self.status["conditions"] = [scheduled]
        time.sleep(self.settings.start_seconds)
        if self.is_gone or scheduled["status"] == "False":
            return
        if pull_error := self._pull_error():
            self._report("Pending", {"waiting": pull_error})
            return
        with tempfile.TemporaryDirectory() as folder:
            self._run(Path(folder) / "termination-log")

    def _condition(self) -> dict[str, Any]:
        cpus = str((self.container.get("resources") or {}).get("requests", {}).get("cpu", "0"))
        if not cpus.isdigit() or int(cpus) < CPUS_OF_NO_NODE:
            return {"type": "PodScheduled", "status": "True"}
        message = "0/1 nodes are available: 1 Insufficient cpu."
        return {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}

    def _pull_error(self) -> dict[str, str] | None:
        image = self.container["image"]
        reason = next((PULL_ERRORS[word] for word in PULL_ERRORS if word in image), None)
        if reason is None:
            return None
        return {"reason": reason, "message": f'failed to pull image "{image}": not found'}

    def _run(self, message_file: Path) -> None:
        message_file.touch()
        began = _seconds()
        try:
            self.process = subprocess.Popen(
                self._command(),
                env=self._environment(message_file),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="backslashreplace",
                start_new_session=True,
            )
        except OSError as error:
            ending = {"exitCode": 128, "reason": "StartError", "message": str(error), "finishedAt": _seconds()}
            self._report("Failed", {"terminated": ending})
            return
        self._report("Running", {"running": {"startedAt": began}})
        for line in self.process.stdout or ():
            self.lines.append((_nanoseconds(), line.rstrip("\n")))
        status = self.process.wait()
        self.has_log_ended = True
        time.sleep(self.settings.report_seconds)
        ending = self._ending(128 - status if status < 0 else status, message_file)
        self._report(
            "Failed" if ending["exitCode"] else "Succeeded",
            {"terminated": {**ending, "startedAt": began, "finishedAt": _seconds()}},
        )

    def _command(self) -> list[str]:
        program, *arguments = [*(self.container.get("command") or []), *(self.container.get("args") or [])]
        return [*self.programs.get(program, (shutil.which(program) or program,)), *arguments]

    def _environment(self, message_file: Path) -> dict[str, str]:
        """This process's own and the container's, in which the path of the termination message is a file here."""
        path = self.container.get("terminationMessagePath", "/dev/termination-log")
        given = {each["name"]: each.get("value", "") for each in self.container.get("env") or []}
        here = {name: str(message_file) if value == path else value for name, value in given.items()}
        return {**os.environ, **here, "FAKE_TERMINATION_LOG": str(message_file)}

    def _ending(self, exit_status: int, message_file: Path) -> dict[str, Any]:
        message = message_file.read_bytes()[-MESSAGE_BYTES:].decode(errors="replace")
        policy = self.container.get("terminationMessagePolicy", "File")
        if not message and exit_status and policy == "FallbackToLogsOnError":
            tail = "\n".join(text for _, text in self.lines[-FALLBACK_LINES:])
            message = tail.encode()[-FALLBACK_BYTES:].decode(errors="replace")
        reason = "Error" if exit_status else "Completed"
        if message_file.with_suffix(".oom").exists():
            reason, message = "OOMKilled", ""
        return {"exitCode": exit_status, "reason": reason, **({"message": message} if message else {})}

    def _report(self, phase: str, state: dict[str, Any]) -> None:
        image = self.container["image"]
        self.status["containerStatuses"] = [
            {
                "name": self.container["name"],
                "ready": "running" in state,
                "restartCount": 0,
                "image": image,
                "imageID": image,
                "state": state,
            }
        ]
        self.status["phase"] = phase


def violations(spec: Mapping[str, Any]) -> list[str]:
    """What Pod Security's level `restricted` finds wrong with a pod."""
    found = []
    of_pod = spec.get("securityContext") or {}
    for container in spec["containers"]:
        own = container.get("securityContext") or {}
        if own.get("allowPrivilegeEscalation") is not False:
            found.append("allowPrivilegeEscalation != false")
        if "ALL" not in (own.get("capabilities") or {}).get("drop", []):
            found.append("unrestricted capabilities")
        if not {**of_pod, **own}.get("runAsNonRoot"):
            found.append("runAsNonRoot != true")
        if ({**of_pod, **own}.get("seccompProfile") or {}).get("type") not in {"RuntimeDefault", "Localhost"}:
            found.append("seccompProfile")
    return found


def _seconds() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _nanoseconds() -> str:
    """As the kubelet writes it: zeros at the end are left out."""
    now = time.time_ns()
    fraction = f"{now % 1_000_000_000:09}".rstrip("0")
    return f"{datetime.fromtimestamp(now // 1_000_000_000, UTC):%Y-%m-%dT%H:%M:%S}.{fraction}Z"
