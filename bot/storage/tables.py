"""Tables of the database: what is to be done, what chats have chosen, what paintings were made from,
and styles of people's own.

`migrations/` holds how they came to be; whoever changes one adds a step there.
"""

import sqlalchemy as sql

metadata = sql.MetaData()

tasks = sql.Table(
    "tasks",
    metadata,
    sql.Column("id", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True),
    sql.Column("key", sql.String(200), nullable=False, unique=True),
    sql.Column("kind", sql.String(10), nullable=False),
    sql.Column("state", sql.String(10), nullable=False, default="queued"),
    sql.Column("chat_id", sql.BigInteger, nullable=False),
    sql.Column("user_id", sql.BigInteger, nullable=False),
    sql.Column("payload", sql.Text, nullable=False),
    sql.Column("photos", sql.Integer, nullable=False, default=1),
    sql.Column("of_files", sql.Boolean, nullable=False, server_default=sql.false()),
    sql.Column("turn", sql.BigInteger, nullable=False),
    sql.Column("created_at", sql.Float, nullable=False),
    sql.Column("not_before", sql.Float, nullable=False, default=0.0),
    sql.Column("told_at", sql.Float, nullable=False, default=0.0),
    sql.Column("attempts", sql.Integer, nullable=False, default=0),
    sql.Column("crashes", sql.Integer, nullable=False, default=0),
    sql.Column("owner", sql.String(100), nullable=False, default=""),
    sql.Column("lease_until", sql.Float, nullable=False, default=0.0),
    sql.Column("finished_at", sql.Float),
    sql.Column("seconds", sql.Float),
    sql.Index("tasks_by_turn", "kind", "state", "turn"),
    sql.Index("tasks_by_chat", "chat_id", "state"),
    sql.Index("tasks_by_user", "user_id", "kind", "state"),
)
chats = sql.Table(
    "chats",
    metadata,
    sql.Column("chat_id", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("settings", sql.Text, nullable=False),
)
sources = sql.Table(
    "sources",
    metadata,
    sql.Column("chat_id", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("message_id", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("source", sql.Text, nullable=False),
    sql.Column("created_at", sql.Float, nullable=False),
)
own_styles = sql.Table(
    "own_styles",
    metadata,
    sql.Column("key", sql.String(20), primary_key=True),
    sql.Column("user_id", sql.BigInteger, nullable=False),
    sql.Column("title", sql.String(60), nullable=False),
    sql.Column("file", sql.LargeBinary, nullable=False),
    sql.Column("created_at", sql.Float, nullable=False),
    sql.Index("own_styles_by_user", "user_id"),
)
heartbeat = sql.Table(
    "heartbeat",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("written_at", sql.Float, nullable=False),
)
