"""A client that others wrote, `ovmsclient` of OpenVINO, works with the embedded server.

It asks for version 0 unless it is told one, which its own server takes for the newest and TensorFlow Serving for a
version like any other. In a process of its own: its copies of TensorFlow's messages would clash with the originals.
"""

import json
import subprocess
import sys

import numpy as np

SCRIPT = """
import json, sys
import numpy as np, ovmsclient

client = ovmsclient.make_grpc_client(sys.argv[1])
photo = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(1, 2, 3, 3)
inputs = {"image": photo, "style_weights": np.array([[1, 0, 0]], np.float32)}
stylized = client.predict(inputs=inputs, model_name="other", model_version=7)
metadata = client.get_model_metadata(model_name="other", model_version=7)
status = client.get_model_status(model_name="other", model_version=7)
try:
    client.predict(inputs=inputs, model_name="other")
    refused = ""
except Exception as error:
    refused = f"{type(error).__name__}: {error}"
print(json.dumps([stylized.tolist(), str(stylized.dtype), metadata, status, refused]))
"""


def test_it_predicts_and_reads_metadata_and_status(address):
    done = subprocess.run([sys.executable, "-c", SCRIPT, address], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    stylized, dtype, metadata, status, refused = json.loads(done.stdout)

    assert dtype == "uint8"
    np.testing.assert_array_equal(stylized, 255 - np.arange(18).reshape(1, 2, 3, 3))
    assert metadata["inputs"]["image"] == {"shape": [-1, -1, -1, 3], "dtype": "DT_UINT8"}
    assert set(metadata["outputs"]) == {"stylized"}
    assert status["7"]["state"] == "AVAILABLE"
    assert status["7"]["error_message"] in ("", "OK")
    assert "NotFound" in refused
    assert "Servable not found for request: Specific(other, 0)" in refused
