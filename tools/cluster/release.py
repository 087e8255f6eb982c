"""Installs the chart and says what goes on meanwhile; takes it away again."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.cluster.programs import ProgramFailed, Unready, output_of, run
from tools.cluster.target import Target

CHART: Final = "charts/datasurface"
_POLL_SECONDS: Final = 2.0
_LAST_EVENTS: Final = 15
_LAST_LOG_LINES: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Which release, where, with which values files; `timeout_seconds` is how long it may take to become ready."""

    name: str
    namespace: str
    values: tuple[str, ...]
    timeout_seconds: int

    @property
    def selector(self) -> str:
        """Selects the release's objects by label."""
        return f"app.kubernetes.io/name=datasurface,app.kubernetes.io/instance={self.name}"

    @property
    def flags(self) -> list[str]:
        """Helm's arguments for the values."""
        return [flag for path in self.values for flag in ("--values", path)]


def release_from_environment() -> Release:
    """Read RELEASE, NAMESPACE, VALUES (files with commas or spaces between) and TIMEOUT (seconds); raise Unready."""
    values = tuple(re.split(r"[,\s]+", os.environ.get("VALUES", "").strip())) if os.environ.get("VALUES") else ()
    absent = [path for path in values if not Path(path).is_file()]
    if absent:
        raise Unready(
            f"there is no values file {absent[0]}", fix="VALUES= names files, seen from the repository's root"
        )
    return Release(
        name=os.environ.get("RELEASE") or "datasurface",
        namespace=os.environ.get("NAMESPACE") or "datasurface",
        values=values,
        timeout_seconds=int(os.environ.get("TIMEOUT") or 600),
    )


def images_of(target: Target, release: Release) -> list[str]:
    """List the images that the chart names with these values; raise ProgramFailed with why a value is refused."""
    rendered = output_of(
        [target.helm, "template", release.name, CHART, "--namespace", release.namespace, *release.flags]
    )
    return sorted(set(re.findall(r"^\s*(?:- )?image:\s*[\"']?([^\s\"']+)", rendered, re.MULTILINE)))


def install(target: Target, release: Release) -> None:
    """Install or upgrade and wait until everything is ready, a line for each pod that changes; raise ProgramFailed."""
    command = target.helm_command(
        *("upgrade", "--install", release.name, CHART, "--namespace", release.namespace, "--create-namespace"),
        *("--wait", "--timeout", f"{release.timeout_seconds}s", *release.flags),
    )
    began, seen = time.monotonic(), dict[str, str]()
    with subprocess.Popen([str(word) for word in command]) as helm:
        try:
            while helm.poll() is None:
                _print_changes(target, release, seen, began)
                time.sleep(_POLL_SECONDS)
        except BaseException:
            helm.terminate()
            raise
    if helm.returncode:
        raise ProgramFailed(f"helm ended with exit status {helm.returncode}", fix="what the cluster says stands above")
    print(f"  ready after {time.monotonic() - began:.0f} s", flush=True)


def _print_changes(target: Target, release: Release, seen: dict[str, str], began: float) -> None:
    try:
        pods = target.objects("pods", "-n", release.namespace, "-l", release.selector)
    except ProgramFailed:
        return
    for pod in pods:
        name, state = pod["metadata"]["name"], state_of(pod)
        if seen.get(name) != state:
            seen[name] = state
            print(f"  {time.monotonic() - began:4.0f} s  {name:<44} {state}", flush=True)


def state_of(pod: dict[str, Any]) -> str:
    """Say in a few words how a pod is: its phase, what it waits for, how often it was restarted."""
    statuses = pod["status"].get("containerStatuses", [])
    waiting = next(
        (status["state"]["waiting"].get("reason") for status in statuses if "waiting" in status["state"]), None
    )
    phase = str(pod["status"].get("phase", "Pending"))
    if phase == "Running":
        ready = sum(status["ready"] for status in statuses)
        phase = "ready" if ready == len(statuses) else f"running, {ready} of {len(statuses)} ready"
        if pod["spec"]["restartPolicy"] != "Always":
            phase = "running"
    elif phase == "Succeeded":
        phase = "done"
    restarts = sum(status["restartCount"] for status in statuses)
    return ", ".join(word for word in (phase, waiting, restarts and f"{restarts} restarts") if word)


def print_state(target: Target, release: Release) -> None:
    """Print pods, the last warnings and the last log lines of what is not well, for whoever has to mend it."""
    here = ("-n", release.namespace)
    for title, command in (
        ("pods", ("get", "pods", *here, "-o", "wide")),
        ("events", ("get", "events", *here, "--field-selector", "type=Warning", "--sort-by", ".lastTimestamp")),
    ):
        lines = _answer(target, *command).splitlines()
        print(f"\n-- {title}", *([lines[0], *lines[1:][-_LAST_EVENTS:]] if lines else ["(none)"]), sep="\n", flush=True)
    for pod, container, previous in _unwell(target, release):
        words = (
            "logs",
            *here,
            pod,
            "-c",
            container,
            f"--tail={_LAST_LOG_LINES}",
            *(("--previous",) if previous else ()),
        )
        print(f"\n-- {pod}, {container}{', before its restart' if previous else ''}", _answer(target, *words), sep="\n")


def _unwell(target: Target, release: Release) -> Iterator[tuple[str, str, bool]]:
    """Give pod, container and whether its previous log is meant, for each that is not ready or was restarted."""
    try:
        pods = target.objects("pods", "-n", release.namespace, "-l", release.selector)
    except ProgramFailed:
        return
    for pod in pods:
        statuses = [*pod["status"].get("initContainerStatuses", []), *pod["status"].get("containerStatuses", [])]
        for status in statuses:
            if status["restartCount"]:
                yield pod["metadata"]["name"], status["name"], True
            if not status["ready"] and "waiting" not in status["state"] and pod["status"]["phase"] != "Succeeded":
                yield pod["metadata"]["name"], status["name"], False


def _answer(target: Target, *arguments: str) -> str:
    try:
        return target.kubectl_output(*arguments)
    except ProgramFailed as error:
        return f"({error.what})"


def uninstall(target: Target, release: Release, *, purge: bool) -> None:
    """Take the release away; its claims and secrets stay, so that the next install goes on, unless `purge` is set."""
    run(target.helm_command("uninstall", release.name, "-n", release.namespace, "--wait", "--ignore-not-found"))
    # What Airflow made is no part of the release: job pods that it could not see to the end.
    target.kubectl_output("delete", "pods", "-n", release.namespace, "-l", release.selector, "--wait=false")
    kept = "persistentvolumeclaims,secrets"
    if purge:
        target.kubectl_output("delete", kept, "-n", release.namespace, "-l", release.selector, timeout_seconds=120)
        return
    names = target.kubectl_output("get", kept, "-n", release.namespace, "-l", release.selector, "-o", "name").split()
    if names:
        print(
            f"kept in namespace {release.namespace}, for the next install (make down PURGE=1 deletes them):",
            *names,
            sep="\n  ",
        )
