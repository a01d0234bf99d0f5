"""Models on disk: versions, how they are published and taken back, and whether they are whole."""
