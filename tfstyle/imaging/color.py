"""YIQ, the colour space of NTSC television: Y is brightness, I and Q are colour; and the transfer that keeps colours.

Values are RGB 0..255 as a file holds them (gamma-encoded), which is what YIQ is defined on. The graph of an exported
model uses the same matrices.

Reference: [Gatys et al., 2016](https://arxiv.org/abs/1606.05897), luminance-only transfer.
"""

import numpy as np

# Rows Y, I, Q. The rows of I and Q sum to zero: adding the same amount to R, G and B changes Y alone, by that amount.
RGB_TO_YIQ = np.array(
    [
        [0.299, 0.587, 0.114],
        [0.595716, -0.274453, -0.321263],
        [0.211456, -0.522591, 0.311135],
    ],
    dtype=np.float64,
)
YIQ_TO_RGB = np.linalg.inv(RGB_TO_YIQ)


def rgb_to_yiq(rgb: np.ndarray) -> np.ndarray:
    """RGB 0..255 `[...,3]` to YIQ `[...,3]`: Y 0..255, I within ±152, Q within ±134; float32."""
    return np.asarray(rgb, dtype=np.float32) @ RGB_TO_YIQ.T.astype(np.float32)


def yiq_to_rgb(yiq: np.ndarray) -> np.ndarray:
    """YIQ `[...,3]` back to RGB `[...,3]`, float32; not clipped."""
    return np.asarray(yiq, dtype=np.float32) @ YIQ_TO_RGB.T.astype(np.float32)


def luminance_only(stylized: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """The stylized image in the photo's colours: Y from the stylized image, I and Q from the photo.

    At the photo's I and Q not every Y is a colour: each pixel's Y is limited to the range that keeps R, G and B within
    0..255. Clipping R, G and B instead would shift I and Q.

    Args:
        stylized: RGB, `[...,3]`, 0..255.
        photo: RGB of the same shape, 0..255.

    Returns:
        RGB, float32 `[...,3]`, 0..255, not rounded.
    """
    photo = np.asarray(photo, dtype=np.float32)
    difference = np.asarray(stylized, dtype=np.float32) - photo
    brighter = difference @ RGB_TO_YIQ[0].astype(np.float32)
    brighter = np.clip(brighter, -photo.min(axis=-1), 255 - photo.max(axis=-1))
    return photo + brighter[..., None]


def match_luminance(stylized: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """The stylized image with the photo's mean and standard deviation of luminance, its I and Q unchanged.

    `L' = (L - mean(L_stylized)) * std(L_photo) / std(L_stylized) + mean(L_photo)`, so that a dark stylized
    image does not make a bright photo dark.

    Args:
        stylized: RGB, uint8 `[h,w,3]`.
        photo: RGB, uint8 `[H,W,3]`.

    Returns:
        RGB, uint8 `[h,w,3]`; what leaves 0..255 is clipped.

    Reference: [Gatys et al., 2016](https://arxiv.org/abs/1606.05897), luminance-only transfer.
    """
    yiq, target = rgb_to_yiq(stylized), rgb_to_yiq(photo)[..., 0]
    luminance = yiq[..., 0]
    deviation = max(float(luminance.std()), 1e-6)  # a stylized image of one brightness stays one
    yiq[..., 0] = (luminance - luminance.mean()) * (target.std() / deviation) + target.mean()
    return np.rint(np.clip(yiq_to_rgb(yiq), 0, 255)).astype(np.uint8)
