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


def jpeg_of_parts(counts: list[int], order: list[int]) -> bytes:
    """A progressive JPEG whose segments, fill bytes and scans come again and again, in any order."""
    whole = picture("jpeg", progressive=True)
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    comment, profile = (bytes((0xFF, code)) + b"\x00\x12ICC_PROFILE\x00\x01\x01xx" for code in (0xFE, 0xE2))
    parts = [scan, comment, profile, b"\xff", b"\xff\x00", b"\xff\xd0", b"\xff\xd9", bytes(9)]
    extra = b"".join(parts[number] * count for number, count in zip(order, counts, strict=False))
    return whole[:-2] + extra + b"\xff\xd9" if order[0] % 2 else whole[:2] + extra + whole[2:]


def riff_that_claims(width: int, height: int, kind: bytes) -> bytes:
    """A WebP whose header says how large it is, and that holds nothing."""
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = kind + struct.pack("<I", 10) + b"\x10\x00\x00\x00" + size
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def png_with(chunks: list[tuple[bytes, bytes]], count: int) -> bytes:
    """A PNG with chunks before its pixels: colour told in many ways, text that swells, many of them."""
    whole = picture("png")
    extra = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return whole[:33] + count * extra + whole[33:]


_SWELLING = b"name\x00\x00" + zlib.compress(bytes(4 * 2**20))
_CHUNKS = st.tuples(
    st.sampled_from(
        [b"iCCP", b"cICP", b"gAMA", b"cHRM", b"sRGB", b"zTXt", b"tEXt", b"eXIf", b"tRNS", b"acTL", b"fcTL"]
    ),
    st.one_of(st.binary(max_size=40), st.just(_SWELLING)),
)
_MANY = st.sampled_from([1, 2, 50, 200, 20_000])
_STRUCTURES = st.one_of(
    st.builds(
        jpeg_of_parts,
        st.lists(_MANY, min_size=1, max_size=5),
        st.lists(st.integers(0, 7), min_size=1, max_size=5),
    ),
    st.builds(
        riff_that_claims, st.integers(1, 2**24), st.integers(1, 2**24), st.sampled_from([b"VP8X", b"VP8L", b"VP8 "])
    ),
    st.builds(png_with, st.lists(_CHUNKS, min_size=1, max_size=4), st.sampled_from([1, 3, 100])),
)


PICTURES = [picture(kind) for kind in ("png", "jpeg", "gif", "bmp", "webp", "tiff")]


def any_picture(originals: list[bytes] = PICTURES) -> st.SearchStrategy[bytes]:
    """A damaged picture, noise that starts as one, one built to cost much, or a PNG that claims to be large."""
    return st.one_of(
        _STRUCTURES,
        damaged(originals),
        st.tuples(st.sampled_from([data[:12] for data in originals]), st.binary(max_size=300)).map(b"".join),
        st.builds(png_that_claims, st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)),
    )
