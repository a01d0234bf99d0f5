"""Real gRPC servers without TensorFlow, of methods that a test writes down."""

from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager

import grpc

from serving import codec
from serving.client.calls import PREDICT
from serving.protos import wire_pb2
from testing.fake_model import FakePredictor

Behavior = Callable[[bytes, grpc.ServicerContext], bytes]


@contextmanager
def answering(
    methods: dict[str, Behavior],
    *,
    credentials: grpc.ServerCredentials | None = None,
    max_message_bytes: int = -1,
    host: str = "127.0.0.1",
    port: int = 0,
    max_connection_age: float | None = None,
) -> Iterator[str]:
    """A server on a local port whose methods, by path, answer whatever `behavior(request_bytes, context)` returns.

    Args:
        methods: What it answers.
        credentials: For TLS; None is plain text.
        max_message_bytes: Of a request; -1 takes any.
        host: Where it listens, with
        port: 0 picks a free one.
        max_connection_age: Seconds after which it asks clients to connect anew; None is never.

    Yields:
        Its address, `host:port`.
    """
    handlers = []
    for path, behavior in methods.items():
        service, name = path.strip("/").split("/")
        method = {name: grpc.unary_unary_rpc_method_handler(behavior)}
        handlers.append(grpc.method_handlers_generic_handler(service, method))
    server = grpc.server(
        futures.ThreadPoolExecutor(8),
        handlers=handlers,
        options=[
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.max_connection_age_ms", round(1000 * max_connection_age) if max_connection_age else 2**31 - 1),
        ],
    )
    if credentials is None:
        port = server.add_insecure_port(f"{host}:{port}")
    else:
        port = server.add_secure_port(f"{host}:{port}", credentials)
    server.start()
    try:
        yield f"{host}:{port}"
    finally:
        server.stop(0).wait()


class FakeModel:
    """A Predict method that paints as `FakePredictor` does.

    Attributes:
        version: Of the model, as answers tell it.
        predictor: What it was asked.
    """

    def __init__(self, version: int = 1):
        self.version = version
        self.predictor = FakePredictor()

    def __call__(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        message = wire_pb2.PredictRequest.FromString(request)
        inputs = {name: codec.decode(proto) for name, proto in message.inputs.items()}
        response = wire_pb2.PredictResponse()
        response.model_spec.version.value = self.version
        for name, array in self.predictor.predict(message.model_spec.signature_name, inputs).items():
            response.outputs[name].CopyFrom(codec.encode(array))
        return response.SerializeToString()

    @property
    def methods(self) -> dict[str, Behavior]:
        """For `answering`."""
        return {PREDICT: self}
