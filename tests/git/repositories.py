"""The served model repository, and authors who clone it and push."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from click.testing import CliRunner

from datasurface.cli.main import cli
from tests.git.services import CLI, Service, running

DEMO: Final = Path(__file__).parents[2] / "models" / "demo"
USERNAME: Final = "author"
PASSWORD: Final = "p@ss: wörd"


def git_environment(name: str = "somebody") -> dict[str, str]:
    """What git needs when nothing is configured on the host."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": f"{name}@example.com",
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": f"{name}@example.com",
    }


def git(directory: Path, *arguments: str, name: str = "somebody") -> subprocess.CompletedProcess[str]:
    """Run git there; how it ended is for the caller to look at."""
    return subprocess.run(
        ["git", *arguments],
        cwd=directory,
        env=git_environment(name),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@dataclass(kw_only=True)
class Author:
    """Somebody with a clone."""

    clone: Path
    name: str

    @classmethod
    def cloned(cls, address: str, clone: Path, name: str) -> "Author":
        """Clone, which must go well."""
        done = git(clone.parent, "clone", "--quiet", address, clone.name)
        assert done.returncode == 0, done.stderr
        return cls(clone=clone, name=name)

    def git(self, *arguments: str) -> str:
        """What git prints, which must go well."""
        done = git(self.clone, *arguments, name=self.name)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def commit(self, path: str, content: str | bytes) -> str:
        """Write a file, commit it and give the revision."""
        file = self.clone / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--message", f"change {path}")
        return self.revision()

    def replace(self, path: str, old: str, new: str) -> str:
        """Change a text in a file, commit it and give the revision."""
        before = (self.clone / path).read_text()
        assert old in before
        return self.commit(path, before.replace(old, new))

    def revision(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    def push(self, *arguments: str) -> tuple[int, str]:
        """Status of a push, and what the author's terminal shows, a line each."""
        done = git(self.clone, "push", *arguments, name=self.name)
        return done.returncode, "\n".join(line.rstrip() for line in done.stderr.splitlines())


@dataclass(kw_only=True)
class Repository:
    """The bare repository and the service in front of it."""

    service: Service
    directory: Path
    credentials: Path

    def address(self, username: str = USERNAME, password: str | None = None) -> str:
        """URL with login."""
        from urllib.parse import quote

        secret = quote((self.credentials / "password").read_text() if password is None else password, safe="")
        return f"http://{username}:{secret}@127.0.0.1:{self.service.port}/{self.directory.name}"

    def head(self, branch: str = "main") -> str:
        """The revision of a branch, empty if there is none."""
        return git(self.directory, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}").stdout.strip()


def made(directory: Path, seed: Path | None) -> str:
    """`datasurface modelrepo init`, which must go well."""
    seeding = [] if seed is None else ["--seed", str(seed)]
    result = CliRunner().invoke(cli, ["modelrepo", "init", "--directory", str(directory), *seeding])
    assert result.exit_code == 0, result.output
    return result.stdout


@contextmanager
def served(tmp_path: Path, seed: Path | None, loader: str) -> Iterator[Repository]:
    """A new repository, served as the chart does."""
    directory, credentials = tmp_path / "repository" / "model.git", tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "username").write_text(USERNAME)
    (credentials / "password").write_text(PASSWORD)
    made(directory, seed)
    command = [*CLI, "modelrepo", "serve", "--directory", str(directory), "--bind", "127.0.0.1:0"]
    command += ["--credentials", str(credentials), "--loader", loader]
    with running(command, tmp_path / "model-repo.log") as service:
        yield Repository(service=service, directory=directory, credentials=credentials)
