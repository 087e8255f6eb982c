"""The job's log within the task's."""

from __future__ import annotations

import logging

import pytest

from datasurface.runtime.dags.pod_manager import readable

DONE = {"record": {"rc": 0, "outcome": "unchanged", "total": 13}}


@pytest.mark.parametrize(
    ("log_seconds", "seconds"), [(None, 0.5), (0.2, 5)], ids=["one-connection", "a-connection-that-breaks"]
)
def test_each_line_is_written_once(kubernetes, job_run, capsys, log_seconds, seconds):
    """However the API parts the log, and though it gives whole seconds anew, no line is lost or doubled."""
    lines = [f"line {number}" for number in range(20)]
    kubernetes.script({**DONE, "lines": lines, "seconds": seconds})
    kubernetes.set(log_seconds=log_seconds)

    job_run().attempt()

    written = [line for line in capsys.readouterr().out.splitlines() if "line " in line and "JobPodManager" in line]
    assert kubernetes.verbs["pods/log:get"] == (1 if log_seconds is None else 2)
    assert [line.split("] ")[1].split("  ")[0].strip() for line in written] == lines


@pytest.mark.row("I06")
def test_the_printed_result_code_is_in_the_log(kubernetes, job_run, capsys):
    """People find the code that the job printed where they look for it."""
    kubernetes.script({**DONE, "lines": ["DATASURFACE_RESULT_CODE=0"]})

    job_run().attempt()

    assert "DATASURFACE_RESULT_CODE=0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("YellowLive/Store1 batch 7  total  New 2", (logging.INFO, "YellowLive/Store1 batch 7  total  New 2")),
        (
            '{"event": "run ended", "level": "info", "part": "job", "timestamp": "t", "rc": 0, "family": null}',
            (logging.INFO, "run ended  rc=0"),
        ),
        ('{"event": "no connection", "level": "error"}', (logging.ERROR, "no connection")),
        ('{"event": "x", "level": "warning", "exception": "Traceback"}', (logging.WARNING, "x\nTraceback")),
        ('{"event": "x", "level": "strange"}', (logging.INFO, "x")),
        ('{"rows": 1}', (logging.INFO, '{"rows": 1}')),
        ('{"event": ', (logging.INFO, '{"event": ')),
    ],
    ids=["text", "info", "error", "exception", "strange-level", "another-object", "broken"],
)
def test_lines_of_json_are_shown_at_their_level(line, shown):
    """Airflow's page colours and filters by the level that the job gave; the rest is readable."""
    assert readable(line) == shown
