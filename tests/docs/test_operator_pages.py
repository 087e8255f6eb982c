"""The pages for operators name commands, options, pods and containers that there are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from data_change_simulator.cli import main as simulator
from datasurface.cli.main import cli
from tests.docs.tracked import ROOT

PAGES = ("troubleshooting.md", "operations.md", "exit-codes.md", "kubernetes.md")
TEMPLATES = ROOT / "charts" / "datasurface" / "templates"
#: Pods that Airflow makes, and those of no template of their own name.
OTHER_COMPONENTS = {"job"}


def code(page: str) -> str:
    """The code of a page: its blocks, lines that go on joined, and its spans."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return "\n".join([*(block.replace("\\\n", " ") for block in blocks), *spans])


def commands(page: str) -> Iterator[list[str]]:
    """The calls of our own programs in a page, as words; what follows a pipe is another program's."""
    for line in code(page).splitlines():
        for program in ("datasurface", "data-change-simulator"):
            match = re.search(rf"(?:^|-- ){program} (.+)", line)
            if match:
                yield [program, *shlex.split(match[1].partition(" | ")[0].replace("[", "").replace("]", ""))]


def refusal(words: list[str]) -> str | None:
    """Why a call could not be one; None if every word of it is known."""
    command: click.Command = cli if words[0] == "datasurface" else simulator
    rest = words[1:]
    while rest and isinstance(command, click.Group):
        found = command.get_command(click.Context(command), rest[0])
        if found is None:
            return f"{rest[0]} is no command"
        command, rest = found, rest[1:]
    known = {name for parameter in command.params for name in parameter.opts + parameter.secondary_opts}
    unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known | {"--help"}]
    return f"unknown: {', '.join(unknown)}" if unknown else None


@pytest.mark.row("K10", "Q05")
@pytest.mark.parametrize("page", PAGES)
def test_commands_are_ones_of_this_version(page):
    """Every call of our programs names a command and options that exist."""
    assert {" ".join(words): why for words in commands(page) if (why := refusal(words))} == {}


@pytest.mark.row("K10")
def test_there_are_commands_for_the_common_failures():
    """The page of troubleshooting has commands to look and commands to mend."""
    text = code("troubleshooting.md")

    assert len(list(commands("troubleshooting.md"))) >= 8
    assert all(verb in text for verb in ("logs", "exec", "describe secret", "get configmap", "get events"))


@pytest.mark.row("K10", kind="refusal")
def test_an_unknown_command_would_be_found():
    """The check is one: a word that is no command, and an option that is none."""
    assert refusal(["datasurface", "mend"]) == "mend is no command"
    assert refusal(["datasurface", "doctor", "--all"]) == "unknown: --all"
    assert refusal(["datasurface", "doctor", "--json"]) is None


@pytest.mark.row("K10")
@pytest.mark.parametrize("page", PAGES)
def test_pods_and_containers_are_those_of_the_chart(page):
    """Labels of components and names of containers are those that the templates give."""
    templates = "\n".join(path.read_text() for path in TEMPLATES.rglob("*") if path.is_file())
    components = set(re.findall(r'"component" "([a-z-]+)"', templates)) | OTHER_COMPONENTS
    containers = set(re.findall(r"^ +- name: ([a-z-]+)$", templates, re.MULTILINE))
    text = code(page)

    assert set(re.findall(r"app\.kubernetes\.io/component=([a-z-]+)", text)) <= components
    assert set(re.findall(r" -c ([a-z-]+)(?= |$)", text, re.MULTILINE)) <= containers


@pytest.mark.row("K10")
def test_doctor_names_pods_and_containers_of_the_chart():
    """The commands that the doctor gives lead to components and containers that there are."""
    templates = "\n".join(path.read_text() for path in TEMPLATES.rglob("*") if path.is_file())
    sources = "\n".join(path.read_text() for path in (ROOT / "src/datasurface/runtime/doctor").glob("*.py"))
    components = set(re.findall(r'"component" "([a-z-]+)"', templates)) | OTHER_COMPONENTS
    named = set(re.findall(r'(?:log|pods)_of\(\s*"([a-z-]+)"', sources))

    assert named
    assert named <= components
    for container in ("api-server", "scheduler", "dag-processor"):
        assert f"- name: {container}" in templates
