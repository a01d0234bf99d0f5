"""Stored documents call style settings what the code calls them: `look` becomes `style_settings`."""

import json
from typing import Any

import sqlalchemy as sql
from alembic import op

revision = "0003"
down_revision = "0002"

_OLD, _NEW = "look", "style_settings"
_CHATS = sql.table("chats", sql.column("chat_id"), sql.column("settings"))
_TASKS = sql.table("tasks", sql.column("id"), sql.column("kind"), sql.column("payload"))


def upgrade() -> None:
    _rename(_CHATS, _CHATS.c.chat_id, _CHATS.c.settings)
    # Updates hold Telegram's messages, which are left as they came.
    _rename(_TASKS, _TASKS.c.id, _TASKS.c.payload, _TASKS.c.kind.in_(["album", "paint"]))


def _rename(
    table: sql.TableClause,
    key: sql.ColumnClause[Any],
    text: sql.ColumnClause[Any],
    *where: sql.ColumnElement[bool],
) -> None:
    connection = op.get_bind()
    for row in connection.execute(sql.select(key, text).where(text.contains(f'"{_OLD}"'), *where)).all():
        document = json.loads(row[1])
        if isinstance(document, dict) and _OLD in document:
            document[_NEW] = document.pop(_OLD)
            connection.execute(sql.update(table).where(key == row[0]).values({text.name: json.dumps(document)}))
