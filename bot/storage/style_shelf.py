"""Style shelf: the styles that people made of paintings of their own. Their vectors, never the paintings."""

import time

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from bot.storage.store import Store
from bot.storage.stored_style import StoredStyle
from bot.storage.tables import own_styles
from bot.storage.transaction import transaction


class StyleShelf:
    """The styles of everybody.

    Args:
        store: The database.
        limit: Styles of one user.
    """

    def __init__(self, store: Store, limit: int):
        self.engine, self.threads = store.engine, store.threads
        self._limit = limit

    @transaction
    def put(self, connection: Connection, user_id: int, style: StoredStyle) -> bool:
        """Keep a style; one whose key is known is left as it is, as where a job is done again after a crash.

        Returns:
            False if its owner has as many as anybody may.
        """
        if connection.execute(sql.select(own_styles.c.key).where(own_styles.c.key == style.key)).first():
            return True
        # Two that are made at once may both be let in: one more is nothing to lock a table for.
        count = sql.select(sql.func.count()).select_from(own_styles).where(own_styles.c.user_id == user_id)
        if connection.execute(count).scalar_one() >= self._limit:
            return False
        connection.execute(
            sql.insert(own_styles).values(
                key=style.key, user_id=user_id, title=style.title, file=style.file, created_at=time.time()
            )
        )
        return True

    @transaction
    def titles(self, connection: Connection, user_id: int) -> dict[str, str]:
        """What somebody calls their styles, by their keys, the oldest first."""
        of_user = sql.select(own_styles.c.key, own_styles.c.title).where(own_styles.c.user_id == user_id)
        rows = connection.execute(of_user.order_by(own_styles.c.created_at, own_styles.c.key))
        return {row.key: row.title for row in rows}

    @transaction
    def get(self, connection: Connection, keys: tuple[str, ...]) -> dict[str, StoredStyle]:
        """The styles of these keys, whoever's they are; those that are deleted are left out."""
        wanted = sql.select(own_styles.c.key, own_styles.c.title, own_styles.c.file).where(own_styles.c.key.in_(keys))
        return {row.key: StoredStyle(key=row.key, title=row.title, file=row.file) for row in connection.execute(wanted)}

    @transaction
    def rename(self, connection: Connection, user_id: int, key: str, title: str) -> None:
        """Call a style of somebody's own otherwise."""
        own = (own_styles.c.key == key) & (own_styles.c.user_id == user_id)
        connection.execute(sql.update(own_styles).where(own).values(title=title))

    @transaction
    def delete(self, connection: Connection, user_id: int, key: str) -> None:
        """Delete a style of somebody's own."""
        own = (own_styles.c.key == key) & (own_styles.c.user_id == user_id)
        connection.execute(sql.delete(own_styles).where(own))
