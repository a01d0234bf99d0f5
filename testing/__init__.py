"""Doubles, small cases and tools that tests and benchmarks share."""
