"""What a look keeps for the next one: the sign of the source's snapshot, and when every row was last compared."""

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from datasurface.yellow.plan.platforms import ControlTables


def upgrade(op: Operations, control: ControlTables, schema: str) -> None:
    """Give the counter that `control` names in `schema` room for marks; a job of an older release goes on with it."""
    op.add_column(control.batch_counter, sa.Column("source_sign", JSONB), schema=schema)
    op.add_column(control.batch_counter, sa.Column("compared_in_full_at", TIMESTAMP(timezone=True)), schema=schema)
