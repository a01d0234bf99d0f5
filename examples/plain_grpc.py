"""The wire contract with TensorFlow Serving's own messages alone: python examples/plain_grpc.py localhost:8500 PHOTO

Any language with gRPC does the same; docs/wire-contract.md lists the inputs.
"""

import sys
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

address, photo = sys.argv[1], Path(sys.argv[2])
server = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(address))

# How many styles there are, and what they are called.
request = predict_pb2.PredictRequest()
request.model_spec.name = "tfstyle"
request.model_spec.signature_name = "describe"
described = server.Predict(request, timeout=60)
names = [name.decode() for name in tf.make_ndarray(described.outputs["style_names"])]

# One request: a photo as it is in its file, and a weight for each style.
weights = np.zeros((1, len(names)), np.float32)
weights[0, names.index("the_scream")] = 1.0
request = predict_pb2.PredictRequest()
request.model_spec.name = "tfstyle"
request.model_spec.signature_name = "serving_default"
pixels = tf.image.decode_image(photo.read_bytes(), channels=3)
request.inputs["image"].CopyFrom(tf.make_tensor_proto(pixels[None]))
request.inputs["style_weights"].CopyFrom(tf.make_tensor_proto(weights))
answer = server.Predict(request, timeout=60)
stylized = tf.make_ndarray(answer.outputs["stylized"])[0]

Path("scream.png").write_bytes(tf.io.encode_png(stylized).numpy())
