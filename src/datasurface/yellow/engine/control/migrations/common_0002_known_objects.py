"""What the model merge knows to be right, so that the next one looks only at what differs."""

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(op: Operations, schema: str) -> None:
    """Create the table of known objects in `schema`."""
    op.create_table(
        "ds_known_object",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("wanted", sa.Text, nullable=False),
        sa.Column("found", sa.Text, nullable=False),
        schema=schema,
    )
