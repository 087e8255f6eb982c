"""A fake Kubernetes API: the part of it that a task with a pod may use, with a record of who asked for what.

`python -m tests.airflow.fake_kubernetes --port 0 --directory DIR` serves on localhost until it is told to end, and
writes DIR/kubeconfig when it is ready. `--program datasurface=/path` says what runs where a container calls that.

Beside the API: `GET /fake` (verbs, names of all pods made, pods that are there), `DELETE /fake` (forget the verbs),
`PATCH /fake` (change the settings), `POST /fake/kill/NAME` (SIGKILL the pod's process).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shlex
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.airflow.fake_pods import Pod, Settings, violations

TRUE = {"true", "True", "1"}
CLOCK_SECONDS = 0.02
KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{{name: fake, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: fake, user: {{token: fake}}}}]
contexts: [{{name: fake, context: {{cluster: fake, user: fake, namespace: jobs}}}}]
current-context: fake
"""
Key = tuple[str, str]
Handle = Callable[[Request], Awaitable[Response]]


class FakeKubernetes:
    """The pods, the settings and the record of one fake."""

    def __init__(self, programs: Mapping[str, Sequence[str]], settings: Settings) -> None:
        self.programs = programs
        self.settings = settings
        self.pods: dict[Key, Pod] = {}
        self.verbs: Counter[str] = Counter()
        self.created: list[str] = []

    def application(self) -> Starlette:
        """The ASGI application."""
        pods = "/api/v1/namespaces/{namespace}/pods"
        routes = [
            Route(pods, self._asked("pods", "create", self.create), methods=["POST"]),
            Route(pods, self._asked("pods", "list", self.list), methods=["GET"]),
            Route(f"{pods}/{{name}}", self._asked("pods", "get", self.show), methods=["GET"]),
            Route(f"{pods}/{{name}}", self._asked("pods", "patch", self.patch), methods=["PATCH"]),
            Route(f"{pods}/{{name}}", self._asked("pods", "delete", self.delete), methods=["DELETE"]),
            Route(f"{pods}/{{name}}/log", self._asked("pods/log", "get", self.log), methods=["GET"]),
            Route("/fake", self.state, methods=["GET"]),
            Route("/fake", self.change, methods=["PATCH", "DELETE"]),
            Route("/fake/kill/{name}", self.kill, methods=["POST"]),
            Route("/{rest:path}", self.other, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]
        return Starlette(routes=routes)

    def _asked(self, resource: str, verb: str, answer: Handle) -> Handle:
        """Record the request; refuse it if it is denied."""

        async def answered(request: Request) -> Response:
            is_watch = request.query_params.get("watch") in TRUE
            asked = f"{resource}:{'watch' if is_watch else verb}"
            self.verbs[asked] += 1
            if asked in self.settings.deny:
                who = "system:serviceaccount:jobs:airflow"
                return failure(403, "Forbidden", f'{resource} is forbidden: User "{who}" cannot {verb} resource')
            return await answer(request)

        return answered

    async def create(self, request: Request) -> Response:
        """Pod Security first, as in a real cluster."""
        manifest = await request.json()
        key = (request.path_params["namespace"], manifest["metadata"]["name"])
        if found := violations(manifest["spec"]):
            text = f'pods "{key[1]}" is forbidden: violates PodSecurity "restricted:latest": {", ".join(found)}'
            return failure(403, "Forbidden", text)
        if self.settings.policy is not None:
            policy = "ValidatingAdmissionPolicy 'jobs' with binding 'jobs'"
            text = f'pods "{key[1]}" is forbidden: {policy} denied request: {self.settings.policy}'
            return failure(422, "Invalid", text)
        if key in self._there():
            return failure(409, "AlreadyExists", f'pods "{key[1]}" already exists')
        manifest["metadata"]["namespace"] = key[0]
        pod = Pod(manifest, self.settings, self.programs)
        pod.start()
        self.pods[key] = pod
        self.created.append(key[1])
        return JSONResponse(manifest, status_code=201)

    async def list(self, request: Request) -> Response:
        """The pods of the namespace that a label selector takes."""
        selector = request.query_params.get("labelSelector", "")
        items = [
            pod.manifest
            for (namespace, _), pod in self._there().items()
            if namespace == request.path_params["namespace"]
            and is_selected(pod.manifest["metadata"].get("labels") or {}, selector)
        ]
        return JSONResponse({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})

    async def show(self, request: Request) -> Response:
        """One pod."""
        pod = self._pod(request)
        return JSONResponse(pod.manifest) if pod else not_found(request)

    async def patch(self, request: Request) -> Response:
        """Merge what is given, as JSON merge patch does."""
        pod = self._pod(request)
        if pod is None:
            return not_found(request)
        merge(pod.manifest, await request.json())
        return JSONResponse(pod.manifest)

    async def delete(self, request: Request) -> Response:
        """Begin to delete the pod; the grace comes as a parameter or in the body."""
        pod = self._pod(request)
        if pod is None:
            return not_found(request)
        options = json.loads(await request.body() or b"{}")
        grace = request.query_params.get("gracePeriodSeconds", options.get("gracePeriodSeconds"))
        pod.delete(None if grace is None else int(grace))
        return JSONResponse(pod.manifest)

    async def log(self, request: Request) -> Response:
        """The log of the container, followed if asked for."""
        pod = self._pod(request)
        if pod is None:
            return not_found(request)
        if pod.process is None:
            return failure(400, "BadRequest", "container is waiting to start")
        return StreamingResponse(self._lines(pod, request.query_params), media_type="text/plain")

    async def _lines(self, pod: Pod, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        since = datetime.now(UTC) - timedelta(seconds=float(query.get("sinceSeconds", 10**8)))
        begin = f"{since:%Y-%m-%dT%H:%M:%S.%f}"
        closes_at = time.monotonic() + (self.settings.log_seconds or 10**8)
        given = 0
        while True:
            for at, text in pod.lines[given:]:
                given += 1
                if at >= begin:
                    yield (f"{at} {text}\n" if query.get("timestamps") in TRUE else f"{text}\n").encode()
            has_ended = pod.is_gone or (pod.has_log_ended and given == len(pod.lines))
            if has_ended or query.get("follow") not in TRUE or time.monotonic() > closes_at:
                return
            await asyncio.sleep(CLOCK_SECONDS)

    async def other(self, request: Request) -> Response:
        """Whatever else is asked for is recorded, and not there."""
        self.verbs[f"{request.method} /{request.path_params['rest']}"] += 1
        return failure(404, "NotFound", "the fake has no such resource")

    async def state(self, _request: Request) -> Response:
        """What has been asked for and what there is."""
        pods = {
            name: {"phase": pod.status["phase"], "labels": pod.manifest["metadata"].get("labels", {})}
            for (_, name), pod in self._there().items()
        }
        return JSONResponse({"verbs": self.verbs, "created": self.created, "pods": pods})

    async def change(self, request: Request) -> Response:
        """Change settings, or forget the record."""
        if request.method == "DELETE":
            self.verbs.clear()
            self.created.clear()
            return JSONResponse({})
        known = {each.name for each in fields(Settings)}
        for name, value in (await request.json()).items():
            if name not in known:
                return failure(400, "BadRequest", f"there is no setting {name}")
            setattr(self.settings, name, value)
        return JSONResponse({})

    async def kill(self, request: Request) -> Response:
        """Kill the pod's process as a node would that has no memory left."""
        for (_, name), pod in self._there().items():
            if name == request.path_params["name"] and pod.process is not None:
                pod.process.kill()
                return JSONResponse({})
        return not_found(request)

    def end(self) -> None:
        """Leave no process behind."""
        for pod in self.pods.values():
            if pod.process is not None and pod.is_running:
                pod.process.kill()

    def _there(self) -> dict[Key, Pod]:
        return {key: pod for key, pod in self.pods.items() if not pod.is_gone}

    def _pod(self, request: Request) -> Pod | None:
        return self._there().get((request.path_params["namespace"], request.path_params["name"]))


def is_selected(labels: Mapping[str, str], selector: str) -> bool:
    """Whether a label selector (`a=b`, `a!=b`, `a`, `!a`, joined by commas) takes these labels."""
    for term in filter(None, selector.split(",")):
        match = re.fullmatch(r"(!?)([^!=]+)(?:(!=|==?)(.*))?", term)
        if match is None:
            raise ValueError(f"the fake does not know the selector {term!r}")
        negated, name, operator, value = match.groups()
        is_held = name in labels if operator is None else labels.get(name) == value
        if is_held == bool(negated or operator == "!="):
            return False
    return True


def merge(target: dict[str, Any], patch: Mapping[str, Any]) -> None:
    """Apply a JSON merge patch in place."""
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        elif isinstance(value, Mapping):
            merge(target.setdefault(name, {}), value)
        else:
            target[name] = value


def failure(status: int, reason: str, message: str) -> JSONResponse:
    """A Status object, the form of all refusals."""
    document = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
    return JSONResponse({**document, "code": status, "reason": reason, "message": message}, status_code=status)


def not_found(request: Request) -> JSONResponse:
    """What the API says of an object that is not there."""
    return failure(404, "NotFound", f'pods "{request.path_params["name"]}" not found')


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--directory", type=Path, required=True, help="where kubeconfig is written")
    parser.add_argument(
        "--program", action="append", default=[], help="name=command, for the first word of a container"
    )
    arguments = parser.parse_args()
    programs = {name: shlex.split(command) for name, _, command in (each.partition("=") for each in arguments.program)}
    fake = FakeKubernetes(programs, Settings())
    listener = socket.create_server(("127.0.0.1", arguments.port))
    kubeconfig = arguments.directory / "kubeconfig"
    kubeconfig.with_suffix(".new").write_text(KUBECONFIG.format(port=listener.getsockname()[1]))
    kubeconfig.with_suffix(".new").rename(kubeconfig)
    try:
        uvicorn.Server(uvicorn.Config(fake.application(), log_level="warning")).run(sockets=[listener])
    finally:
        fake.end()


if __name__ == "__main__":
    main()
