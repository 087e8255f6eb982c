"""The repository's hook: what a push would make of the branch is loaded and linted before git takes it.

Other branches pass: they are where a change is looked at. A name that git prefers to the deployed branch's does not.
What is said goes to the author's own terminal. Nothing here looks at a database; what only those know is found when the
revision is applied.
"""

import os
import subprocess
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from datasurface.errors import ModelError
from datasurface.lint.report import Finding, Severity
from datasurface.lint.rules import loading
from datasurface.loader import DEFAULT, Commit, LoadedModel, ModelNotLoaded, load, tree_archive
from datasurface.loader.remote import Runner
from datasurface.loader.tree import TreeTooLarge
from datasurface.loader.tree_archive import ArchiveRefused
from datasurface.runtime import git
from datasurface.yellow.engine.control.revisions import StoredModel
from datasurface.yellow.engine.model_merge import model_findings

Say = Callable[[str], None]
_DOCS: Final = "docs/lint.md"
_SHOWN_DIGITS: Final = 7
#: git puts "remote: " before each line.
_WIDTH: Final = 100 - len("remote: ")
_INDENT: Final = " " * 8
#: What git looks for before refs/heads/ where somebody asks for a branch by its bare name (gitrevisions).
_PREFERRED: Final = ("refs/", "refs/tags/")
#: Where git keeps what a push brought until it is taken.
_QUARANTINE: Final = (
    "GIT_DIR",
    "GIT_QUARANTINE_PATH",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One reference of a push: the commits it leads to before and after, None where there is none."""

    old: str | None
    new: str | None
    reference: str


def updates(lines: Iterable[str]) -> list[Update]:
    """What git tells a pre-receive hook on its input. Raises ModelError for something else."""
    found = []
    for line in lines:
        try:
            old, new, reference = line.rstrip("\n").split(" ", 2)
        except ValueError:
            raise ModelError("the input is not what git tells a hook") from None
        found.append(Update(old=_commit(old), new=_commit(new), reference=reference))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class PushCheck:
    """Checks pushes to the repository `directory`, which git's variables may lead on to its quarantine."""

    directory: Path
    runner: Runner
    say: Say

    def is_let_through(self, pushed: Sequence[Update]) -> bool:
        """Whether git shall take the push; says why not, and what is only a warning. Raises TransientError."""
        branch = self._git("config", "--get", "datasurface.branch").strip()
        if not all(self._is_apart(update, branch) for update in pushed):
            return False
        return all(self._is_right(update, branch) for update in pushed if update.reference == f"refs/heads/{branch}")

    def _is_apart(self, update: Update, branch: str) -> bool:
        """Whether nobody who asks for the branch gets this in its place; one that is there already may go."""
        if update.new is None or update.reference not in {f"{place}{branch}" for place in _PREFERRED}:
            return True
        self.say(f"datasurface: git would take {update.reference} for the branch {branch}, nothing changes")
        self.say(f"{_INDENT}give it another name: {branch} is what is deployed")
        return False

    def _is_right(self, update: Update, branch: str) -> bool:
        stays = f"{branch} stays {update.old[:_SHOWN_DIGITS]}" if update.old else f"there is no {branch} yet"
        if update.new is None:
            self.say(f"datasurface: {branch} is what is deployed and cannot be deleted ({stays})")
            return False
        if update.old and self._git("rev-list", "--max-count=1", f"{update.new}..{update.old}"):
            self.say(f"datasurface: {branch} only goes forward, nothing changes ({stays})")
            self.say(f"{_INDENT}commits that were deployed stay in its history: git pull, or revert them by a new one")
            return False
        findings = self._findings(update)
        errors = model_findings.errors(findings)
        warnings = len(findings) - len(errors)
        told = _counted(len(errors), "finding") + (f" and {_counted(warnings, 'warning')}" if warnings else "")
        self.say(f"datasurface: {told}, nothing changes ({stays})" if errors else f"datasurface: {told}")
        for line in shown(findings):
            self.say(line)
        return not errors

    def _findings(self, update: Update) -> list[Finding]:
        try:
            loaded = self._loaded(update.new or "")
        except ModelNotLoaded as refusal:
            return [refusal.finding]
        return model_findings.of_model(loaded, self._stored(update.old))

    def _stored(self, commit: str | None) -> StoredModel | None:
        """The model that the branch has now; None where there is none to compare with."""
        if commit is None:
            return None
        try:
            before = self._loaded(commit)
        except ModelNotLoaded:
            self.say("datasurface: what the branch has now gives no model, so nothing is compared with it")
            return None
        return StoredModel(ecosystem=before.ecosystem, mapping=before.mapping)

    def _loaded(self, commit: str) -> LoadedModel:
        with tempfile.TemporaryDirectory(prefix="datasurface-push-") as private:
            tree = Path(private, "model")
            try:
                self._check_out(commit, tree)
            except (ArchiveRefused, TreeTooLarge) as error:
                is_large = isinstance(error, TreeTooLarge)
                message = f"the directory {error}" if is_large else f"cannot be read: {error}"
                fix = "keep in it what the model is made of, and nothing else"
                raise ModelNotLoaded(loading.TREE.finding(".", message, fix)) from error
            return load(tree, runner=self.runner, commit=Commit(revision=commit))

    def _check_out(self, commit: str, tree: Path) -> None:
        """Unpack a commit's files, and stop where they are more than a model may have."""
        with subprocess.Popen(
            ["git", "archive", "--format=tar", commit],
            cwd=self.directory,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as archiving:
            try:
                if archiving.stdout is not None:
                    tree_archive.unpack(archiving.stdout, tree, DEFAULT)
            finally:
                with suppress(ProcessLookupError):
                    archiving.kill()

    def _git(self, *arguments: str) -> str:
        told = git.output(arguments, directory=self.directory, env=self._environment())
        return told.decode(errors="replace")

    @staticmethod
    def _environment() -> dict[str, str]:
        return git.environment() | {name: os.environ[name] for name in _QUARANTINE if name in os.environ}


def shown(findings: Sequence[Finding]) -> list[str]:
    """Findings as lines: errors first, each with its object, what is wrong and what to do."""
    lines = []
    for finding in sorted(findings, key=lambda each: each.severity is Severity.WARNING):
        is_warning = finding.severity is Severity.WARNING
        lines.append(f"  {finding.rule} {finding.path}{' (warning)' if is_warning else ''}")
        for text in (finding.message, f"{finding.fix}: {_DOCS}#{finding.rule.lower()}"):
            lines += textwrap.wrap(
                text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False
            )
    return lines


def _commit(text: str) -> str | None:
    return text if text.strip("0") else None


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
