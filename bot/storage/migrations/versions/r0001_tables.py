"""Tasks, chats and sources: what databases without a version have."""

import sqlalchemy as sql
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "tasks",
        sql.Column("id", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True),
        sql.Column("key", sql.String(200), nullable=False, unique=True),
        sql.Column("kind", sql.String(10), nullable=False),
        sql.Column("state", sql.String(10), nullable=False),
        sql.Column("chat_id", sql.BigInteger, nullable=False),
        sql.Column("user_id", sql.BigInteger, nullable=False),
        sql.Column("payload", sql.Text, nullable=False),
        sql.Column("photos", sql.Integer, nullable=False),
        sql.Column("turn", sql.BigInteger, nullable=False),
        sql.Column("created_at", sql.Float, nullable=False),
        sql.Column("not_before", sql.Float, nullable=False),
        sql.Column("told_at", sql.Float, nullable=False),
        sql.Column("attempts", sql.Integer, nullable=False),
        sql.Column("crashes", sql.Integer, nullable=False),
        sql.Column("owner", sql.String(100), nullable=False),
        sql.Column("lease_until", sql.Float, nullable=False),
        sql.Column("finished_at", sql.Float),
        sql.Column("seconds", sql.Float),
    )
    op.create_index("tasks_by_turn", "tasks", ["kind", "state", "turn"])
    op.create_index("tasks_by_chat", "tasks", ["chat_id", "state"])
    op.create_index("tasks_by_user", "tasks", ["user_id", "kind", "state"])
    op.create_table(
        "chats",
        sql.Column("chat_id", sql.BigInteger, primary_key=True, autoincrement=False),
        sql.Column("settings", sql.Text, nullable=False),
    )
    op.create_table(
        "sources",
        sql.Column("chat_id", sql.BigInteger, primary_key=True, autoincrement=False),
        sql.Column("message_id", sql.BigInteger, primary_key=True, autoincrement=False),
        sql.Column("source", sql.Text, nullable=False),
        sql.Column("created_at", sql.Float, nullable=False),
    )
