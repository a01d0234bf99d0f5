"""Where to stylize: masks from files, across the picture, and from what is in the photo."""
