"""A photo in, a stylized image out: the one path that every request takes, in this process or over gRPC.

`Stylizer` asks for the styles and sends a request of `tfstyle.stylize.request`. Who answers is a `Predictor`: a
SavedModel in this process, a client of a server, or a fake in tests.
"""

import os
from collections.abc import Mapping
from typing import Literal, Protocol

import numpy as np

from tfstyle.contract.catalog import Catalog
from tfstyle.contract.style_mix import Regions, StyleMix
from tfstyle.errors import RequestError
from tfstyle.imaging.photo import Photo, PhotoSource
from tfstyle.masks.mask import DEFAULT_FADE, MaskSource
from tfstyle.model_store.versions import CATALOG_FILE, find_model
from tfstyle.stylize.request import StylizeRequest
from tfstyle.stylize.stroke_size import Stroke


class Predictor(Protocol):
    """Whoever answers the signatures of the wire contract."""

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Arrays in, arrays out, by the names in `tfstyle.contract.signatures`; strings are object arrays of bytes."""
        ...


class Stylizer:
    """Paints photos in the styles of one model.

        stylizer = tfstyle.Stylizer()
        stylizer.stylize("photo.jpg", "starry_night:60,the_scream:40", strength=0.8).save("stylized.jpg")

    Args:
        predictor: Who answers; None runs a SavedModel in this process. TensorFlow is imported with the first photo.
        model: Folder or name of that model; None is the newest version of `tfstyle`. Not together with `predictor`.
        threads: CPU threads for a model in this process; None leaves it to TensorFlow.

    Raises:
        ModelError: If there is no complete model at `model`.
    """

    def __init__(
        self,
        predictor: Predictor | None = None,
        model: str | os.PathLike[str] | None = None,
        *,
        threads: int | None = None,
    ):
        if predictor is not None and model is not None:
            raise RequestError("Expected a predictor or a model, got both; the predictor has its model already.")
        self._predictor = predictor
        self._folder = find_model(model) if predictor is None else None
        self._threads = threads
        self._catalog: Catalog | None = None

    def styles(self, *, refresh: bool = False) -> Catalog:
        """The model's styles, asked for once.

        Args:
            refresh: Ask again, as after a server changed to another version of its model.
        """
        if self._catalog is None or refresh:
            self._catalog = self._describe()
        return self._catalog

    def stylize(
        self,
        photo: PhotoSource,
        style: StyleMix | None = None,
        *,
        strength: float = 1.0,
        preserve_color: bool = False,
        mask: MaskSource | None = None,
        regions: Regions | None = None,
        fade: float = DEFAULT_FADE,
        max_size: int | None = None,
        stroke: Stroke = 1.0,
        format: Literal["png", "jpeg"] = "png",
    ) -> Photo:
        """Paint one photo.

        Args:
            photo: A path, the bytes of a file, an open file, a Pillow image, a uint8 array `[H,W,3]` or a `Photo`.
            style: One style, or several in proportion: `"a"`, `"a:60,b:40"` or `{"a": 60, "b": 40}`.
            strength: 0..1, how much of the stylized image; 0 is the photo.
            preserve_color: Keep the photo's colours and take only brightness from the stylized image.
            mask: Where to paint: `person`, `background`, `subject`, `left`, `right`, `top`, `bottom`, `radial`, or any
                picture or array of gray values.
            regions: Several places with a mix each, instead of `style` and `mask`: `"left=a,right=b:2+c"`, a mapping,
                or pairs of mask and mix. Each region's weights count in proportion among themselves. Where regions
                overlap, they mix in proportion to their masks; where none reaches, the photo stays.
            fade: 0..1, how softly gradients fade.
            max_size: Shrink the photo first so that its longer side has at most so many pixels.
            stroke: How broad strokes are, 0.5 (finer) to 2 (broader), at the same size of stylized image. How large the
                photo is makes no difference above 1280 x 1280 pixels, unless this is `native`: then every pixel is
                painted.
            format: How the stylized image travels; `jpeg` is smaller, `png` exact.

        Returns:
            The stylized image, of the photo's size, with its ICC profile, name and notes.

        Raises:
            PhotoError: If the photo cannot be read, or is too small or too large for the model.
            MaskError: If a mask cannot be read, has another shape than the photo, or asks for a person or subject that
                the photo does not show.
            UnknownStyleError: If the model has no such style.
            RequestError: If a weight, the strength, the fade, the stroke or a combination of options is out of range.
        """
        request = StylizeRequest(
            photo,
            style,
            strength=strength,
            preserve_color=preserve_color,
            mask=mask,
            regions=regions,
            fade=fade,
            max_size=max_size,
            stroke=stroke,
            format=format,
        )
        return request.stylized(self._predict("encoded", request.inputs(self.styles())))

    def _describe(self) -> Catalog:
        if self._folder is not None and (self._folder / CATALOG_FILE).exists():
            return Catalog.load(self._folder / CATALOG_FILE)  # says the same as `describe`, without TensorFlow
        return Catalog.from_describe(self._predict("describe", {}))

    def _predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        if self._predictor is None:
            from tfstyle.engines.saved_model import SavedModelPredictor

            self._predictor = SavedModelPredictor(self._folder, threads=self._threads)
        return self._predictor.predict(signature, inputs)
