"""Light protobuf messages, wire-compatible with TensorFlow Serving's; see README.md for how they are generated."""
