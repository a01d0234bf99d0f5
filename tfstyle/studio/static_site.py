"""The studio as a folder of files that any host serves: the visitor's own device paints.

index.html, studio.css, js/, texts/, ...     the page
model/network.onnx, regions.onnx             the network
model/style_table.bin                        style vectors of its styles, little-endian float32 [N,V]
runtime/                                     ONNX Runtime for browsers, of the npm package onnxruntime-web
"""

import shutil
from pathlib import Path

from tfstyle.contract.catalog import CATALOG_FILE, Catalog
from tfstyle.engines.onnx_files import NETWORK_FILE, REGIONS_FILE, OnnxFiles
from tfstyle.errors import RequestError
from tfstyle.studio import site_files
from tfstyle.studio.photo_shelf import DRAFT_SIDE

RUNTIME_FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")

# What a server would say by a header. Nothing is loaded from elsewhere, and nothing can be sent there.
_CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'"
)


def export_site(version: Path, folder: Path, runtime: Path) -> None:
    """Write the page, a model and the runtime.

    Args:
        version: Folder of a version, as `tfstyle.model_store.versions.find_model` finds it.
        folder: Written into; made if missing.
        runtime: The npm package onnxruntime-web, unpacked.

    Raises:
        RequestError: If `runtime` is something else.
        ModelError: If the version has no network for ONNX Runtime.
    """
    sources = [_runtime_file(runtime, name) for name in RUNTIME_FILES]
    catalog, onnx = Catalog.load(version / CATALOG_FILE), OnnxFiles(version)
    written = site_files.page_files(catalog)
    config = {"engine": "browser", "draft_side": DRAFT_SIDE, "styles": catalog.names}
    meta = f'<meta http-equiv="Content-Security-Policy" content="{_CONTENT_SECURITY}">'.encode()
    written["index.html"] = site_files.index(**config).replace(b"<head>\n", b"<head>\n" + meta + b"\n", 1)
    written["model/style_table.bin"] = onnx.style_table().astype("<f4").tobytes()
    written |= {f"model/{name}": onnx.read(name) for name in (NETWORK_FILE, REGIONS_FILE)}
    written[".nojekyll"] = b""  # GitHub Pages is to serve it as it is
    for path, data in written.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    (folder / "runtime").mkdir(exist_ok=True)
    for source in sources:
        shutil.copyfile(source, folder / "runtime" / source.name)


def _runtime_file(runtime: Path, name: str) -> Path:
    for path in (runtime / "dist" / name, runtime / name):
        if path.is_file():
            return path
    raise RequestError(
        f"Expected the npm package onnxruntime-web in {runtime}, found no dist/{name} there; get it with: npm pack "
        "onnxruntime-web && tar xzf onnxruntime-web-*.tgz, and give the folder package."
    )
