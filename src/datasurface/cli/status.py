"""`datasurface status`: how the streams are, one line each; two more for what failed and the command that goes on."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from datasurface.errors import ExitStatus
from datasurface.runtime.durations import NONE, spoken

if TYPE_CHECKING:
    from datasurface.yellow.engine.audit.stream_status import InstallationStatus, RevisionStatus, StreamStatus

_HEADER: Final = ("PLATFORM", "STREAM", "BATCH", "AGE", "PROMISED", "ROWS", "LAST BATCH", "STATE")


@click.command("status")
@click.option("--platform", help="Only this platform, by its name in the model or its safe name.")
@click.option("--json", "as_json", is_flag=True, help="Print the status as JSON.")
@click.pass_context
def command(ctx: click.Context, platform: str | None, as_json: bool) -> None:
    """Show each stream: its last committed batch, how long ago it was compared with its source, and its state.

    A promise is broken when that is longer ago than the promised latency and max(30 s, 10 %). Exit status 1 if one is
    broken now.
    """
    from datasurface.cli.connected import monitoring
    from datasurface.yellow.engine.audit import stream_status

    with monitoring() as (session, schema):
        status = stream_status.read(session, schema, platform)
    if as_json:
        click.echo(json.dumps(_document(status), ensure_ascii=False, indent=1, default=_text))
    else:
        for line in lines(status):
            click.echo(line)
    ctx.exit(ExitStatus.DONE if status.is_ok else ExitStatus.FINDINGS)


def lines(status: InstallationStatus) -> list[str]:
    """The status as text, in columns as wide as they need to be."""
    table = [_HEADER, *(_cells(stream) for stream in status.streams)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rows = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
    shown = [*map(_revision_line, status.revisions)]
    if not status.streams:
        return [*shown, "no stream is planned"]
    shown.append(rows[0])
    for stream, row in zip(status.streams, rows[1:], strict=True):
        shown.append(row)
        if stream.command is not None:
            shown.append(f"  batch {stream.open_batch_id} failed: {stream.failure or 'no reason was recorded'}")
            shown.append(f"  go on: {stream.command}")
    return shown


def _cells(stream: StreamStatus) -> tuple[str, ...]:
    counts = stream.counts
    return (
        stream.platform,
        stream.stream_key,
        NONE if stream.batch_id is None else str(stream.batch_id),
        spoken(stream.age_seconds),
        spoken(stream.latency_seconds),
        NONE if stream.rows is None else str(stream.rows),
        NONE if counts is None else f"+{counts.inserted} ~{counts.updated} -{counts.deleted}",
        f"{stream.state}{', suspended' if stream.is_suspended else ', late' if stream.is_late else ''}",
    )


def _revision_line(revision: RevisionStatus) -> str:
    at = revision.decided_at.isoformat(sep=" ", timespec="seconds")
    findings = f", {revision.findings} findings" if revision.findings and not revision.is_deployed else ""
    return f"revision {revision.revision}  {revision.outcome} {at}{findings}"


def _document(status: InstallationStatus) -> dict[str, Any]:
    return {
        "v": 1,
        "ok": status.is_ok,
        "revisions": [asdict(revision) for revision in status.revisions],
        "streams": [
            asdict(stream) | {"is_late": stream.is_late, "command": stream.command} for stream in status.streams
        ],
    }


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
