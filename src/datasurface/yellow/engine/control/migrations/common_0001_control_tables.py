"""The installation's own tables: revisions, platforms, audits."""

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP


def upgrade(op: Operations, schema: str) -> None:
    """Create the common tables in `schema`."""
    now, at = sa.text("now()"), TIMESTAMP(timezone=True)
    no_findings = sa.text("'[]'::jsonb")
    op.create_table(
        "ds_revision",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("parent", sa.Text),
        sa.Column("author", sa.Text),
        sa.Column("committed_at", at),
        sa.Column("applied_at", at, nullable=False, server_default=now),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("findings", JSONB, nullable=False, server_default=no_findings),
        sa.Column("model", JSONB),
        sa.Column("plan_hash", sa.Text),
        sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.CheckConstraint("outcome IN ('applied', 'refused', 'waiting', 'rolled back')"),
        schema=schema,
    )
    op.create_table(
        "ds_platform",
        sa.Column("platform", sa.Text, primary_key=True),
        sa.Column("original_platform_name", sa.Text, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("stream_count", sa.Integer, nullable=False),
        sa.Column("infrastructure_schedule", sa.Text, nullable=False),
        sa.Column("plan", JSONB),
        sa.Column("updated_at", at, nullable=False, server_default=now),
        schema=schema,
    )
    op.create_table(
        "ds_audit",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("stream_key", sa.String(255), nullable=False),
        sa.Column("batch_id", sa.Integer),
        sa.Column("audited_at", at, nullable=False, server_default=now),
        sa.Column("ok", sa.Boolean, nullable=False),
        sa.Column("findings", JSONB, nullable=False, server_default=no_findings),
        sa.Column("rows", sa.BigInteger),
        sa.Column("compared_in_full_batch", sa.Integer),
        sa.Column("compared_in_full_at", at),
        schema=schema,
    )
    op.create_index("ds_audit_stream", "ds_audit", ["platform", "stream_key", "id"], schema=schema)
