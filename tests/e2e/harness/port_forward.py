"""A Service of the cluster at a port of this machine, by `kubectl port-forward`; opened again when it broke."""

from __future__ import annotations

import re
import subprocess
import time
from typing import Final

from tests.e2e.harness.cluster import Cluster

_LISTENING: Final = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ")


class PortForward:
    """`port()` is where the Service answers now. Ends with `close`."""

    def __init__(self, cluster: Cluster, namespace: str, target: str, port: int) -> None:
        self._command = [
            "kubectl",
            "--kubeconfig",
            str(cluster.kubeconfig),
            "--namespace",
            namespace,
            "port-forward",
            target,
            f":{port}",
        ]
        self._process: subprocess.Popen[str] | None = None
        self._port = 0

    def port(self, *, seconds: float = 60) -> int:
        """The local port; waits until something stands behind the Service."""
        deadline = time.monotonic() + seconds
        while self._process is None or self._process.poll() is not None:
            self._open()
            if self._process is None:
                if time.monotonic() > deadline:
                    raise ConnectionError(f"no port-forward within {seconds:g} s: {' '.join(self._command)}")
                time.sleep(0.5)
        return self._port

    def close(self) -> None:
        """End the program; the next `port` starts it again, to whatever pod is there then."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def _open(self) -> None:
        self.close()
        process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        found = _LISTENING.match(process.stdout.readline())
        if found is None:
            process.kill()
            process.wait()
            process.stdout.close()
            return
        self._process, self._port = process, int(found[1])
