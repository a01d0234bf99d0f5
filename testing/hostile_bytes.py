"""Bytes that were right once, and pictures that are none."""

import struct
import zlib
from io import BytesIO

from hypothesis import strategies as st
from PIL import Image


@st.composite
def damaged(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """Bytes that were right: cut, overwritten, doubled or with some put in between."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(("cut", "overwrite", "insert", "double", "drop"))):
            case "cut":
                del data[at:]
            case "overwrite":
                noise = draw(st.binary(min_size=1, max_size=8))
                data[at : at + len(noise)] = noise
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=64))
            case "double":
                data[at:at] = data[at : at + draw(st.integers(1, 200))]
            case "drop":
                del data[at : at + draw(st.integers(1, 200))]
    return bytes(data)


def picture(kind: str, size: tuple[int, int] = (24, 20), mode: str = "RGB", **options: object) -> bytes:
    """A gradient as a file."""
    buffer = BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def png_that_claims(height: int, width: int) -> bytes:
    """A small PNG, right to the last checksum, whose pixels would fill the memory."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


PICTURES = [picture(kind) for kind in ("png", "jpeg", "gif", "bmp", "webp", "tiff")]


def any_picture(originals: list[bytes] = PICTURES) -> st.SearchStrategy[bytes]:
    """A damaged picture, noise that starts as one, or a PNG that claims to be large."""
    return st.one_of(
        damaged(originals),
        st.tuples(st.sampled_from([data[:12] for data in originals]), st.binary(max_size=300)).map(b"".join),
        st.builds(png_that_claims, st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)),
    )
