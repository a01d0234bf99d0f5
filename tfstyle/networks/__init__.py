"""The networks: the transformer with its layers, the loss network and the losses, and their weights on disk."""
