"""A platform's tables of plans and DAGs."""

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from datasurface.yellow.plan.platforms import ControlTables


def upgrade(op: Operations, control: ControlTables, schema: str) -> None:
    """Create the tables of plans and DAGs that `control` names in `schema`."""
    now, at = sa.text("now()"), TIMESTAMP(timezone=True)
    op.create_table(
        control.stream_plan,
        sa.Column("stream_key", sa.String(255), primary_key=True),
        sa.Column("plan", JSONB, nullable=False),
        sa.Column("schema_hash", sa.Text, nullable=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.CheckConstraint("jsonb_typeof(plan -> 'v') IS NOT DISTINCT FROM 'number'"),
        schema=schema,
    )
    op.create_table(
        control.airflow_dsg,
        sa.Column("stream_key", sa.String(255), primary_key=True),
        sa.Column("config_json", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("created_at", at, nullable=False, server_default=now),
        sa.Column("updated_at", at, nullable=False, server_default=now),
        sa.CheckConstraint("status IN ('active', 'inactive', 'removed')"),
        schema=schema,
    )
