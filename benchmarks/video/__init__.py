"""Benchmarks of painted videos."""
