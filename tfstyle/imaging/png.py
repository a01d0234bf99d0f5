"""PNG files with an ICC profile, a density or EXIF put in, untouched otherwise.

Reference: PNG specification, third edition, sections 5.3 (chunks) and 11.3.2.3 (iCCP).
"""

import struct
import zlib

_HEADER_END = 8 + 25  # the signature, and IHDR, which comes first and is always as long


def with_icc_profile(png: bytes, profile: bytes | None) -> bytes:
    """A PNG that has no ICC profile with `profile` put in; unchanged without one."""
    if not profile:
        return png
    return _with_chunk(png, b"iCCP", b"ICC Profile\x00\x00" + zlib.compress(profile))


def with_density(png: bytes, density: tuple[float, float] | None) -> bytes:
    """A PNG that has no pHYs with one that says so many pixels an inch; unchanged without."""
    if density is None:
        return png
    across, down = (round(value / 0.0254) for value in density)
    return _with_chunk(png, b"pHYs", struct.pack(">IIB", across, down, 1))


def with_exif(png: bytes, exif: bytes | None) -> bytes:
    """A PNG that has no EXIF with `exif`, which begins with `Exif`, put in; unchanged without."""
    return png if not exif else _with_chunk(png, b"eXIf", exif.removeprefix(b"Exif\x00\x00"))


def _with_chunk(png: bytes, kind: bytes, content: bytes) -> bytes:
    chunk = struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return png[:_HEADER_END] + chunk + png[_HEADER_END:]
