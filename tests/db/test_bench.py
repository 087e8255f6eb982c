"""The benchmark at its smallest: what it measures is right, and it says so."""

import json
from dataclasses import replace

import pytest

from bench import __main__ as bench
from bench import options, ours
from bench.options import Kind, Options
from datasurface.errors import ExitStatus


@pytest.fixture
def chosen(tmp_path) -> Options:
    """200 customers on both platforms, filled and then changed."""
    return Options(
        customers=200,
        rounds=1,
        kinds=list(Kind),
        phases=options.phases("initial,20%"),
        results=tmp_path / "latest.json",
    )


def test_a_run_is_right_and_written_down(chosen, capsys):
    """Every contender is measured in every phase, counts are the mutation's own, and the results are JSON."""
    status = bench.run(chosen)
    document = json.loads(chosen.results.read_text())

    assert status is ExitStatus.DONE
    assert {(m["contender"], m["phase"]) for m in document["measurements"]} == {
        (contender, phase) for contender in ("COPY|COPY", "live", "forensic") for phase in ("initial", "20%")
    }
    assert [m["problems"] for m in document["measurements"]] == [[]] * 6
    changed = [m["counts"] for m in document["measurements"] if m["phase"] == "20%" and m["counts"]]
    assert changed == [{"inserted": 42, "updated": 52, "deleted": 10, "total": 552}] * 2
    assert {each["verdict"] for each in document["targets"]} == {"not shown"}
    assert "÷ COPY|COPY" in capsys.readouterr().out


def test_a_wrong_count_fails_the_run(chosen, monkeypatch, capsys):
    """A contender that counts wrongly keeps its time, is marked wrong, and the exit status is 1."""
    run = ours.run

    def counting_wrongly(*arguments):
        reading = run(*arguments)
        return replace(reading, result=reading.result.model_copy(update={"inserted": 1}))

    monkeypatch.setattr(ours, "run", counting_wrongly)
    small = replace(chosen, kinds=[Kind.LIVE], phases=options.phases("initial"))

    assert bench.run(small) is ExitStatus.FINDINGS
    assert "WRONG live, initial, round 1: counted" in capsys.readouterr().out.replace("\n", " ")
