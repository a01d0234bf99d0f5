"""Of what comes out: distances, masks, flicker, and pictures to look at."""
