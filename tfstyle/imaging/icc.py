"""ICC profiles of RGB colour spaces: from primaries, white point and a curve to the bytes of a profile.

Reference: ICC.1:2010 (profile version 4.3); adaptation to D50 by Bradford's matrix, annex E.
"""

import struct
from dataclasses import dataclass

import numpy as np

D65 = (0.3127, 0.3290)
_D50_XYZ = np.array([0.96422, 1.0, 0.82521])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


@dataclass(frozen=True)
class Curve:
    """From a value 0..1 as a file has it to light: `(a*x + b) ** gamma` from `d` on, `c*x` below."""

    gamma: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0


SRGB_CURVE = Curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
BT709_CURVE = Curve(1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)


@dataclass(frozen=True)
class RgbSpace:
    """An RGB colour space.

    Attributes:
        name: What programs show.
        red, green, blue, white: Chromaticities `(x, y)`.
        curve: The same for all three.
    """

    name: str
    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]
    white: tuple[float, float] = D65
    curve: Curve = SRGB_CURVE

    def to_xyz(self) -> np.ndarray:
        """The matrix `[3,3]` from linear RGB to XYZ, as the space's own white has it."""
        primaries = np.stack([_xyz(corner) for corner in (self.red, self.green, self.blue)], axis=1)
        return primaries * np.linalg.solve(primaries, _xyz(self.white))

    def profile(self) -> bytes:
        """The space as an ICC profile."""
        adaptation = self._to_d50()
        columns = (adaptation @ self.to_xyz()).T
        curve = _curve(self.curve)
        tags = {
            b"desc": _text(self.name),
            b"cprt": _text("No copyright, use freely"),
            b"wtpt": _numbers(b"XYZ ", _D50_XYZ),
            b"chad": _numbers(b"sf32", adaptation.ravel()),
            b"rXYZ": _numbers(b"XYZ ", columns[0]),
            b"gXYZ": _numbers(b"XYZ ", columns[1]),
            b"bXYZ": _numbers(b"XYZ ", columns[2]),
            b"rTRC": curve,
            b"gTRC": curve,
            b"bTRC": curve,
        }
        return _assembled(tags)

    def _to_d50(self) -> np.ndarray:
        cones = (_BRADFORD @ _D50_XYZ) / (_BRADFORD @ _xyz(self.white))
        return np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD


ADOBE_RGB = RgbSpace("Adobe RGB (1998)", (0.64, 0.33), (0.21, 0.71), (0.15, 0.06), curve=Curve(563 / 256))
SRGB = RgbSpace("sRGB", (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))


def _xyz(chromaticity: tuple[float, float]) -> np.ndarray:
    x, y = chromaticity
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _assembled(tags: dict[bytes, bytes]) -> bytes:
    """Header, tag table and tags; tags of the same content are kept once."""
    start = 128 + 4 + 12 * len(tags)
    body, places = b"", {}
    for content in tags.values():
        if content not in places:
            places[content] = start + len(body)
            body += content + b"\0" * (-len(content) % 4)
    table = b"".join(key + struct.pack(">II", places[content], len(content)) for key, content in tags.items())
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"\0" * 4, 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    header += (
        struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp"
    )  # any date; one that changes would make equal files differ
    header = header.ljust(68, b"\0") + _fixed(_D50_XYZ)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _text(text: str) -> bytes:
    data = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">III", 0, 1, 12) + b"enUS" + struct.pack(">II", len(data), 28) + data


def _numbers(kind: bytes, values: np.ndarray) -> bytes:
    return kind + b"\0" * 4 + _fixed(values)


def _curve(curve: Curve) -> bytes:
    if curve == Curve(curve.gamma):
        return b"para" + struct.pack(">IHH", 0, 0, 0) + _fixed(np.array([curve.gamma]))
    values = np.array([curve.gamma, curve.a, curve.b, curve.c, curve.d])
    return b"para" + struct.pack(">IHH", 0, 3, 0) + _fixed(values)


def _fixed(values: np.ndarray) -> bytes:
    """Numbers as s15Fixed16."""
    return np.rint(np.asarray(values) * 65_536).astype(">i4").tobytes()
