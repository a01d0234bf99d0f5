"""The steps, each named after its number; `down_revision` says which it follows."""
