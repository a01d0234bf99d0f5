"""Manifests of bulk jobs, which people and their programs write."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testing.fuzz_cases import bounded_memory, cases, outcome
from testing.hostile_bytes import damaged
from tfstyle.batch.inputs import find_photos, output_name
from tfstyle.errors import PhotoError, RequestError

MANIFESTS = [
    b"a.jpg\n2019/b.png\r\n/elsewhere/c.tiff\n../d.webp\n",
    b"a.jpg,3\n2019/b.png,4\n\n",
    b'\xef\xbb\xbfsize,path\n3,"a, b.jpg"\n4,"say ""b"".png"\n5,caf\xe9.jpg\n',
]
CONTENT = st.one_of(
    damaged(MANIFESTS),
    st.binary(max_size=200),
    st.lists(st.sampled_from([b"path", b"a.jpg", b"..", b"/", b"\0", b'"', b",", b"\n", b"\r", b"\xff\xfe"])).map(
        b"".join
    ),
    st.integers(1, 300_000).map(lambda count: b"a" * count),
)


@pytest.fixture(autouse=True, scope="module")
def memory() -> Iterator[None]:
    with bounded_memory(100):
        yield


@cases(200)
@given(data=CONTENT, suffix=st.sampled_from([".txt", ".csv"]))
def test_any_manifest_names_photos_or_is_refused_by_its_name(tmp_path_factory, data, suffix):
    """And what it names has an output of its own within the folder for outputs, or is an error of its own."""
    manifest = tmp_path_factory.getbasetemp() / f"manifest{suffix}"
    manifest.write_bytes(data)
    photos, refusal = outcome(lambda: find_photos(str(manifest), Path("/paintings")), (PhotoError, RequestError))
    if photos is None:
        assert refusal.startswith(f"{manifest}: expected ")
        return
    assert photos.files
    for name, path in photos.files.items():
        assert os.path.isabs(path)
        output, refusal = outcome(lambda name=name: output_name(name), PhotoError)
        assert refusal or os.path.normpath(os.path.join("/paintings", output)).startswith("/paintings/")
