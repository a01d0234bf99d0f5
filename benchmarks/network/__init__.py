"""Of networks: shapes, training steps, GPUs."""
