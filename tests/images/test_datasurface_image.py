"""What the platform's own image can do."""

from __future__ import annotations

import subprocess

import pytest

from tools.cluster.images import version

NAME = "datasurface"
#: A commit, pushed to a bare repository whose hook speaks, and read back by what serves it over HTTP.
PUSH_AND_SERVE = """
set -e
cd /tmp
git init -q --bare -b main model.git
printf '#!/bin/sh\\necho the hook ran\\n' > model.git/hooks/pre-receive
chmod +x model.git/hooks/pre-receive
git init -q -b main work
cd work
echo text > file
git add file
git -c user.name=n -c user.email=e commit -q -m "A file"
git push -q ../model.git main 2>&1
QUERY_STRING=service=git-upload-pack REQUEST_METHOD=GET PATH_INFO=/model.git/info/refs GIT_PROJECT_ROOT=/tmp \\
  GIT_HTTP_EXPORT_ALL=1 git http-backend | tr -d '\\000' | grep -q refs/heads/main
echo served
"""


@pytest.mark.row("K01")
def test_commands_answer(run_in):
    """Both commands are on PATH and say who they are."""
    assert run_in(NAME, "datasurface", "--version") == f"datasurface {version()}"
    assert "data-change-simulator" in run_in(NAME, "data-change-simulator", "--help")


@pytest.mark.row("K01")
def test_every_module_can_be_imported(run_in):
    """Whatever command runs in it finds what it imports; the DAGs belong to Airflow's image, the demo to none."""
    left_out = ("datasurface.runtime.dags", "datasurface.demo", "datasurface.cli.demo")

    count = run_in(NAME, "datasurface", "data_change_simulator", "without", *left_out, script="import_all.py")

    assert int(count) > 100


@pytest.mark.row("K01", kind="refusal")
def test_airflow_is_not_inside(run_in):
    """Jobs know nothing of what starts them."""
    look = "import importlib.util; print(importlib.util.find_spec('airflow'), importlib.util.find_spec('kubernetes'))"

    assert run_in(NAME, "python", "-c", look) == "None None"


@pytest.mark.row("K01")
def test_git_takes_a_push_and_serves_it(run_in):
    """git takes a commit through a hook and its HTTP backend offers the branch, without perl or the rest of git."""
    lines = run_in(NAME, "sh", "-c", PUSH_AND_SERVE).splitlines()

    assert [line.removeprefix("remote: ").strip() for line in lines] == ["the hook ran", "served"]


def test_git_reads_a_repository_of_another_user(run_in, tmp_path):
    """A repository that git-sync or an init container made is not refused for its owner."""
    identity = ["-c", "user.name=n", "-c", "user.email=e"]
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), *identity, "commit", "-q", "--allow-empty", "-m", "Begin"], check=True)
    tmp_path.chmod(0o755)

    assert run_in(NAME, "git", "-C", "/mounted", "log", "--format=%s", mount=tmp_path) == "Begin"
