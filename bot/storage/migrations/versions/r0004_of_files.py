"""Jobs tell whether they are of files, which nobody has looked at: photos that Telegram made need not wait for them."""

import sqlalchemy as sql
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("tasks", sql.Column("of_files", sql.Boolean, nullable=False, server_default=sql.false()))
