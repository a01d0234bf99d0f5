"""Carry a photo to a model and the painting back: the client, the embedded server, and the wire format they share."""
