"""A style server in NumPy for the bot's tests: three flat colours, with delays and faults when a test wants them."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import grpc

from serving.client.calls import METADATA, PREDICT
from serving.protos import wire_pb2
from testing.fake_model import CATALOG, FakePredictor
from testing.fake_server import FakeModel, answering

_PAINTING = ("encoded", "stylize_vectors")


class StyleModel(FakeModel):
    """`FakeModel` of photos up to 4 megapixels.

    Attributes:
        seconds: What one painting takes; those under way end with it.
        faults: gRPC codes that the next paintings end with.
        painting: How many are painted right now.
        most: The most there ever were.
    """

    def __init__(self, *, any_painting: bool = False) -> None:
        super().__init__()
        self.predictor = FakePredictor(replace(CATALOG, max_pixels=4_000_000), any_painting=any_painting)
        self.seconds = 0.0
        self.faults: list[grpc.StatusCode] = []
        self.painting = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        if wire_pb2.PredictRequest.FromString(request).model_spec.signature_name not in _PAINTING:
            return super().__call__(request, context)
        with self._lock:
            fault = self.faults.pop(0) if self.faults else None
            self.painting += 1
            self.most = max(self.most, self.painting)
        try:
            began = time.monotonic()
            while (left := began + self.seconds - time.monotonic()) > 0:
                time.sleep(min(left, 0.02))
            if fault is not None:
                context.abort(fault, "as the test wants it")
            return super().__call__(request, context)
        finally:
            with self._lock:
                self.painting -= 1

    def metadata(self, _: bytes, __: grpc.ServicerContext) -> bytes:
        """The names of its signatures."""
        names = ("describe", *_PAINTING, *(["encode_style"] if self.predictor.any_painting else []))
        signatures = wire_pb2.SignatureDefMap(signature_def={name: wire_pb2.SignatureDef() for name in names})
        answer = wire_pb2.GetModelMetadataResponse()
        answer.metadata["signature_def"].Pack(signatures)
        return answer.SerializeToString()


@contextmanager
def style_server(port: int = 0, *, any_painting: bool = False) -> Iterator[tuple[StyleModel, str]]:
    """A server on a local port; yields its model and its address."""
    model = StyleModel(any_painting=any_painting)
    with answering({PREDICT: model, METADATA: model.metadata}, port=port) as address:
        yield model, address
