"""The model as it is served: a TensorFlow graph for every signature of the wire contract.

After the network, strength, masks and preserved colours act in this order and are rounded once, at the end:

    stylized = network(photo, style mix)
    stylized = luminance_only(stylized, photo)            where preserve_color
    result   = photo + strength * mask * (stylized - photo)

What a request may ask for is bounded before any of it is worked on, by the pixels of all its pictures together and the
regions of each; what is refused begins with a code of `tfstyle.contract.graph_errors`.

Core TensorFlow operations only, no Python functions, no XLA: it runs in the C++ server, on CPU or GPU, without a flag.
"""

from collections.abc import Callable, Sequence
from functools import partial

import tensorflow as tf

from tfstyle.contract import refusals
from tfstyle.contract.catalog import Catalog
from tfstyle.contract.graph_errors import GraphCode
from tfstyle.contract.signatures import MAX_REGIONS, SIGNATURES, Signature
from tfstyle.export.encoder_graph import EncoderGraph
from tfstyle.imaging.color import RGB_TO_YIQ
from tfstyle.imaging.photo import MIN_SIDE
from tfstyle.imaging.style_images import MAX_ASPECT, MIN_STYLE_IMAGE_SIDE
from tfstyle.networks.checkpoint import Checkpoint

JPEG_QUALITY = 95
PNG_COMPRESSION = 1  # a stylized image's texture hardly compresses, so higher levels take longer for little
BOUNDARY = 1e-6  # masks and strengths come from float arithmetic: 1 + this is still 1


class ServingGraph(tf.Module):
    """A model with the signatures of `tfstyle.contract.signatures`; `encode_style` only where it has a style encoder.

    Args:
        model: Trunk, style table, one row per style of the catalog, and the style encoder if there is one.
        catalog: The styles in the order of the columns, and the largest picture to accept.
    """

    def __init__(self, model: Checkpoint, catalog: Catalog):
        super().__init__()
        if model.names != catalog.names:
            raise ValueError(f"Expected the styles of the model, {model.names}, in the catalog. Got: {catalog.names}.")
        # Saved as plain variables: those that only a Keras model holds are not restored into a session. The model
        # itself stands behind a function, or a tf.Module would save every weight twice.
        self.weights = [variable.value for variable in model.trunk.variables]
        self.trunk = lambda image, style_vectors, region_maps=None: model.trunk(image, style_vectors, region_maps)
        self.table = tf.Variable(model.table, trainable=False, name="style_table")
        self.encoder = EncoderGraph(model.encoder) if model.encoder else None
        self.fingerprint = model.trunk.fingerprint()
        # One function for both signatures that answer encoded pictures, so that the network is in the file once.
        self._picture = tf.function(self._encoded_picture)
        self.catalog = catalog

    def paint(self, image, style):
        """Stylized images, float32, in mixes of the named styles: proportions `[B,N]`, or `[B,H,W,N]` per pixel."""
        if style.shape.rank == 2:
            return self.trunk(image, tf.matmul(style, self.table)[:, None, :])
        return self.trunk(image, tf.tile(self.table[None], [tf.shape(image)[0], 1, 1]), style)

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Concrete functions by signature name, inputs and outputs named as in the contract."""
        bodies: dict[str, Callable] = {
            "serving_default": self._serving_default,
            "controlled": self._controlled,
            "regions": self._regions,
            "encoded": self._encoded,
            "stylize_vectors": self._stylize_vectors,
            "describe": self._describe,
        }
        if self.encoder:
            bodies["encode_style"] = partial(self._encode_style, self.encoder)
        return {name: _concrete(SIGNATURES[name], body) for name, body in bodies.items()}

    def _serving_default(self, image, style_weights):
        image = self._checked_image(image)
        style, painted_at = self._checked_weights(style_weights, tf.shape(image)[:1], "style_weights", "[B,N]")
        stylized = self.paint(image, style)
        return {"stylized": _compose(image, stylized, painted_at[:, None, None, :], None)}

    def _controlled(self, image, style_weights, strength, mask, preserve_color):
        image = self._checked_image(image)
        shape = tf.shape(image)
        style, painted_at = self._checked_weights(style_weights, shape[:1], "style_weights", "[B,N]")
        strength = _checked_strength(strength, shape)
        mask = _checked_mask(mask, shape)
        preserve_color = _checked_length(preserve_color, shape, "preserve_color")
        stylized = self.paint(image, style)
        return {"stylized": _compose(image, stylized, strength * mask * painted_at[:, None, None, :], preserve_color)}

    def _regions(self, image, style_map, strength, preserve_color):
        image = self._checked_image(image)
        shape = tf.shape(image)
        style, painted_at = self._checked_weights(style_map, shape[:3], "style_map", "[B,H,W,N]")
        strength = _checked_strength(strength, shape)
        preserve_color = _checked_length(preserve_color, shape, "preserve_color")
        stylized = self.paint(image, style)
        return {"stylized": _compose(image, stylized, strength * painted_at, preserve_color)}

    def _encoded(self, image_bytes, region_weights, region_masks, strength, preserve_color, format):
        controls = (region_masks, strength, preserve_color, format)
        image_bytes = self._checked_request(image_bytes, region_weights, "region_weights", *controls)

        def picture(image_bytes, region_weights, *controls):
            weights, painted_at = self._checked_weights(
                region_weights, tf.shape(region_weights)[:1], "region_weights", "[B,R,N]", normalize=False
            )
            vectors = tf.matmul(_shares(weights), self.table)
            return self._picture(image_bytes, vectors, tf.reduce_sum(weights, -1), painted_at[:, 0], *controls)

        return _each_picture(picture, image_bytes, region_weights, *controls)

    def _stylize_vectors(self, image_bytes, style_vectors, region_masks, strength, preserve_color, format):
        controls = (region_masks, strength, preserve_color, format)
        image_bytes = self._checked_request(image_bytes, style_vectors, "style_vectors", *controls)

        def picture(image_bytes, vectors, *controls):
            vectors = self._checked_vectors(vectors)
            everywhere = tf.ones(tf.shape(vectors)[:1])
            return self._picture(image_bytes, vectors, everywhere, everywhere, *controls)

        return _each_picture(picture, image_bytes, style_vectors, *controls)

    def _encode_style(self, encoder, image_bytes):
        least = tf.cast(tf.size(image_bytes), tf.int64) * MIN_STYLE_IMAGE_SIDE**2
        with tf.control_dependencies([self._batch_check(least, tf.size(image_bytes))]):
            image_bytes = tf.identity(image_bytes)
        sizes = tf.map_fn(self._checked_style_image, image_bytes, fn_output_signature=tf.int32)  # [B,2]
        with tf.control_dependencies([self._batch_check(_pixels(sizes[:, 0], sizes[:, 1]), tf.size(image_bytes))]):
            image_bytes = tf.identity(image_bytes)
        vectors = tf.map_fn(
            lambda encoded: encoder(_decode(encoded, 3, "style_image")),
            image_bytes,
            fn_output_signature=tf.TensorSpec((self.table.shape[1],), tf.float32),
            parallel_iterations=1,  # as for pictures
        )
        return {"style_vectors": vectors}

    def _checked_request(self, image_bytes, of_regions, name, region_masks, strength, preserve_color, format):
        """Encoded pictures, once everything is there for each of them, and they are such as the network takes."""
        batch = tf.shape(image_bytes)[:1]
        given = {
            name: tf.shape(of_regions)[:1],
            "region_masks": tf.shape(region_masks)[:1],
            "strength": tf.shape(strength),
            "preserve_color": tf.shape(preserve_color),
            "format": tf.shape(format),
        }
        checks = [
            _check(
                tf.reduce_all(tf.equal(size, batch)),
                GraphCode.REQUEST_SHAPE,
                refusals.REQUEST_SHAPE.format(name=name),
                batch,
                size,
            )
            for name, size in given.items()
        ]
        regions = tf.shape(of_regions)[1:2]
        checks += [
            _check(
                tf.reduce_all(tf.equal(tf.shape(region_masks)[1:2], regions)) & (regions[0] > 0),
                GraphCode.REQUEST_REGIONS,
                refusals.REGION_MASKS.format(name=name),
                regions[0],
                tf.shape(region_masks)[1],
            ),
            _check(
                regions[0] <= MAX_REGIONS,
                GraphCode.REQUEST_REGIONS,
                refusals.REGIONS.format(max_regions=MAX_REGIONS),
                regions[0],
            ),
            # Headers take time, too: more than this cannot fit, however small they are.
            self._batch_check(tf.cast(batch[0], tf.int64) * MIN_SIDE**2, batch[0]),
        ]
        with tf.control_dependencies(checks):
            image_bytes = tf.identity(image_bytes)
        sizes = tf.map_fn(
            lambda encoded: tf.stack(self._checked_header(encoded)), image_bytes, fn_output_signature=tf.int32
        )  # [B,2]
        with tf.control_dependencies([self._batch_check(_pixels(sizes[:, 0], sizes[:, 1]), batch[0])]):
            return tf.identity(image_bytes)

    def _encoded_picture(
        self, image_bytes, vectors, weights, painted_at, region_masks, strength, preserve_color, format
    ):
        """One stylized image, encoded.

        Args:
            image_bytes: The photo.
            vectors: Style vectors of its regions, `[R,V]`.
            weights: How much each region counts where it meets others, `[R]`.
            painted_at: 0 where a region has no style, which leaves the photo, else 1: `[R]`.
            region_masks: string `[R]`.
            strength, preserve_color, format: As the contract has them, of this picture.
        """
        format_check = _check(
            tf.reduce_any(tf.equal(format, ["jpeg", "png"])),
            GraphCode.REQUEST_FORMAT,
            refusals.REQUEST_FORMAT.format(),
            tf.strings.length(format),
        )
        with tf.control_dependencies([format_check]):
            image_bytes = tf.identity(image_bytes)
        image = _decode(image_bytes, 3, "photo")[None]
        shape = tf.shape(image)

        def one_mix():  # the same mix everywhere needs no map of it, and that is much faster
            mask = tf.cast(_decode_mask(region_masks[0], shape), tf.float32) / 255
            return self.trunk(image, vectors[None, :1]), mask * painted_at[0]

        def mix_per_pixel():
            region_maps, coverage = _region_maps(region_masks, shape, weights, painted_at)
            with tf.control_dependencies(
                [region_maps]
            ):  # or the network's first layers would take their memory beside it
                photo = tf.identity(image)
            return self.trunk(photo, vectors[None], region_maps[None]), coverage

        stylized, coverage = tf.cond(tf.shape(vectors)[0] > 1, mix_per_pixel, one_mix)
        strength = _checked_strength(strength[None], shape)
        share = strength * tf.minimum(coverage, 1.0)[None, :, :, None]
        stylized = _compose(image, stylized, share, preserve_color[None])[0]
        return tf.cond(
            tf.equal(format, "png"),
            lambda: tf.io.encode_png(stylized, compression=PNG_COMPRESSION),
            lambda: tf.io.encode_jpeg(stylized, quality=JPEG_QUALITY, chroma_downsampling=False),
        )

    def _describe(self):
        styles = self.catalog.styles
        return {
            "style_names": tf.constant([style.name for style in styles]),
            "titles": tf.constant([style.title for style in styles]),
            "artists": tf.constant([style.artist for style in styles]),
            "years": tf.constant([style.year for style in styles]),
            "thumbnails": tf.constant([style.thumbnail for style in styles]),
            "max_pixels": tf.constant([self.catalog.max_pixels], tf.int64),
            "max_regions": tf.constant([MAX_REGIONS], tf.int64),
            "style_vectors": tf.identity(self.table),
            "trunk": tf.constant([self.fingerprint]),
        }

    def _checked_image(self, image):
        """The image, once its size is known to be one the network takes."""
        batch, height, width, channels = tf.unstack(tf.shape(image))
        checks = [
            *_size_checks(height, width, self.catalog.max_pixels, "image"),
            self._batch_check(tf.cast(batch, tf.int64) * _pixels(height, width), batch),
            _check(tf.equal(channels, 3), GraphCode.PHOTO_CHANNELS, refusals.PHOTO_CHANNELS.format(), channels),
        ]
        with tf.control_dependencies(checks):
            return tf.ensure_shape(tf.identity(image), (None, None, None, 3))

    def _checked_header(self, encoded):
        """Height and width of an encoded picture, once they are known to be such as the network takes."""
        height, width = _header(encoded, "image_bytes", "photo")
        with tf.control_dependencies(_size_checks(height, width, self.catalog.max_pixels, "image_bytes")):
            return tf.identity(height), tf.identity(width)

    def _checked_style_image(self, encoded):
        """Height and width, `[2]`, of an encoded style image, once they are known to hold a texture."""
        height, width = _header(encoded, "image_bytes", "style_image")
        checks = [
            _check(
                tf.minimum(height, width) >= MIN_STYLE_IMAGE_SIDE,
                GraphCode.STYLE_IMAGE_SMALL,
                refusals.STYLE_IMAGE_SMALL.format(name="image_bytes", min_side=MIN_STYLE_IMAGE_SIDE),
                height,
                width,
            ),
            _check(
                -(-tf.maximum(height, width) // MAX_ASPECT) <= tf.minimum(height, width),
                GraphCode.STYLE_IMAGE_ASPECT,
                refusals.STYLE_IMAGE_ASPECT.format(name="image_bytes", max_aspect=MAX_ASPECT),
                height,
                width,
            ),
            _large_check(height, width, self.catalog.max_pixels, "image_bytes", GraphCode.STYLE_IMAGE_LARGE),
        ]
        with tf.control_dependencies(checks):
            return tf.stack([height, width])

    def _checked_vectors(self, vectors):
        """Style vectors `[R,V]`, once they are known to be such as the network takes."""
        size = self.table.shape[1]
        strange = tf.math.logical_not(tf.math.is_finite(vectors))
        checks = [
            _check(
                tf.equal(tf.shape(vectors)[1], size),
                GraphCode.VECTORS_SIZE,
                refusals.VECTORS_SIZE.format(size=size),
                tf.shape(vectors)[1],
            ),
            _check(
                tf.logical_not(tf.reduce_any(strange)),
                GraphCode.VECTORS_RANGE,
                refusals.VECTORS_RANGE.format(),
                tf.reduce_sum(tf.cast(strange, tf.int32)),
            ),
        ]
        with tf.control_dependencies(checks):
            return tf.ensure_shape(tf.identity(vectors), (None, size))

    def _batch_check(self, pixels, pictures) -> tf.Operation:
        """Whether all pictures of a request together are no larger than one may be. `pixels`: int64, summed here."""
        pixels = tf.reduce_sum(pixels)
        return _check(
            pixels <= self.catalog.max_pixels,
            GraphCode.REQUEST_PIXELS,
            refusals.REQUEST_PIXELS.format(max_pixels=self.catalog.max_pixels),
            pixels,
            pictures,
        )

    def _checked_weights(self, weights, leading, name: str, form: str, normalize: bool = True):
        """Proportions padded to N columns, and 1 or 0 for whether there is any style: `[..., N]` and `[..., 1]`."""
        count = len(self.catalog)
        shape = tf.shape(weights)
        columns = shape[-1]
        rank = 1 + leading.shape[0]
        checks = [
            _check(
                tf.reduce_all(tf.equal(shape[:-1], leading)),
                GraphCode.WEIGHTS_SHAPE,
                refusals.WEIGHTS_SHAPE.format(name=name, form=form),
                leading,
                shape,
            ),
            _check(
                columns <= count,
                GraphCode.WEIGHTS_COLUMNS,
                refusals.WEIGHTS_COLUMNS.format(count=count, name=name),
                columns,
            ),
            _check(
                tf.reduce_all(tf.math.is_finite(weights)) & tf.reduce_all(weights >= 0),
                GraphCode.WEIGHTS_RANGE,
                refusals.WEIGHTS_RANGE.format(name=name),
                tf.reduce_min(weights),
                tf.reduce_max(weights),
            ),
        ]
        with tf.control_dependencies(checks):
            weights = tf.identity(weights)
        weights = tf.pad(weights, [[0, 0]] * (rank - 1) + [[0, tf.maximum(count - columns, 0)]])
        weights = tf.ensure_shape(weights, (None,) * (rank - 1) + (count,))
        any_style = tf.cast(tf.reduce_max(weights, axis=-1, keepdims=True) > 0, tf.float32)
        # Regions keep their weights against each other.
        weights = _proportions(weights) if normalize else tf.math.divide_no_nan(weights, tf.reduce_max(weights))
        return weights, any_style


def _each_picture(picture, *inputs):
    """Stylized images, picture by picture, so that the pictures of a batch may differ in size."""
    painted = tf.map_fn(
        lambda given: picture(*given),
        inputs,
        fn_output_signature=tf.string,
        parallel_iterations=1,  # one picture uses all cores, and several at once would add up their memory
    )
    return {"image_bytes": painted}


def _proportions(weights):
    """Weights `[..., N]` divided by their sum, however large they are; zeros stay zeros."""
    return _shares(tf.math.divide_no_nan(weights, tf.reduce_max(weights, axis=-1, keepdims=True)))


def _shares(weights):
    """Weights `[..., N]`, whose sum is in the range of float32, divided by it; zeros stay zeros."""
    return tf.math.divide_no_nan(weights, tf.reduce_sum(weights, axis=-1, keepdims=True))


def luminance_only(stylized: tf.Tensor, photo: tf.Tensor) -> tf.Tensor:
    """`tfstyle.imaging.color.luminance_only` as a graph; RGB float32 [..., 3], 0..255."""
    brighter = tf.reduce_sum((stylized - photo) * tf.constant(RGB_TO_YIQ[0], tf.float32), axis=-1, keepdims=True)
    darkest = -tf.reduce_min(photo, axis=-1, keepdims=True)
    brightest = 255 - tf.reduce_max(photo, axis=-1, keepdims=True)
    return photo + tf.clip_by_value(brighter, darkest, brightest)


def _compose(image, stylized, share, preserve_color):
    """The stylized image over its photo, uint8. `share`: `[B,H,W,1]` or what broadcasts; `preserve_color`: `[B]`."""
    photo = tf.cast(image, tf.float32)
    if preserve_color is not None:
        stylized = tf.cond(
            tf.reduce_any(preserve_color),
            lambda: tf.where(preserve_color[:, None, None, None], luminance_only(stylized, photo), stylized),
            lambda: stylized,
        )
    result = photo + share * (stylized - photo)
    return tf.cast(tf.clip_by_value(tf.round(result), 0, 255), tf.uint8)


def _header(encoded, name: str, about: str):
    """Height and width, int32, of JPEG or PNG bytes, by their magic and header alone.

    `about` is what codes begin with: `photo`, `style_image` or `mask`.
    """
    is_jpeg = _is_jpeg(encoded)
    is_png = tf.cond(
        tf.strings.length(encoded) >= 33,
        # IHDR comes first in a PNG; a decoder that skips what stands before it would find another size there.
        lambda: (
            tf.equal(tf.strings.substr(encoded, 0, 8), b"\x89PNG\r\n\x1a\n")
            & tf.equal(tf.strings.substr(encoded, 12, 4), b"IHDR")
        ),
        lambda: tf.constant(False),
    )
    kind = _check(
        is_jpeg | is_png,
        GraphCode(f"{about}.format"),
        refusals.PICTURE_FORMAT.format(name=name),
        tf.strings.length(encoded),
    )
    with tf.control_dependencies([kind]):
        encoded = tf.identity(encoded)
    return tf.cond(
        is_jpeg,
        lambda: tuple(tf.unstack(tf.image.extract_jpeg_shape(encoded, name=GraphCode(f"{about}.damaged"))[:2])),
        lambda: (_big_endian(encoded, 20), _big_endian(encoded, 16)),  # IHDR comes first and begins with the size
    )


def _decode(encoded, channels: int, about: str):
    """uint8 `[H,W,channels]` of JPEG or PNG bytes whose header was checked.

    What a decoder refuses has no sentence of ours; the code is the name of its node, which TensorFlow tells.
    """
    decoded = tf.cond(
        _is_jpeg(encoded),
        lambda: tf.io.decode_jpeg(
            encoded, channels=channels, dct_method="INTEGER_ACCURATE", name=GraphCode(f"{about}.damaged")
        ),
        lambda: tf.io.decode_png(encoded, channels=channels, name=GraphCode(f"{about}.damaged")),
    )
    return tf.ensure_shape(decoded, (None, None, channels))


def _decode_mask(encoded, shape):
    """uint8 `[H,W]` of the picture whose batch shape is `shape`; all 255 for no bytes."""

    def decode():
        size = tf.stack(_header(encoded, "region_masks", "mask"))
        fits = _check(
            tf.reduce_all(tf.equal(size, shape[1:3])),
            GraphCode.MASK_SIZE,
            refusals.MASK_SIZE.format(axes="height, width"),
            shape[1:3],
            size,
        )
        with tf.control_dependencies([fits]):
            checked = tf.identity(encoded)
        return _decode(checked, 1, "mask")[:, :, 0]

    return tf.cond(
        tf.equal(tf.strings.length(encoded), 0), lambda: tf.fill(shape[1:3], tf.constant(255, tf.uint8)), decode
    )


def _region_maps(region_masks, shape, weights, painted_at):
    """Shares of the regions at each pixel, float32 `[H,W,R]`, and how far it is covered, `[H,W]`, 0..R.

    Args:
        region_masks: string `[R]`, decoded one by one.
        shape: Of the picture, `[1,H,W,3]`.
        weights: `[R]`.
        painted_at: `[R]`; 0 where a region has no style, which leaves the photo.
    """
    masks = tf.map_fn(
        lambda mask: _decode_mask(mask, shape), region_masks, fn_output_signature=tf.uint8, parallel_iterations=1
    )
    masks = tf.transpose(tf.cast(tf.ensure_shape(masks, (None, None, None)), tf.float32), [1, 2, 0])
    masks *= painted_at / 255
    return _shares(masks * weights), tf.reduce_sum(masks, axis=-1)


def _is_jpeg(encoded):
    return tf.equal(tf.strings.substr(encoded, 0, 3), b"\xff\xd8\xff")


def _big_endian(encoded, offset: int):
    """The unsigned 32-bit number at `offset`, as int32; beyond 2**31 - 1 it stays there."""
    digits = tf.cast(tf.io.decode_raw(tf.strings.substr(encoded, offset, 4), tf.uint8), tf.int64)
    number = tf.reduce_sum(digits * tf.constant([2**24, 2**16, 2**8, 1], tf.int64))
    return tf.cast(tf.minimum(number, 2**31 - 1), tf.int32)


def _size_checks(height, width, max_pixels: int, name: str) -> list[tf.Operation]:
    return [
        _check(
            tf.minimum(height, width) >= MIN_SIDE,
            GraphCode.PHOTO_SMALL,
            refusals.PHOTO_SMALL.format(name=name, min_side=MIN_SIDE),
            height,
            width,
        ),
        _large_check(height, width, max_pixels, name, GraphCode.PHOTO_LARGE),
    ]


def _large_check(height, width, max_pixels: int, name: str, code: GraphCode) -> tf.Operation:
    pixels = _pixels(height, width)
    shrink = tf.sqrt(max_pixels / tf.cast(tf.maximum(pixels, 1), tf.float64))
    fitting = [tf.cast(tf.cast(side, tf.float64) * shrink, tf.int32) for side in (height, width)]
    return _check(
        pixels <= max_pixels,
        code,
        refusals.PHOTO_LARGE.format(name=name, max_pixels=max_pixels),
        height,
        width,
        *fitting,
    )


def _pixels(height, width):
    return tf.cast(height, tf.int64) * tf.cast(width, tf.int64)


def _checked_strength(strength, shape):
    """Strengths as `[B,1,1,1]`, once known to be in 0..1."""
    strength = _checked_length(strength, shape, "strength")
    return _checked_fraction(strength, "strength", GraphCode.STRENGTH_RANGE)[:, None, None, None]


def _checked_mask(mask, shape):
    expected = tf.concat([shape[:3], [1]], axis=0)
    fits = _check(
        tf.reduce_all(tf.equal(tf.shape(mask), expected)),
        GraphCode.MASK_SIZE,
        refusals.MASK_SIZE.format(axes="batch, height, width, 1"),
        expected,
        tf.shape(mask),
    )
    with tf.control_dependencies([fits]):
        return _checked_fraction(tf.identity(mask), "mask", GraphCode.MASK_RANGE)


def _checked_fraction(value, name: str, code: GraphCode):
    inside = tf.reduce_all((value >= 0) & (value <= 1 + BOUNDARY))  # false for NaN too
    check = _check(
        inside,
        code,
        refusals.FRACTION.format(name=name),
        tf.reduce_min(value),
        tf.reduce_max(value),
    )
    with tf.control_dependencies([check]):
        return tf.minimum(value, 1.0)


def _checked_length(value, shape, name: str):
    check = _check(
        tf.reduce_all(tf.equal(tf.shape(value), shape[:1])),
        GraphCode.REQUEST_SHAPE,
        refusals.LENGTH.format(name=name),
        shape[:1],
        tf.shape(value),
    )
    with tf.control_dependencies([check]):
        return tf.identity(value)


def _check(condition, code: GraphCode, sentence: str, *values) -> tf.Operation:
    """INVALID_ARGUMENT with `[code] sentence`, its `{}` filled with `values`, unless `condition` holds."""
    return tf.debugging.Assert(condition, [tf.strings.format(f"[{code}] {sentence}", values)])


def _concrete(signature: Signature, body) -> tf.types.experimental.ConcreteFunction:
    """`body` traced for the contract's names, dtypes and open shapes.

    Shapes stay open even where the contract fixes them (channels of an image): a check of a dimension that is known
    while tracing would fold away, and the server's own error names no input.
    """
    specs: Sequence[tf.TensorSpec] = [
        tf.TensorSpec((None,) * len(info.shape), getattr(tf, info.dtype), name=name)
        for name, info in signature.inputs.items()
    ]
    return tf.function(body).get_concrete_function(*specs)
