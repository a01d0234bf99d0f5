"""Of pictures that are optimized: memory, a rival, the figures of the paper."""
