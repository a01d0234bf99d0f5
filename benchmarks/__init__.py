"""Measurements behind the figures of the documentation; `python -m benchmarks.ROOM.NAME --help` says how."""
