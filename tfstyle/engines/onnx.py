"""A model in this process by ONNX Runtime, on the CPU or a GPU that it is installed for."""

from functools import cached_property
from typing import Any

import numpy as np

from tfstyle.engines.network_engine import NetworkEngine
from tfstyle.engines.onnx_files import ENCODER_FILE, NETWORK_FILE, REGIONS_FILE
from tfstyle.engines.onnx_session import open_session, run_session, short


class OnnxEngine(NetworkEngine):
    """Runs the network by ONNX Runtime."""

    @property
    def provider(self) -> str:
        """What runs the network: `CPU`, `CUDA`, ..."""
        return short(self._network.get_providers()[0])

    def _run(self, image: np.ndarray, style_vectors: np.ndarray, region_maps: np.ndarray | None) -> np.ndarray:
        inputs = {"image": image[None], "style_vectors": style_vectors[None]}
        if region_maps is not None:
            inputs["region_maps"] = region_maps[None]
        session = self._network if region_maps is None else self._regions
        stylized: np.ndarray = run_session(session, ["stylized"], inputs)[0][0]
        return stylized

    def _predict_style(self, style_image: np.ndarray) -> np.ndarray:
        vector: np.ndarray = run_session(self._encoder, ["style_vectors"], {"image": style_image[None]})[0][0]
        return vector

    @cached_property
    def _network(self) -> Any:
        return self._session(NETWORK_FILE)

    @cached_property
    def _regions(self) -> Any:
        return self._session(REGIONS_FILE)

    @cached_property
    def _encoder(self) -> Any:
        return self._session(ENCODER_FILE)

    def _session(self, name: str) -> Any:
        return open_session(self._files.read(name), self._files.folder, self.threads)
