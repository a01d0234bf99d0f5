"""The conversation in Telegram: a photo comes in, its painting goes out, and nothing is lost in between.

Settings, faults and what is kept about people: `docs/bot.md`. `python -m bot` runs it, `python -m bot.terminal` holds
the same conversation without Telegram.
"""
