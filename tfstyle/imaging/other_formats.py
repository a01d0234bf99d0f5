"""Formats that are not read, by the bytes they begin with: so that a refusal can name them."""

_BEGINNINGS = {
    b"\xff\x0a": "JPEG XL",
    b"\x00\x00\x00\x0cJXL \r\n\x87\n": "JPEG XL",
    b"II\xbc\x01": "JPEG XR",
    b"\x76\x2f\x31\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"8BPS": "a Photoshop document",
    b"gimp xcf": "a GIMP document",
    b"%PDF": "PDF",
    b"%!PS": "PostScript",
    b"\xc5\xd0\xd3\xc6": "PostScript",
    b"FUJIFILMCCD-RAW": "a camera's raw file (RAF)",
    b"FOVb": "a camera's raw file (X3F)",
    b"IIRO": "a camera's raw file (ORF)",
    b"IIU\x00": "a camera's raw file (RW2)",
    b"\x00\x00\x01\x00": "an icon",
    b"qoif": "QOI",
    b"\x1aE\xdf\xa3": "a video",
    b"PK\x03\x04": "a zip",
}
_BRANDS = {b"crx ": "a camera's raw file (CR3)", b"qt  ": "a video", b"isom": "a video", b"iso2": "a video"}
_BRANDS |= {b"mp41": "a video", b"mp42": "a video", b"M4V ": "a video", b"avc1": "a video", b"3gp4": "a video"}


def other_format(data: bytes) -> str | None:
    """What a file is that no reader here takes; None if it is nothing that is known."""
    for beginning, name in _BEGINNINGS.items():
        if data.startswith(beginning):
            return name
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12])
    if data[:2] in (b"II", b"MM") and data[2:4] in (b"*\x00", b"\x00*", b"RO", b"U\x00"):
        return "a camera's raw file without a preview, or an unusual TIFF"
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in head:
        return "SVG"
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return None
