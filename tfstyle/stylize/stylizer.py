"""A photo in, a stylized image out: the one path that every request takes, in this process or over gRPC.

`Stylizer` asks for the styles and sends a request of `tfstyle.stylize.request`. Who answers is an `Engine`: a
SavedModel in this process, a client of a server, or a fake in tests.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Unpack

import numpy as np

from tfstyle.contract.catalog import CATALOG_FILE, Catalog
from tfstyle.contract.style_mix import StyleMix
from tfstyle.contract.style_vector import StyleTable, StyleVector
from tfstyle.engines.engine import AnySizeEngine, Engine
from tfstyle.engines.local import DEFAULT_ENGINE, LocalEngine, check_local_engine, open_local_engine
from tfstyle.errors import PhotoError, RequestError
from tfstyle.imaging.photo import Photo, PhotoSource, read_photo
from tfstyle.imaging.style_images import check_style_image
from tfstyle.model_store.versions import find_model
from tfstyle.stylize.options import StylizeKeywords, StylizeOptions
from tfstyle.stylize.request import EncodedImage, StylizeRequest
from tfstyle.stylize.style_parts import style_parts
from tfstyle.stylize.style_request import StyleRequest, style_name


class Stylizer:
    """Paints photos in the styles of one model.

        stylizer = tfstyle.Stylizer()
        stylizer.stylize("photo.jpg", "starry_night:60,the_scream:40", strength=0.8).save("stylized.jpg")

    Args:
        engine: Who answers: `onnx` or `tensorflow` in this process, whose library is imported with the first photo; or
            an engine that has its model already, such as a client of a server. None is `onnx`.
        model: Folder or name of the model in this process; None is the newest version of `tfstyle`.
        threads: CPU threads for a model in this process; None leaves it to the engine, which takes every core.

    Raises:
        ModelError: If there is no complete model at `model`.
        RequestError: If no engine is called so, or a model is given to one that has its own.
    """

    def __init__(
        self,
        engine: Engine | LocalEngine | None = None,
        model: str | os.PathLike[str] | None = None,
        *,
        threads: int | None = None,
    ):
        if not (engine is None or isinstance(engine, str)) and model is not None:
            raise RequestError("Expected an engine or a model, got both; the engine has its model already.")
        self._engine: Engine | None = None
        self._folder: Path | None = None
        if engine is None or isinstance(engine, str):
            self._local = check_local_engine(engine or DEFAULT_ENGINE)
            self._folder = find_model(model)
        else:
            self._engine = engine
        self._threads = threads
        self._catalog: Catalog | None = None
        self._table: StyleTable | None = None
        self._table_known = False

    def styles(self, *, refresh: bool = False) -> Catalog:
        """The model's styles, asked for once.

        Args:
            refresh: Ask again, as after a server changed to another version of its model.
        """
        if self._catalog is None or refresh:
            self._catalog = self._describe()
        return self._catalog

    def stylize(
        self, photo: PhotoSource, style: StyleMix | StylizeOptions | None = None, **options: Unpack[StylizeKeywords]
    ) -> Photo:
        """Stylize one photo.

        Args:
            photo: A path, the bytes of a file, an open file, a Pillow image, a uint8 array `[H,W,3]` or a `Photo`.
            style: A `StylizeOptions`; or its first field, one style or several in proportion: `"a"`, `"a:60,b:40"` or
                `{"a": 60, "b": 40}`, a `StyleVector` or the path of a style file, alone or in place of a name.
            **options: The other fields of `StylizeOptions`: strength, preserve_color, mask, regions, fade, max_size,
                stroke, format.

        Returns:
            The stylized image, of the photo's size, with its ICC profile, name and notes.

        Raises:
            PhotoError: If the photo cannot be read, or is too small or too large for the model.
            MaskError: If a mask cannot be read, has another shape than the photo, or asks for a person or subject that
                the photo does not show.
            UnknownStyleError: If the model has no such style.
            StyleVectorError: If a style vector is of another network than the model's, or a style file is damaged.
            RequestError: If a weight, the strength, the fade, the stroke or a combination of options is out of range.
        """
        request = StylizeRequest(photo, StylizeOptions.of(style, **options))
        if engine := self._any_size_for(request):
            return self._stylized_large(engine, request)
        return request.stylized(self._answer(request))

    def stylize_encoded(
        self, photo: PhotoSource, style: StyleMix | StylizeOptions | None = None, **options: Unpack[StylizeKeywords]
    ) -> EncodedImage:
        """Stylize one photo and leave it encoded as the model did, JPEG or PNG by `format`.

        Raises:
            StyleTransferError: As `stylize`.
        """
        request = StylizeRequest(photo, StylizeOptions.of(style, **options))
        if engine := self._any_size_for(request):
            return request.encoded(self._stylized_large(engine, request))
        return request.stylized_encoded(self._answer(request))

    def encode_style(
        self, style_image: PhotoSource, *, name: str | None = None, title: str = "", artist: str = "", year: str = ""
    ) -> StyleVector:
        """The style of any painting, as a value to stylize with, to keep in a style file, and to send others.

            kiss = stylizer.encode_style("kiss.jpg")
            stylizer.stylize("photo.jpg", {kiss: 60, "starry_night": 40})
            tfstyle.save_style(kiss, "kiss.style")

        Args:
            style_image: A path, the bytes of a file, an open file, a Pillow image, a uint8 array `[H,W,3]` or a
                `Photo`; of 64 pixels a side or more, and at most ten times as long as wide.
            name: What the style is called; None is made of the file's name.
            title, artist, year: Of the painting; an empty title is made of the name.

        Raises:
            PhotoError: If it cannot be read, is too small or too long.
            ModelError: If the model has no style encoder.
        """
        request = StyleRequest(style_image, name=name, title=title, artist=artist, year=year)
        return request.style_vector(self._predict("encode_style", request.inputs()), self.style_table())

    def encode_parts(self, style_image: PhotoSource, *, name: str | None = None) -> dict[str, StyleVector]:
        """The styles of a painting's person and of its background, as regions to paint a photo of a person in.

            stylizer.stylize("portrait.jpg", regions=stylizer.encode_parts("kiss.jpg"))

        Args:
            style_image: As for `encode_style`.
            name: What the styles are called, followed by the part; None is made of the file's name.

        Raises:
            MaskError: If the painting shows no person.
            StyleTransferError: If the extra `masks` is not installed, and as `encode_style`.
        """
        photo = read_photo(style_image).on_white()
        check_style_image(photo.pixels, photo.name)
        known = name or style_name(photo)
        return {part: self.encode_style(seen, name=f"{known}.{part}") for part, seen in style_parts(photo).items()}

    def style_table(self, *, refresh: bool = False) -> StyleTable | None:
        """The vectors of the model's styles and the fingerprint of its trunk; None if the model tells none.

        Args:
            refresh: Ask again, as after a server changed to another version of its model.
        """
        if refresh or not self._table_known:
            self._table = StyleTable.from_describe(self._predict("describe", {}))
            self._table_known = True
        return self._table

    def _answer(self, request: StylizeRequest) -> dict[str, np.ndarray]:
        table = self.style_table() if request.signature == "stylize_vectors" else None
        return self._predict(request.signature, request.inputs(self.styles(), table))

    def stylize_pixels(
        self, pixels: np.ndarray, style: StyleMix | StylizeOptions | None = None, **options: Unpack[StylizeKeywords]
    ) -> np.ndarray:
        """Stylize RGB pixels, uint8 `[H,W,3]`, a frame of a video, say; a mix of named styles encodes nothing.

        Raises:
            StyleTransferError: As `stylize`.
        """
        request = StylizeRequest(pixels, StylizeOptions.of(style, **options))
        inputs = request.pixel_inputs(self.styles())
        if inputs is None:
            return request.stylized(self._answer(request)).pixels
        return request.stylized_pixels(self._predict("serving_default", inputs))

    def _stylized_large(self, engine: AnySizeEngine, request: StylizeRequest) -> Photo:
        try:
            return request.stylized_large(engine.paint_large(**request.large_inputs(self.styles(), self.style_table())))
        except MemoryError:
            raise PhotoError("The photo is too large for the memory of this machine; set a max size.") from None

    def _describe(self) -> Catalog:
        if self._folder is not None and (self._folder / CATALOG_FILE).exists():
            return Catalog.load(self._folder / CATALOG_FILE)  # says the same as `describe`, without loading the model
        return Catalog.from_describe(self._predict("describe", {}))

    def _predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return self._opened().predict(signature, inputs)

    def _opened(self) -> Engine:
        if self._engine is None:
            assert self._folder is not None
            self._engine = open_local_engine(self._local, self._folder, threads=self._threads)
        return self._engine

    def _any_size_for(self, request: StylizeRequest) -> AnySizeEngine | None:
        """The engine, if the photo is larger than the signatures take and it paints it nevertheless."""
        if not request.is_larger_than(self.styles().max_pixels):
            return None
        engine = self._opened()
        return engine if isinstance(engine, AnySizeEngine) else None
