"""Keeps a photograph photographic: the matting Laplacian allows each neighbourhood an affine change of its colours.

Reference: [Luan et al., 2017](https://arxiv.org/abs/1703.07511), after [Levin et al.,
2008](https://doi.org/10.1109/TPAMI.2007.1177).
"""

import numpy as np
import tensorflow as tf


def matting_laplacian(photo: np.ndarray, *, epsilon: float = 1e-4) -> tf.SparseTensor:
    """The matting Laplacian over windows of 3x3 pixels.

    Args:
        photo: `[H,W,3]`, 0..255.
        epsilon: How far colours may leave the line that a window's pixels lie on. The usual 1e-7 leaves nearly flat
            windows with no room for anything but rounding in float32.

    Returns:
        Sparse float32 `[H*W,H*W]`, 25 entries a row. What it makes of a picture that is an affine function of the
        photo's colours is 0.
    """
    from pymatting.laplacian.cf_laplacian import cf_laplacian  # compiles for half a minute when first imported

    laplacian = cf_laplacian(np.asarray(photo, np.float64) / 255, epsilon=epsilon).tocoo()
    laplacian.eliminate_zeros()
    indices = np.stack([laplacian.row, laplacian.col], axis=1).astype(np.int64)
    return tf.sparse.reorder(tf.SparseTensor(indices, laplacian.data.astype(np.float32), laplacian.shape))


def matting_loss(picture: tf.Tensor, laplacian: tf.SparseTensor) -> tf.Tensor:
    """`sum_c V_c^T L V_c` divided by C*H*W.

    Args:
        picture: float32 `[H,W,3]`, 0..1.
        laplacian: Of the photo, see `matting_laplacian`.

    Returns:
        A float32 scalar, >= 0.
    """
    colours = tf.reshape(picture, (-1, 3))
    return tf.reduce_mean(colours * tf.sparse.sparse_dense_matmul(laplacian, colours))
