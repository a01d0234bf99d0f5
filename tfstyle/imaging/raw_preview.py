"""The JPEG that a camera puts into its raw files beside what its sensor saw: DNG, and others that are TIFF files.

Raw values need developing, which is a program's work of its own; the preview is what the camera made of them.

Reference: TIFF 6.0, sections 2 and 22; DNG 1.7, "Preview images".
"""

import struct
from collections.abc import Iterator

_SUB_IFDS, _ORIENTATION = 330, 274
_COMPRESSION, _PHOTOMETRIC, _OFFSETS, _COUNTS = 259, 262, 273, 279
_JPEG_OFFSET, _JPEG_COUNT = 513, 514
_DNG_VERSION = 50706
_RAW_COMPRESSIONS = {32767, 32769, 34713, 65000}  # of Sony, Epson and Pentax, Nikon, Kodak
_SENSOR = {32803, 34892}  # photometric interpretations of what a sensor saw
_MAX_FOLDERS = 32
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1, 13: 4}

Folder = dict[int, tuple[int, ...]]


def raw_preview(data: bytes) -> tuple[bytes, int] | None:
    """The largest preview in a raw file.

    Returns:
        The preview as a JPEG and the orientation (1 to 8) of the whole file; None if it is no raw file or has none.
    """
    folders = list(_folders(data))
    if not (data[8:10] == b"CR" or any(_is_raw(folder) for folder in folders)):
        return None
    places = []
    for folder in folders:
        if folder.get(_COMPRESSION) in ((6,), (7,)) and not _is_of_sensor(folder):
            places += [(folder.get(_OFFSETS, ()), folder.get(_COUNTS, ()))]
        places += [(folder.get(_JPEG_OFFSET, ()), folder.get(_JPEG_COUNT, ()))]
    found = [
        data[start[0] : start[0] + count[0]]
        for start, count in places
        if len(start) == len(count) == 1 and data[start[0] : start[0] + 3] == b"\xff\xd8\xff"
    ]
    orientation = (folders[0].get(_ORIENTATION) or (1,))[0]
    return (max(found, key=len), orientation if 1 <= orientation <= 8 else 1) if found else None


def _is_raw(folder: Folder) -> bool:
    """Scans and pictures of programs are TIFF files, too, with EXIF and JPEG inside: they are what they are."""
    return (
        _DNG_VERSION in folder or _is_of_sensor(folder) or bool(_RAW_COMPRESSIONS & set(folder.get(_COMPRESSION, ())))
    )


def _is_of_sensor(folder: Folder) -> bool:
    return bool(_SENSOR & set(folder.get(_PHOTOMETRIC, ())))


def _folders(data: bytes) -> Iterator[Folder]:
    """The image file directories of a TIFF, the first one first, those within it behind it; broken ones end it."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return
    waiting, seen = [struct.unpack_from(f"{order}I", data, 4)[0]], set[int]()
    while waiting and len(seen) < _MAX_FOLDERS:
        start = waiting.pop(0)
        if start in seen or not 8 <= start <= len(data) - 2:
            continue
        seen.add(start)
        count = struct.unpack_from(f"{order}H", data, start)[0]
        end = start + 2 + 12 * count
        if end > len(data):
            continue
        folder: Folder = {}
        for number in range(count):
            _read_entry(data, start + 2 + 12 * number, order, folder)
        yield folder
        waiting += folder.get(_SUB_IFDS, ())
        if end + 4 <= len(data):
            waiting.append(struct.unpack_from(f"{order}I", data, end)[0])


def _read_entry(data: bytes, place: int, order: str, folder: Folder) -> None:
    tag, kind, count = struct.unpack_from(f"{order}HHI", data, place)
    size = _SIZES.get(kind, 0) * count
    if kind not in (3, 4, 13) or not 1 <= count <= 64:
        folder.setdefault(tag, ())
        return
    if size > 4:
        place = struct.unpack_from(f"{order}I", data, place + 8)[0]
    else:
        place += 8
    if place + size <= len(data):
        folder[tag] = struct.unpack_from(f"{order}{count}{'H' if kind == 3 else 'I'}", data, place)
