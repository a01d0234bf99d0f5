"""One file per trained model: its configuration, and first of all its command, its time and what came out."""
