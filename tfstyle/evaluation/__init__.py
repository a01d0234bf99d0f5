"""How good stylized images are, measured."""
