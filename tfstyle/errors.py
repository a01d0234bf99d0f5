"""What can go wrong between a photo and its stylized image.

StyleTransferError         catches all of them; each message says what was expected, what came and what to do
├── PhotoError             the photo: unreadable, too small or too large
│   ├── PhotoTooSmallError fewer pixels than the network needs
│   └── PhotoTooLargeError more than are decoded here; `.pixels` and `.limit` say how many
├── VideoError             the video: unreadable, none, or without frames
├── MaskError              the mask: unreadable, or another shape than the photo
├── UnknownStyleError      no such style; `.known` lists those there are
├── RequestError           weights, strength or options out of range
├── StyleVectorError       a style vector or a style file: damaged, or of another network
├── ModelError             the model folder: missing, empty or half written
├── TrainingError          training cannot start or go on: no photos, bad recipe, loss not finite
└── BulkError              a job of many photos cannot start or go on: no Ray, a full disk
"""


class StyleTransferError(Exception):
    """Anything that tfstyle refuses or cannot do, with advice in the message.

    Attributes:
        graph_code: Where the model refused, a `tfstyle.contract.graph_errors.GraphCode`; else empty.
    """

    graph_code: str = ""


class PhotoError(StyleTransferError):
    """The photo is unreadable, too small or too large."""


class PhotoTooSmallError(PhotoError):
    """The photo has fewer pixels a side than the network needs."""


class PhotoTooLargeError(PhotoError):
    """The photo has more pixels than are decoded.

    Attributes:
        pixels: H * W, or a number that is certainly less.
        limit: The most that would have been taken.
    """

    def __init__(self, message: str, *, pixels: int = 0, limit: int = 0):
        super().__init__(message)
        self.pixels = pixels
        self.limit = limit


class MaskError(StyleTransferError):
    """The mask is unreadable or does not fit the photo."""


class VideoError(StyleTransferError):
    """The video is unreadable, none, or without frames."""


class UnknownStyleError(StyleTransferError):
    """No style of that name; `known` lists the names there are."""

    def __init__(self, message: str, known: tuple[str, ...] = ()):
        super().__init__(message)
        self.known = known


class RequestError(StyleTransferError):
    """Style weights, strength or another option is out of range."""


class StyleVectorError(StyleTransferError):
    """The style vector or style file is damaged, or of another network than the model's."""


class ModelError(StyleTransferError):
    """The model folder is missing, empty or half written."""


class TrainingError(StyleTransferError):
    """Training cannot start or go on."""


class BulkError(StyleTransferError):
    """A job of many photos cannot start or go on."""
