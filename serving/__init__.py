"""A photo to a model and the stylized image back: the client, the embedded server, and the wire format they share."""

DEFAULT_PORT = 8500  # of gRPC, as TensorFlow Serving has it
