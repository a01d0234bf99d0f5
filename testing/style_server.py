"""A style server in NumPy for the bot's tests: three flat colours, with delays and faults when a test wants them."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import grpc

from serving.client.calls import PREDICT
from serving.protos import wire_pb2
from testing.fake_model import CATALOG, FakePredictor
from testing.fake_server import FakeModel, answering


class StyleModel(FakeModel):
    """`FakeModel` of photos up to 4 megapixels.

    Attributes:
        seconds: What one painting takes; those under way end with it.
        faults: gRPC codes that the next paintings end with.
        painting: How many are painted right now.
        most: The most there ever were.
    """

    def __init__(self) -> None:
        super().__init__()
        self.predictor = FakePredictor(replace(CATALOG, max_pixels=4_000_000))
        self.seconds = 0.0
        self.faults: list[grpc.StatusCode] = []
        self.painting = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        if wire_pb2.PredictRequest.FromString(request).model_spec.signature_name != "encoded":
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


@contextmanager
def style_server(port: int = 0) -> Iterator[tuple[StyleModel, str]]:
    """A server on a local port; yields its model and its address."""
    model = StyleModel()
    with answering({PREDICT: model}, port=port) as address:
        yield model, address
