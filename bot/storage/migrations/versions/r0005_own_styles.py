"""The styles that people made of paintings of their own."""

import sqlalchemy as sql
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "own_styles",
        sql.Column("key", sql.String(20), primary_key=True),
        sql.Column("user_id", sql.BigInteger, nullable=False),
        sql.Column("title", sql.String(60), nullable=False),
        sql.Column("file", sql.LargeBinary, nullable=False),
        sql.Column("created_at", sql.Float, nullable=False),
    )
    op.create_index("own_styles_by_user", "own_styles", ["user_id"])
