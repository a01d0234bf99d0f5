"""Photos in, paintings out: fast neural style transfer.

    import tfstyle

    tfstyle.Stylizer().stylize("photo.jpg", "starry_night").save("painting.jpg")

Importing this package imports nothing else; every name below arrives when it is first used, and TensorFlow only when a
model is opened in this process.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfstyle.contract.catalog import Catalog, Style
    from tfstyle.contract.style_file import load_style, save_style
    from tfstyle.contract.style_vector import StyleVector
    from tfstyle.errors import (
        MaskError,
        ModelError,
        PhotoError,
        RequestError,
        StyleTransferError,
        StyleVectorError,
        TrainingError,
        UnknownStyleError,
    )
    from tfstyle.imaging.photo import Photo, read_photo
    from tfstyle.stylize.stylizer import Stylizer

__version__ = "0.1.0"

_HOMES = {
    "Catalog": "contract.catalog",
    "MaskError": "errors",
    "ModelError": "errors",
    "Photo": "imaging.photo",
    "PhotoError": "errors",
    "RequestError": "errors",
    "Style": "contract.catalog",
    "StyleTransferError": "errors",
    "StyleVector": "contract.style_vector",
    "StyleVectorError": "errors",
    "Stylizer": "stylize.stylizer",
    "TrainingError": "errors",
    "UnknownStyleError": "errors",
    "load_style": "contract.style_file",
    "read_photo": "imaging.photo",
    "save_style": "contract.style_file",
}

__all__ = [
    "Catalog",
    "MaskError",
    "ModelError",
    "Photo",
    "PhotoError",
    "RequestError",
    "Style",
    "StyleTransferError",
    "StyleVector",
    "StyleVectorError",
    "Stylizer",
    "TrainingError",
    "UnknownStyleError",
    "__version__",
    "load_style",
    "read_photo",
    "save_style",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tfstyle' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tfstyle.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
