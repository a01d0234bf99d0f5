"""Of servers and their clients: time, memory, load."""
