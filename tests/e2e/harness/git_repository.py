"""A clone of the embedded model repository, as a producer's developer has it: git over HTTP with a password."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.e2e.harness.cluster import Cluster
from tests.e2e.harness.port_forward import PortForward
from tests.e2e.harness.secrets import secret_values

BRANCH: Final = "main"
#: Answers git's question for a user name and a password from the environment, so that neither is in an argument list.
_ASKPASS: Final = '#!/bin/sh\ncase "$1" in User*) printf "%s" "$E2E_USERNAME";; *) printf "%s" "$E2E_PASSWORD";; esac\n'


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """What a push came to, with what the author saw in the terminal."""

    is_accepted: bool
    said: str
    revision: str


class GitRepository:
    """`clone` first; then change files below `folder` and `push`."""

    def __init__(self, cluster: Cluster, namespace: str, service: str, secret: str, folder: Path) -> None:
        self._cluster, self._namespace, self._secret = cluster, namespace, secret
        self._forward = PortForward(cluster, namespace, f"service/{service}", 8080)
        self._askpass = folder.with_suffix(".askpass")
        self.folder = folder

    def clone(self) -> None:
        """Clone the branch that the platform follows."""
        self._askpass.write_text(_ASKPASS)
        self._askpass.chmod(0o700)
        self._git("clone", "--branch", BRANCH, self._url(), str(self.folder), cwd=self.folder.parent)
        self._git("config", "user.name", "A developer")
        self._git("config", "user.email", "developer@example.com")

    def push(self, message: str) -> Pushed:
        """Commit all that has changed and push it; a refused commit is taken back, its files are not."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message)
        revision = self._git("rev-parse", "HEAD").strip()
        self._git("remote", "set-url", "origin", self._url())
        done = self._run("push", "origin", BRANCH)
        if done.returncode:
            self._git("reset", "--quiet", "--soft", "HEAD~1")
        return Pushed(is_accepted=done.returncode == 0, said=done.stdout + done.stderr, revision=revision)

    def anonymous_status(self) -> int:
        """The exit status of a look at the repository without a password."""
        return self._run("ls-remote", self._url(), with_password=False).returncode

    def restore(self) -> None:
        """Take back changes of files that are not committed."""
        self._git("reset", "--quiet", "--hard", "HEAD")

    def close(self) -> None:
        """End the port-forward."""
        self._forward.close()

    def _url(self) -> str:
        return f"http://127.0.0.1:{self._forward.port()}/model.git"

    def _git(self, *arguments: str, cwd: Path | None = None) -> str:
        done = self._run(*arguments, cwd=cwd)
        assert done.returncode == 0, f"git {arguments[0]}: {done.stderr}"
        return done.stdout

    def _run(
        self, *arguments: str, cwd: Path | None = None, with_password: bool = True
    ) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
        if with_password:
            values = secret_values(self._cluster, self._namespace, self._secret)
            environment |= {
                "GIT_ASKPASS": str(self._askpass),
                "E2E_USERNAME": values["username"],
                "E2E_PASSWORD": values["password"],
            }
        place = self.folder if cwd is None and self.folder.exists() else (cwd or self.folder.parent)
        return subprocess.run(
            ["git", *arguments],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
