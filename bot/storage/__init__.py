"""What survives a crash: the database and the values in it."""
