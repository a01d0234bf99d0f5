"""Of the bot: what it adds to a painting, and many photos at once."""
