"""A row to write to, so that a bot can tell whether its database takes what it must store."""

import sqlalchemy as sql
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    heartbeat = op.create_table(
        "heartbeat",
        sql.Column("id", sql.Integer, primary_key=True, autoincrement=False),
        sql.Column("written_at", sql.Float, nullable=False),
    )
    op.bulk_insert(heartbeat, [{"id": 1, "written_at": 0.0}])
