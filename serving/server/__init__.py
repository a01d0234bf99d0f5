"""The embedded model server: TensorFlow Serving's gRPC and REST, in this process."""
