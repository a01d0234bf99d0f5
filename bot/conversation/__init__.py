"""What is said in a chat: events in, actions out, without Telegram and without a database."""
