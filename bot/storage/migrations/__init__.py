"""Migrations: how the database's schema came to be what `bot.storage.tables` says, one step a file."""
