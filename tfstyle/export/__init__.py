"""From a trained network to what servers load."""
