"""The studio: a web page to paint in, the small server behind it, and the same page as static files."""
