"""The model in this process, with the operations that the bot asks of a style server's client."""

import asyncio

from tfstyle.contract.catalog import Catalog
from tfstyle.contract.signatures import SIGNATURES, Signature
from tfstyle.contract.style_vector import StyleTable, StyleVector
from tfstyle.engines.onnx_files import OnnxFiles
from tfstyle.imaging.photo import PhotoSource
from tfstyle.model_store.versions import find_model
from tfstyle.stylize.options import StylizeOptions
from tfstyle.stylize.request import EncodedImage
from tfstyle.stylize.stylizer import Stylizer


class LocalClient:
    """Stylizes without a server, by ONNX Runtime; for one chat, whose photos come one after the other.

    Raises:
        ModelError: If there is no complete model.
    """

    def __init__(self) -> None:
        folder = find_model(None)
        self._stylizer = Stylizer(model=folder)
        self._has_encoder = OnnxFiles(folder).has_encoder

    @property
    def answering_version(self) -> int | None:
        """None: the model's version does not change."""
        return None

    async def styles(self, *, refresh: bool = False, timeout: float | None = None) -> Catalog:
        """The model's styles, which do not change."""
        return self._stylizer.styles()

    async def stylize_encoded(self, photo: PhotoSource, options: StylizeOptions) -> EncodedImage:
        """As `AsyncStyleClient.stylize_encoded`.

        Raises:
            StyleTransferError: As `Stylizer.stylize`.
        """
        return await asyncio.to_thread(self._stylizer.stylize_encoded, photo, options)

    async def signatures(self, *, timeout: float | None = None) -> dict[str, Signature]:
        """What the model does."""
        return {name: one for name, one in SIGNATURES.items() if self._has_encoder or name != "encode_style"}

    async def style_table(self, *, timeout: float | None = None) -> StyleTable | None:
        """As `AsyncStyleClient.style_table`."""
        return await asyncio.to_thread(self._stylizer.style_table)

    async def encode_style(self, style_image: PhotoSource, *, name: str | None = None, title: str = "") -> StyleVector:
        """As `AsyncStyleClient.encode_style`.

        Raises:
            StyleTransferError: As `Stylizer.encode_style`.
        """
        return await asyncio.to_thread(self._stylizer.encode_style, style_image, name=name, title=title)

    async def close(self) -> None:
        """Nothing is open."""
