"""`datasurface model apply` and `datasurface reconcile-workspace-views`, as a person or a pod calls them."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from datasurface.cli.main import cli
from datasurface.yellow.engine import locks
from datasurface.yellow.engine.batch import run as engine_run
from datasurface.yellow.engine.batch.run import RunRequest
from datasurface.yellow.engine.links import Links
from tests.db.site import Site

DEMO = Path(__file__).parents[2] / "models" / "demo"
EVOLVED = DEMO.with_name("demo-evolved")
HISTORY = "yellowforensic_consumer1_forensicdsg_customers_history_view"
LIVE = "yellowlive_consumer1_livedsg_customers_view"


@pytest.fixture
def site(installation, monkeypatch) -> Site:
    """An installation that the environment points to."""
    monkeypatch.setenv("DATASURFACE_CONNECTIONS", str(installation.connections_path))
    return Site(installation=installation)


@pytest.fixture
def demo(tmp_path) -> Path:
    """A copy of the demo's model, to change."""
    return Path(shutil.copytree(DEMO, tmp_path / "model"))


def run(*arguments: object) -> Result:
    """Run a command."""
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def document(result: Result) -> dict[str, Any]:
    """What a command printed as JSON."""
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def looked(site: Site) -> None:
    """Let both platforms look at the source once."""
    for platform in ("YellowLive", "YellowForensic"):
        request = RunRequest(platform=platform, store="Store1", budget_seconds=0)
        engine_run.run(request, Links(site.installation.connections), lambda *_: None)


@pytest.mark.row("K11")
@pytest.mark.row("M01", "M11")
def test_apply_says_what_changed_and_how_much_work_that_was(site, demo):
    """Two lines: what changed, once per thing, and figures; nothing new is said as such."""
    first = run("model", "apply", demo)
    again = run("model", "apply", demo)

    assert (first.exit_code, again.exit_code) == (0, 0)
    headline, figures = first.stdout.splitlines()
    assert headline.startswith("revision dir-")
    assert headline.endswith(
        ": platforms YellowForensic, YellowLive are new; workspace Consumer1 is new;"
        " streams YellowForensic/Store1, YellowLive/Store1 are new"
    )
    assert figures.startswith("  4 tables made, 6 views made, ")
    assert "nothing changes" in again.stdout


@pytest.mark.row("M06")
def test_the_demos_schema_change_is_told_by_dataset(site, demo):
    """The sentences name the columns, not the tables of every platform."""
    run("model", "apply", demo)

    outcome = document(run("model", "apply", EVOLVED, "--json"))

    assert outcome["outcome"] == "applied"
    assert outcome["changes"] == ["addresses gains addresstype, country", "customers gains datecreated, lastupdated"]
    assert (outcome["counts"]["tables_altered"], outcome["counts"]["views"]["updated"]) == (4, 6)
    assert "datecreated" in site.columns(LIVE)


@pytest.mark.row("M06", kind="refusal")
def test_the_schema_change_is_not_taken_back_without_notice(site, demo):
    """Columns that consumers read leave only after they were deprecated; the views keep them."""
    run("model", "apply", EVOLVED)

    result = run("model", "apply", demo)

    assert result.exit_code == 1
    assert "DS203 Test/USA/team1/Store1/customers/datecreated" in result.stdout
    assert "4 findings" in result.stdout
    assert "datecreated" in site.columns(LIVE)


@pytest.mark.row("M06", "I17")
def test_batches_go_on_over_a_schema_change(site, demo):
    """Rows and versions of before stay, with nulls in the new columns until the source says otherwise."""
    site.installation.make_demo_source()
    run("model", "apply", demo)
    looked(site)
    with site.installation.session("admin", "source") as source, source.raw.cursor() as cursor:
        cursor.execute("ALTER TABLE public.customers ADD datecreated timestamp, ADD lastupdated timestamp")
        cursor.execute("ALTER TABLE public.addresses ADD addresstype varchar(20), ADD country varchar(100)")
        cursor.execute("UPDATE public.customers SET datecreated = '2026-01-01' WHERE id = 'CUST003'")
        source.commit()

    assert run("model", "apply", EVOLVED).exit_code == 0
    looked(site)

    history = "SELECT valid_from_batch, valid_to_batch, datecreated::text FROM {} WHERE id = 'CUST003' ORDER BY 1"
    assert site.query(history, HISTORY) == [(1, 1, None), (2, None, "2026-01-01 00:00:00")]
    for view in (LIVE, HISTORY.replace("_history", "")):
        assert site.query("SELECT count(*), count(datecreated) FROM {}", view) == [(5, 1)]


@pytest.mark.row("K11", kind="refusal")
@pytest.mark.row("M11", kind="refusal")
def test_a_bad_mapping_refuses_the_model_and_what_is_deployed_stays(site, demo):
    """Every finding is shown with its line, the status is 1, and the revision is recorded as refused."""
    run("model", "apply", demo)
    before = site.everything()
    mapping = demo / "dsg_platform_mapping.json"
    mapping.write_text(mapping.read_text().replace('"YellowLive"', '"YelowLive"'))

    result = run("model", "apply", demo)

    assert result.exit_code == 1
    assert "dsg_platform_mapping.json:" in result.stdout
    assert "YelowLive" in result.stdout
    assert "refused: nothing changes (deployed revision stays dir-" in result.stdout
    assert site.everything() == before
    assert [outcome for _, _, outcome in site.revisions()] == ["applied", "refused"]


@pytest.mark.row("M01", kind="refusal")
def test_a_model_that_does_not_run_is_refused_and_recorded(site, demo):
    """The line of eco.py is named; what is deployed stays."""
    run("model", "apply", demo)
    before = site.everything()
    (demo / "eco.py").write_text("def create_ecosystem():\n    return 1 / 0\n")

    plain, as_json = run("model", "apply", demo), run("model", "apply", demo, "--json")

    assert (plain.exit_code, as_json.exit_code) == (1, 1)
    assert "DS002 eco.py:2" in plain.stdout
    assert document(as_json)["findings"][0]["rule"] == "DS002"
    assert site.everything() == before
    assert [outcome for _, _, outcome in site.revisions()] == ["applied", "refused"]


def test_a_busy_stream_ends_with_the_status_that_says_again(site, demo):
    """75, the stream's name, and the revision that stays."""
    run("model", "apply", demo)
    with site.installation.session("job") as job:
        assert locks.try_lock(job, locks.look_lock("yellowforensic", "Store1"))

        result = run("model", "apply", EVOLVED, "--wait-seconds", "0.1")

    assert result.exit_code == 75
    assert "DS408 YellowForensic/Store1" in result.stdout
    assert "waiting: nothing changes" in result.stdout


def test_apply_without_connections_says_which_file_to_write(demo, monkeypatch):
    """No address, no traceback."""
    monkeypatch.delenv("DATASURFACE_CONNECTIONS", raising=False)

    result = run("model", "apply", demo)

    assert result.exit_code == 1
    assert "the address of the merge database is not known" in result.stderr


@pytest.mark.row("V03")
def test_reconcile_prints_each_view_and_a_summary(site, demo):
    """Status 0 and true counts, for everything and for one platform by either name."""
    run("model", "apply", demo)
    site.execute("DROP VIEW {}", LIVE)

    healed, again = run("reconcile-workspace-views", "--platform", "YellowLive"), run("reconcile-workspace-views")

    assert (healed.exit_code, again.exit_code) == (0, 0)
    assert healed.stdout.splitlines() == [
        "unchanged  yellowlive_consumer1_livedsg_addresses_view",
        f"created    {LIVE}",
        "Summary: 1 created, 0 updated, 1 unchanged, 0 dropped, 0 failed",
    ]
    assert again.stdout.splitlines()[-1] == "Summary: 0 created, 0 updated, 6 unchanged, 0 dropped, 0 failed"
    assert document(run("reconcile-workspace-views", "--platform", "yellowlive", "--json"))["counts"]["unchanged"] == 2


@pytest.mark.row("V03", "V04", kind="refusal")
def test_reconcile_ends_with_1_and_the_reason_of_each_failed_view(site, demo):
    """A view that cannot be made is named with its reason, and the others are counted nevertheless."""
    run("model", "apply", demo)
    site.execute("DROP VIEW {}", LIVE)
    site.execute("CREATE TABLE {} (id int)", LIVE)

    plain, as_json = run("reconcile-workspace-views"), run("reconcile-workspace-views", "--json")

    assert (plain.exit_code, as_json.exit_code) == (1, 1)
    assert f"failed     {LIVE}\n           {LIVE} is there already and is no view of ours" in plain.stdout
    assert "Summary: 0 created, 0 updated, 5 unchanged, 0 dropped, 1 failed" in plain.stdout
    assert document(as_json)["is_ok"] is False


@pytest.mark.row("V03", kind="refusal")
def test_reconcile_of_an_unknown_platform_names_those_there_are(site, demo):
    """A slip in the name is a model error, not a success of nothing."""
    run("model", "apply", demo)

    result = run("reconcile-workspace-views", "--platform", "YelowLive")

    assert result.exit_code == 1
    assert "platform YelowLive is not deployed; deployed: YellowForensic, YellowLive" in result.stderr
