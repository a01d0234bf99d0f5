"""A painting over its photo, where it was painted at another size; for all others the exported graph does the same."""

import numpy as np

from tfstyle.imaging.color import luminance_only

_BAND = 256  # rows at once, so that a large photo does not stand in memory several times as floats


def compose(photo: np.ndarray, painting: np.ndarray, share: np.ndarray, *, preserve_color: bool = False) -> np.ndarray:
    """`photo + share * (painting - photo)`, rounded once.

    Args:
        photo: RGB uint8 `[H,W,3]`.
        painting: RGB uint8 `[H,W,3]`.
        share: How much of the painting, float `[H,W]` or what broadcasts to it, 0..1; 0 is the photo bit for bit.
        preserve_color: Take only the luminance of the painting.

    Returns:
        RGB uint8 `[H,W,3]`.
    """
    result = np.empty_like(photo)
    share = np.broadcast_to(np.asarray(share, np.float32), photo.shape[:2])
    for top in range(0, len(photo), _BAND):
        rows = slice(top, top + _BAND)
        below, above = photo[rows].astype(np.float32), painting[rows].astype(np.float32)
        if preserve_color:
            above = luminance_only(above, below)
        result[rows] = np.rint(np.clip(below + share[rows, :, None] * (above - below), 0, 255))
    return result
