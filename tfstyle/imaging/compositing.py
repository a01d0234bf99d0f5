"""A stylized image over its photo, where the network saw another size; elsewhere the exported graph does the same."""

import numpy as np

from tfstyle.imaging.color import luminance_only

_BAND = 256  # rows at once, so that a large photo does not stand in memory several times as floats


def compose(
    photo: np.ndarray,
    stylized: np.ndarray,
    share: np.ndarray,
    *,
    preserve_color: bool = False,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """`photo + share * (stylized - photo)`, rounded once.

    Args:
        photo: RGB uint8 `[H,W,3]`.
        stylized: RGB uint8 `[H,W,3]`.
        share: How much of the stylized image, float `[H,W]` or what broadcasts to it, 0..1; 0 is the photo bit for bit.
        preserve_color: Take only the luminance of the stylized image.
        out: Where to write the result, such as `stylized` itself; None is a new array.

    Returns:
        RGB uint8 `[H,W,3]`.
    """
    result = np.empty_like(photo) if out is None else out
    share = np.broadcast_to(np.asarray(share, np.float32), photo.shape[:2])
    for top in range(0, len(photo), _BAND):
        rows = slice(top, top + _BAND)
        below, above = photo[rows].astype(np.float32), stylized[rows].astype(np.float32)
        if preserve_color:
            above = luminance_only(above, below)
        result[rows] = np.rint(np.clip(below + share[rows, :, None] * (above - below), 0, 255))
    return result
