"""Files of videos: what is read out of them and written into them, by FFmpeg's libraries and Pillow."""
