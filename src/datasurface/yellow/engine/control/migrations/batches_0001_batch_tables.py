"""A platform's tables of batches."""

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from datasurface.yellow.plan import names
from datasurface.yellow.plan.platforms import ControlTables


def upgrade(op: Operations, control: ControlTables, schema: str) -> None:
    """Create the batch tables that `control` names in `schema`."""
    at = TIMESTAMP(timezone=True)
    op.create_table(
        control.batch_counter,
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("batch_id", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("checked_at", at),
        sa.Column("run_id", sa.Text),
        sa.Column("result", JSONB),
        schema=schema,
    )
    op.create_table(
        control.batch_metrics,
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("batch_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("batch_start_time", at, nullable=False, server_default=sa.text("now()")),
        sa.Column("batch_end_time", at),
        sa.Column("batch_status", sa.Text, nullable=False),
        sa.Column("records_inserted", sa.BigInteger),
        sa.Column("records_updated", sa.BigInteger),
        sa.Column("records_deleted", sa.BigInteger),
        sa.Column("total_records", sa.BigInteger),
        sa.Column("run_id", sa.Text),
        sa.Column("state", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
        sa.CheckConstraint("batch_status IN ('started', 'ingested', 'committed', 'failed')"),
        sa.CheckConstraint("batch_id >= 1"),
        sa.CheckConstraint(
            "batch_status <> 'committed' OR (batch_end_time IS NOT NULL AND records_inserted IS NOT NULL"
            " AND records_updated IS NOT NULL AND records_deleted IS NOT NULL AND total_records IS NOT NULL)"
        ),
        schema=schema,
    )
    op.create_index(
        names.dependent(control.batch_metrics, "_open"),
        control.batch_metrics,
        ["key"],
        unique=True,
        schema=schema,
        postgresql_where=sa.text("batch_status <> 'committed'"),
    )
