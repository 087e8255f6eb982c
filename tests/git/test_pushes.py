"""What git takes of a push to the model repository, and what the author reads."""

import os
import re
import threading

import pytest

from tests.git.repositories import DEMO, Author, git, served
from tests.git.services import small_loader


@pytest.mark.row("M02", "Q01")
def test_a_right_push_is_taken_and_told_so(repository, author):
    """The author's terminal says that nothing is wrong, and another clone has the commit."""
    revision = author.commit("notes.md", "more")

    status, told = author.push()

    assert status == 0, told
    assert "remote: datasurface: 0 findings" in told
    assert repository.head() == revision


@pytest.mark.row("M02", "Q01", kind="refusal")
def test_a_wrong_push_is_refused_with_its_findings(repository, author):
    """What is wrong, where and what to do stand in the author's own terminal; the branch stays."""
    before = repository.head()
    author.replace("dsg_platform_mapping.json", '"YellowLive"', '"YelowLive"')

    status, told = author.push()

    assert status == 1
    assert f"remote: datasurface: 1 finding, nothing changes (main stays {before[:7]})\n" in told
    assert re.search(r"remote:   DS301 dsg_platform_mapping\.json:\d+\nremote: {9}names platform .*YelowLive", told)
    assert 'did you mean "YellowLive"?' in told
    assert "docs/lint.md#ds301" in told
    assert "[remote rejected] main -> main" in told
    assert max(map(len, told.splitlines())) <= 100
    assert repository.head() == before


@pytest.mark.row("Q01", kind="refusal")
def test_a_push_that_breaks_what_consumers_have_is_refused(repository, author):
    """The tree that the branch has is what the new one is compared with."""
    source = (author.clone / "eco.py").read_text()
    line = next(each for each in source.splitlines() if '"phone"' in each)
    author.commit("eco.py", source.replace(line + "\n", ""))

    status, told = author.push()

    assert status == 1
    assert "DS203 Test/USA/team1/Store1/customers/phone" in told


@pytest.mark.row("M02", kind="refusal")
def test_a_model_that_does_not_run_is_refused(repository, author):
    """The line of eco.py is named."""
    author.commit("eco.py", "def create_ecosystem():\n    return 1 / 0\n")

    status, told = author.push()

    assert status == 1
    assert "DS002 eco.py:2" in told
    assert "ZeroDivisionError" in told


def test_other_branches_are_where_changes_are_looked_at(repository, author):
    """A branch that is not deployed takes anything, may be forced and deleted."""
    author.commit("eco.py", "rubbish")
    assert author.push("origin", "HEAD:refs/heads/try")[0] == 0
    author.git("commit", "--quiet", "--amend", "--message", "again")
    assert author.push("--force", "origin", "HEAD:refs/heads/try")[0] == 0
    assert repository.head("try") == author.revision()
    assert author.push("origin", ":refs/heads/try")[0] == 0
    assert repository.head("try") == ""


@pytest.mark.row("Q01", kind="refusal")
def test_what_was_deployed_does_not_vanish(repository, author):
    """The branch neither goes back nor away, with or without force."""
    before = repository.head()
    author.commit("notes.md", "more")
    assert author.push()[0] == 0
    deployed = repository.head()
    author.git("reset", "--quiet", "--hard", before)
    author.commit("notes.md", "other")

    forced, deleted = author.push("--force"), author.push("origin", ":main")

    assert (forced[0], deleted[0]) == (1, 1)
    assert "main only goes forward, nothing changes" in forced[1]
    assert "cannot be deleted" in deleted[1]
    assert repository.head() == deployed


@pytest.mark.row("M02", "Q01", kind="refusal")
def test_a_tag_named_like_the_branch_is_refused(repository, author, author_of):
    """What `git fetch origin main` brings is what was checked; such a tag that is there already may be deleted."""
    before = repository.head()
    author.commit("eco.py", "rubbish")

    status, told = author.push("origin", "HEAD:refs/tags/main")

    assert status == 1
    assert "git would take refs/tags/main for the branch main" in told
    other = author_of("bob")
    other.git("fetch", "--quiet", "origin", "main")
    assert other.git("rev-parse", "FETCH_HEAD").strip() == before
    git(repository.directory, "update-ref", "refs/tags/main", before)
    assert author.push("origin", ":refs/tags/main")[0] == 0


@pytest.mark.parametrize("reference", ["refs/tags/live/main", "refs/live/main"])
@pytest.mark.row("M02", kind="refusal")
def test_every_name_that_git_prefers_to_the_branch_is_refused(repository, author, reference):
    """Beside tags, what lies above the branches where the branch's name has two parts."""
    git(repository.directory, "config", "datasurface.branch", "live/main")

    status, told = author.push("origin", f"HEAD:{reference}")

    assert status == 1
    assert f"git would take {reference} for the branch live/main" in told


def test_other_tags_are_taken(repository, author):
    """A name that means nothing else, also of the branch's own commit."""
    author.git("tag", "release-1")
    author.git("tag", "old/main")
    assert author.push("origin", "release-1", "old/main")[0] == 0


def test_a_wrong_part_of_a_push_refuses_the_whole(repository, author):
    """git takes all references of a push or none."""
    before = repository.head()
    author.commit("eco.py", "rubbish")

    assert author.push("origin", "HEAD:refs/heads/try", "HEAD:refs/heads/main")[0] == 1
    assert (repository.head(), repository.head("try")) == (before, "")


def test_a_big_push_goes_through(repository, author, author_of):
    """Many megabytes, sent in chunks of unknown number, arrive whole in another clone."""
    content = os.urandom(12_000_000)
    author.commit("data.bin", content)

    status, told = author.push()

    assert status == 0, told
    assert (author_of("bob").clone / "data.bin").read_bytes() == content


@pytest.mark.row("M02", kind="refusal")
def test_a_push_that_is_too_big_is_refused(repository, author):
    """The service stops reading; nothing is stored."""
    before = repository.head()
    author.commit("data.bin", os.urandom(66 * 1024 * 1024))

    status, told = author.push()

    assert status != 0
    assert "413" in told
    assert repository.head() == before


def test_of_two_pushes_at_once_one_wins(repository, author, author_of):
    """The other one is told to fetch first, and nothing is lost."""
    authors = [author, author_of("bob"), author_of("eve")]
    revisions = [each.commit(f"{each.name}.md", each.name) for each in authors]
    results: list[tuple[int, str]] = []
    threads = [threading.Thread(target=lambda each=each: results.append(each.push())) for each in authors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(status for status, _ in results) == [0, 1, 1]
    assert repository.head() in revisions


def test_objects_that_stand_for_others_fool_nobody(repository, author):
    """What is checked is what the commit holds, not what somebody says to look at in its place."""
    right = author.revision()
    wrong = author.replace("dsg_platform_mapping.json", '"YellowLive"', '"YelowLive"')
    assert author.push("origin", f"{right}:refs/replace/{wrong}", f"{wrong}:refs/heads/try")[0] == 0

    status, told = author.push()

    assert status == 1
    assert "YelowLive" in told


def test_the_hook_by_itself_lets_nothing_through(repository, author, monkeypatch):
    """Whoever gets at the directory without the service has nobody to check with."""
    author.commit("notes.md", "x")

    status, told = author.push(str(repository.directory), "HEAD:refs/heads/main")

    assert status == 1
    assert "a push is checked by `datasurface modelrepo serve` alone" in told


def test_attributes_of_a_tree_hide_nothing_from_the_check(repository, author):
    """What the branch would hold is what is checked, also where the tree asks to leave a file out."""
    author.commit("dsg_platform_mapping.json", "rubbish")
    author.commit(".gitattributes", "dsg_platform_mapping.json export-ignore\n")

    status, told = author.push()

    assert status == 1
    assert "dsg_platform_mapping.json" in told
    assert "is missing" not in told


def test_a_link_out_of_the_tree_is_refused(repository, author):
    """The finding says so."""
    (author.clone / "outside").symlink_to("/etc/passwd")
    author.commit("notes.md", "x")

    status, told = author.push()

    assert status == 1
    assert "DS001 ." in told
    assert "a link that leads out of it" in told


@pytest.mark.row("M02", kind="refusal")
def test_a_loader_that_is_away_refuses_and_says_try_again(tmp_path, service):
    """Nothing unchecked gets in; nothing is lost but a moment."""
    with small_loader(tmp_path / "log") as away:
        url = away.url
    with served(tmp_path, DEMO, url) as repository:
        author = Author.cloned(repository.address(), tmp_path / "ann", "ann")
        before = author.revision()
        author.commit("notes.md", "x")
        status, told = author.push()

    assert status == 1
    assert "datasurface: the push cannot be checked now, nothing changes: the loader at" in told
    assert "try again in a moment" in told
    assert repository.head() == before
