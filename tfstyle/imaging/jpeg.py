"""JPEG files without their metadata, and with an ICC profile, untouched otherwise.

Decoding and encoding a JPEG again costs quality each time. So an upright JPEG goes to the model as it is, minus what is
nobody's business (EXIF with its GPS position, thumbnails, comments, whatever a phone appends), and a painting that came
back as JPEG gets the photo's ICC profile put in front.

Reference: ITU-T T.81, annex B (markers); ICC.1:2022, annex B.4 (profiles in APP2).
"""

import re
import struct

_SOI, _EOI, _SOS, _APP0, _APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xEE
_FRAMES = {0xC0, 0xC1, 0xC2}  # Huffman coded, sequential or progressive: what every decoder reads
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_METADATA = set(range(0xE0, 0xF0)) | {0xFE}
_END_OF_SCAN = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)  # inside a scan FF is followed by 00 or a restart
_ICC = b"ICC_PROFILE\x00"
_ICC_CHUNK = 65_519  # 65535 less the length, the name, the chunk's number and their count


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
    while marker := _END_OF_SCAN.match(data, position):
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
            end = scan_end.start()
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
