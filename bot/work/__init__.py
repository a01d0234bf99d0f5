"""What the bot does: claims what is stored, answers it, has it stylized and delivers it."""
