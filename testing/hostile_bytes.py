"""Bytes that were right once, and pictures that are none."""

import struct
import zlib
from functools import cache
from io import BytesIO

from hypothesis import strategies as st
from PIL import Image, features


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


def jpeg_that_claims(height: int, width: int, precision: int, components: list[tuple[int, int, int]]) -> bytes:
    """A JPEG whose frame header says what it likes: size, bits, and of each component its id, sampling and table."""
    whole = picture("jpeg")
    at = whole.index(b"\xff\xc0")
    end = at + 2 + int.from_bytes(whole[at + 2 : at + 4], "big")
    body = struct.pack(">BHHB", precision, height, width, len(components)) + b"".join(map(bytes, components))
    return whole[:at] + b"\xff\xc0" + struct.pack(">H", 2 + len(body)) + body + whole[end:]


def exif(orientation: int, color_space: int, interoperability: bytes, order: str) -> bytes:
    """EXIF that turns the picture and tells its colours, in either order of bytes."""

    def folder(*entries: tuple[int, int, int, bytes]) -> bytes:
        packed = b"".join(struct.pack(f"{order}HHI", *entry[:3]) + entry[3] for entry in entries)
        return struct.pack(f"{order}H", len(entries)) + packed + bytes(4)

    def short(value: int) -> bytes:
        return struct.pack(f"{order}HH", value, 0)

    def long(value: int) -> bytes:
        return struct.pack(f"{order}I", value)

    first = folder((0x0112, 3, 1, short(orientation)), (0x8769, 4, 1, long(38)))
    second = folder((0xA001, 3, 1, short(color_space)), (0xA005, 4, 1, long(68)))
    third = folder((0x0001, 2, len(interoperability), interoperability[:4].ljust(4, b"\0")))
    head = (b"II*\0" if order == "<" else b"MM\0*") + long(8)
    return b"Exif\0\0" + head + first + second + third


def profile(space: bytes, version: int, tags: list[tuple[bytes, int, int]], size: int) -> bytes:
    """An ICC profile with a right header and tags that point anywhere."""
    table = struct.pack(">I", len(tags)) + b"".join(name + struct.pack(">II", at, count) for name, at, count in tags)
    body = table + b"XYZ \0\0\0\0" + 3 * struct.pack(">i", 2**15) + b"curv" + bytes(4) + struct.pack(">I", 0)
    header = struct.pack(">I4sI4s4s4s", size, b"lcms", version << 24, b"mntr", space, b"XYZ ") + bytes(12) + b"acsp"
    return header.ljust(128, b"\0") + body


def jpeg_with_profile(data: bytes, number: int, count: int, exif_data: bytes) -> bytes:
    """A JPEG with EXIF and a profile, which says that it is one part of several."""
    whole = picture("jpeg")
    parts = [(0xE1, exif_data), (0xE2, b"ICC_PROFILE\0" + bytes((number, count)) + data)]
    segments = b"".join(bytes((0xFF, code)) + struct.pack(">H", 2 + len(body)) + body for code, body in parts)
    return whole[:2] + segments + whole[2:]


def webp_with(flags: int, chunks: list[tuple[bytes, bytes]], before: bool) -> bytes:
    """A WebP in the extended form, with chunks before or behind its pixels."""
    pixels = picture("webp", lossless=True)[12:]
    size = struct.pack("<I", 23)[:3] + struct.pack("<I", 19)[:3]
    extended = b"VP8X" + struct.pack("<I", 10) + bytes((flags, 0, 0, 0)) + size
    extra = b"".join(kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks)
    body = b"WEBP" + extended + (extra + pixels if before else pixels + extra)
    return b"RIFF" + struct.pack("<I", len(body)) + body


@cache
def _avif() -> bytes:
    return picture("avif", mode="RGBA")  # too slow to be made for each case


def avif_with(kind: bytes, noise: bytes, at: int, length: int | None) -> bytes:
    """An AVIF one of whose boxes (size, colours, turning, where the pixels are) says what it likes."""
    whole = bytearray(_avif())
    start = whole.find(kind)
    if start < 0:
        return bytes(whole)
    begin = min(start + 4 + at, len(whole))
    whole[begin : begin + len(noise)] = noise
    if length is not None:
        whole[start - 4 : start] = struct.pack(">I", length)
    return bytes(whole)


_SWELLING = b"name\x00\x00" + zlib.compress(bytes(4 * 2**20))
_MANY = st.sampled_from([1, 2, 50, 200, 20_000])
_OFFSETS = st.one_of(st.integers(0, 400), st.sampled_from([2**31 - 1, 2**31, 2**32 - 1]))
_PROFILES = st.builds(
    profile,
    st.sampled_from([b"RGB ", b"GRAY", b"CMYK", b"Lab ", b"XYZ ", b"\0\0\0\0"]),
    st.sampled_from([0, 2, 4, 5, 255]),
    st.lists(
        st.tuples(st.sampled_from([b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"kTRC", b"A2B0", b"wtpt"]), _OFFSETS, _OFFSETS),
        max_size=9,
    ),
    _OFFSETS,
)
_EXIF = st.builds(
    exif,
    st.integers(0, 2**16 - 1),
    st.sampled_from([0, 1, 2, 0xFFFF]),
    st.sampled_from([b"R03\0", b"R98\0", b"", b"\xff" * 9]),
    st.sampled_from("<>"),
)
_CHUNKS = st.tuples(
    st.sampled_from(
        [b"iCCP", b"cICP", b"gAMA", b"cHRM", b"sRGB", b"zTXt", b"tEXt", b"eXIf", b"tRNS", b"acTL", b"fcTL"]
    ),
    st.one_of(
        st.binary(max_size=40),
        st.just(_SWELLING),
        st.builds(lambda data: b"a\0\0" + zlib.compress(data), _PROFILES),
    ),
)
_COMPONENTS = st.tuples(
    st.integers(0, 4), st.sampled_from([0x11, 0x22, 0x21, 0x44, 0x00, 0xFF, 0x1F]), st.integers(0, 4)
)
_BOXES = [b"ftyp", b"meta", b"pitm", b"iloc", b"iinf", b"ispe", b"pixi", b"av1C", b"colr", b"auxC", b"ipma", b"iref"]
_STRUCTURES = st.one_of(
    st.builds(
        jpeg_that_claims,
        st.integers(0, 2**16 - 1),
        st.integers(0, 2**16 - 1),
        st.sampled_from([8, 12, 0, 255]),
        st.lists(_COMPONENTS, max_size=5),
    ),
    st.builds(jpeg_with_profile, _PROFILES, st.integers(0, 255), st.integers(0, 255), _EXIF),
    st.builds(
        webp_with,
        st.integers(0, 255),
        st.lists(
            st.tuples(
                st.sampled_from([b"ICCP", b"EXIF", b"XMP ", b"ANIM", b"ANMF", b"ALPH", b"VP8X"]),
                st.one_of(_PROFILES, _EXIF, st.binary(max_size=40)),
            ),
            max_size=4,
        ),
        st.booleans(),
    ),
    *(
        [
            st.builds(
                avif_with,
                st.sampled_from(_BOXES),
                st.binary(max_size=12),
                st.integers(0, 16),
                st.one_of(st.none(), st.integers(0, 2**32 - 1)),
            )
        ]
        if features.check("avif")
        else []
    ),
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
