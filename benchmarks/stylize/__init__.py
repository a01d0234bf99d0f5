"""Of one photo in one process: time and memory, beside a rival."""
