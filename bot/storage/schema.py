"""Schema version: older databases are carried along at start, newer ones are refused.

Each change of `bot.storage.tables` comes with a step in `migrations/versions`. Alembic notes in the database how far it
is; one of before there were versions has the tables of the first step.
"""

from pathlib import Path

import sqlalchemy as sql
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from bot.storage.tables import tasks
from tfstyle.errors import StyleTransferError

_FIRST = "0001"


class StorageError(StyleTransferError):
    """The database cannot be opened."""


def migrate(connection: Connection) -> None:
    """Bring the database to this bot's version, in the transaction of `connection`.

    Whoever calls keeps others from it.

    Raises:
        StorageError: If it is of a version that this bot does not know.
    """
    config = steps(connection)
    known = [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()]  # the newest one first
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise StorageError(
            f"Expected a database of version {known[0]} or older, got version {current}: a newer bot has changed it; "
            f"start that one, or restore a backup of before."
        )
    if current is None and sql.inspect(connection).has_table(tasks.name):
        command.stamp(config, _FIRST)
    command.upgrade(config, "head")


def steps(connection: Connection) -> Config:
    """The migrations, for Alembic, to be done in the transaction of `connection`."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
