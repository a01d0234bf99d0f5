"""Videos painted frame by frame, and kept from flickering: reading, carrying strokes along motion, writing."""
