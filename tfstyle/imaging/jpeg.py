"""JPEG files without their metadata, and with an ICC profile, untouched otherwise.

Decoding and encoding a JPEG again costs quality each time. So an upright JPEG goes to the model as it is, minus what is
nobody's business (EXIF with its GPS position, thumbnails, comments, whatever a phone appends), and a stylized image
that came back as JPEG gets the photo's ICC profile put in front.

Reference: ITU-T T.81, annex B (markers); ICC.1:2022, annex B.4 (profiles in APP2).
"""

import re
import struct

from tfstyle.errors import PhotoError

_SOI, _EOI, _SOS, _APP0, _APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xEE
_FRAMES = {0xC0, 0xC1, 0xC2}  # Huffman coded, sequential or progressive: what every decoder reads
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_METADATA = set(range(0xE0, 0xF0)) | {0xFE}
_WITHOUT_LENGTH = {0x01, _SOI, _EOI}
_MARKER = re.compile(rb"\xff++[^\x00\xd0-\xd7\xff]", re.DOTALL)
# Inside a scan FF is followed by 00 or a restart. Without the fill bytes before it: a run of FF that no marker ends
# would be read again from each of its bytes.
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)

# What photos have, many times over: progressive ones come in 10 to 20 scans, and metadata of megabytes in hundreds of
# segments. Every scan is another pass over all pixels, every segment a turn of Pillow's Python.
MAX_SCANS = 100
MAX_SEGMENTS = 4096
MAX_JUNK = 2**20  # bytes that belong to no segment

_ICC = b"ICC_PROFILE\x00"
_ICC_CHUNK = 65_519  # 65535 less the length, the name, the chunk's number and their count


def check_jpeg(data: bytes, name: str) -> None:
    """See that a JPEG takes no longer to decode than its size lets expect; other formats pass.

    Markers are found as decoders find them, in time linear in the bytes, and no pixel is decoded.

    Raises:
        PhotoError: If it has more scans, segments or bytes between segments than any camera or program writes.
    """
    if data[:3] != b"\xff\xd8\xff":
        return
    scans = segments = junk = 0
    position = 2
    while position < len(data):
        marker = _END_OF_SCAN.search(data, position)
        junk += (marker.start() if marker else len(data)) - position if not scans else 0
        if junk > MAX_JUNK:
            raise PhotoError(
                f"{name}: expected a JPEG, got one with {junk / 2**20:.0f} MiB that belong to nothing in it."
            )
        if marker is None:
            return
        code, position = marker[0][-1], marker.end()
        if code == _EOI and scans:  # before the first scan Pillow reads on
            return
        scans += code == _SOS
        segments += 1
        for count, limit, what in ((scans, MAX_SCANS, "scans"), (segments, MAX_SEGMENTS, "segments")):
            if count > limit:
                raise PhotoError(f"{name}: expected a JPEG of at most {limit} {what}, got more; save it anew.")
        if code not in _WITHOUT_LENGTH and position + 2 <= len(data):
            position += max(2, struct.unpack_from(">H", data, position)[0])


END = b"\xff\xd9"


def lacks_its_end_alone(data: bytes) -> bool:
    """Whether a JPEG without the marker of its end may be whole: all scans were begun, as far as headers tell.

    Whether the last scan is whole, shows when it is decoded: what stands behind a whole one changes no pixel.
    """
    if data[:3] != b"\xff\xd8\xff" or END in data[-1024:]:
        return False
    position = 2
    pending: set[tuple[int, int]] | None = None  # components and coefficients of which some bits are to come
    while marker := _END_OF_SCAN.search(data, position):
        code, start = marker[0][-1], marker.end()
        if code == _EOI or start + 2 > len(data):
            return False
        position = start + struct.unpack_from(">H", data, start)[0]
        body = data[start + 2 : position]
        if code in _FRAMES and len(body) >= 6 and len(body) >= 6 + 3 * body[5]:
            first = 0 if code == 0xC2 else 63  # others bring all coefficients in one scan
            pending = {(body[6 + 3 * number], low) for number in range(body[5]) for low in range(first, 64)}
        if code == _SOS and pending and len(body) >= 4 and len(body) >= 4 + 2 * body[0]:
            low, high, bits = body[1 + 2 * body[0] : 4 + 2 * body[0]]
            if bits & 15 == 0:
                names = {body[1 + 2 * number] for number in range(body[0])}
                pending -= {(name, number) for name in names for number in range(low, high + 1)}
    return pending is not None and not pending


def bare_jpeg(data: bytes) -> bytes | None:
    """The JPEG without metadata and without anything behind its end; the same pixels bit for bit.

    Kept are the segments that say how to decode it, JFIF and Adobe among them.

    Returns:
        None if it is not an 8-bit JPEG of three components that every decoder reads, or if its segments are broken.
    """
    if data[:2] != b"\xff\xd8":
        return None
    kept = [data[:2]]
    position = 2
    while marker := _MARKER.match(data, position):
        code, start = marker[0][-1], marker.end()
        if code == _EOI:
            return b"".join([*kept, b"\xff\xd9"])
        if code in _OTHER_FRAMES or code == _SOI or start + 2 > len(data):
            return None
        end = start + struct.unpack_from(">H", data, start)[0]
        body = data[start + 2 : end]
        if code in _FRAMES and (len(body) < 6 or body[0] != 8 or body[5] != 3):
            return None
        if code == _SOS:
            scan_end = _END_OF_SCAN.search(data, end)
            if scan_end is None:
                return None
            position = scan_end.start()
            kept += [bytes((0xFF, code)), data[start:position].rstrip(b"\xff")]  # fill bytes may stand before a marker
            continue
        if code not in _METADATA or (code == _APP0 and body.startswith(b"JFIF\x00")) or code == _APP14:
            kept += [bytes((0xFF, code)), data[start:end]]
        position = end
    return None


def with_icc_profile(jpeg: bytes, profile: bytes | None) -> bytes:
    """A JPEG that has no ICC profile with `profile` put in; unchanged without one."""
    if not profile:
        return jpeg
    position = 2
    while jpeg[position : position + 2] == b"\xff\xe0":  # JFIF wants to come first
        position += 2 + struct.unpack_from(">H", jpeg, position + 2)[0]
    chunks = [profile[start : start + _ICC_CHUNK] for start in range(0, len(profile), _ICC_CHUNK)]
    segments = [
        b"\xff\xe2" + struct.pack(">H", 2 + len(_ICC) + 2 + len(chunk)) + _ICC + bytes((number, len(chunks))) + chunk
        for number, chunk in enumerate(chunks, start=1)
    ]
    return jpeg[:position] + b"".join(segments) + jpeg[position:]


def with_density(jpeg: bytes, density: tuple[float, float] | None) -> bytes:
    """A JPEG whose JFIF header says so many pixels an inch, or none: `None`."""
    unit, across, down = (0, 1, 1) if density is None else (1, *(min(65_535, round(value)) for value in density))
    numbers = struct.pack(">BHH", unit, across, down)
    if jpeg[2:4] == b"\xff\xe0" and jpeg[6:11] == b"JFIF\x00":
        return jpeg[:13] + numbers + jpeg[18:]
    if density is None or b"\xff\xee\x00\x0eAdobe" in jpeg[:1024]:  # whose colours JFIF would call others
        return jpeg
    return jpeg[:2] + b"\xff\xe0\x00\x10JFIF\x00\x01\x01" + numbers + b"\x00\x00" + jpeg[2:]


def with_exif(jpeg: bytes, exif: bytes | None) -> bytes:
    """A JPEG that has no EXIF with `exif`, which begins with `Exif`, put in; unchanged without."""
    if not exif:
        return jpeg
    position = 2
    while jpeg[position : position + 2] == b"\xff\xe0":  # JFIF wants to come first
        position += 2 + struct.unpack_from(">H", jpeg, position + 2)[0]
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    return jpeg[:position] + segment + jpeg[position:]
