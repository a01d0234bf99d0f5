"""One picture optimized against the losses, without a trained transformer."""
