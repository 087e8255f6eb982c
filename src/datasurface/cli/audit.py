"""`datasurface audit`: prove that the merge tables are what the batches recorded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from datasurface.errors import ExitStatus

if TYPE_CHECKING:
    from datasurface.yellow.engine.audit.audit_verdict import StreamAudit


@click.command("audit")
@click.option("--platform", help="Only this platform, by its name in the model or its safe name.")
@click.option("--store", help="Only the streams of this datastore.")
@click.option("--batch", type=click.IntRange(min=1), help="As of this batch alone.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON.")
@click.pass_context
def command(ctx: click.Context, platform: str | None, store: str | None, batch: int | None, as_json: bool) -> None:
    """Compute rows and checksums again from the merge tables and compare them with what the batches recorded.

    A live table is audited as of its last batch, a forensic one as of every batch. Ids, intervals, keys and counts are
    checked as well. The source is not asked. Runs while streams run. Exit status 0 only if everything holds.
    """
    from datasurface.cli.connected import connected
    from datasurface.yellow.engine.audit import audit
    from datasurface.yellow.engine.audit.audit import AuditRequest
    from datasurface.yellow.engine.audit.audit_verdict import summary

    verdicts = []
    for verdict in audit.audit(connected("audit"), AuditRequest(platform=platform, store=store, batch_id=batch)):
        verdicts.append(verdict)
        if not as_json:
            _print(verdict)
    is_ok = all(verdict.is_ok for verdict in verdicts)
    if as_json:
        document = {
            "v": 1,
            "ok": is_ok,
            "summary": summary(verdicts),
            "streams": [_document(each) for each in verdicts],
        }
        click.echo(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        click.echo(f"audit  {summary(verdicts)}  {'OK' if is_ok else 'FAILED'}")
    ctx.exit(ExitStatus.DONE if is_ok else ExitStatus.FINDINGS)


def _print(verdict: StreamAudit) -> None:
    batch = f"batch {verdict.batch_id}" if verdict.batch_id else "no batch"
    says = "OK" if verdict.is_ok else "FAILED"
    click.echo(f"{verdict.platform}  {verdict.stream_key}  {batch}  {verdict.rows} rows  {says}")
    for finding in verdict.findings:
        click.echo(f"  {finding}")
    for note in verdict.notes:
        click.echo(f"  note: {note}")


def _document(verdict: StreamAudit) -> dict[str, Any]:
    compared_at = verdict.compared_in_full_at
    return {
        "platform": verdict.platform,
        "stream_key": verdict.stream_key,
        "ok": verdict.is_ok,
        "says": verdict.sentence,
        "batch_id": verdict.batch_id or None,
        "batches": verdict.batches,
        "rows": verdict.rows,
        "findings": [
            {"check": each.check.value, "dataset": each.dataset, "message": each.message} for each in verdict.findings
        ],
        "notes": list(verdict.notes),
        "compared_in_full_batch": verdict.compared_in_full_batch,
        "compared_in_full_at": None if compared_at is None else compared_at.isoformat(),
    }
