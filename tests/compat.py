"""The shipped model in the TensorFlow of the newest released TensorFlow Serving: `make compat`.

    python -m tests.compat [MODEL] [--venv FOLDER]

Installs TensorFlow 2.20 into a virtual environment of its own (600 MB are downloaded the first time), loads the model
there the way a server does, and compares the paintings with those of this environment's TensorFlow.
"""

import argparse
import base64
import json
import subprocess
import sys
import venv
from io import BytesIO
from pathlib import Path

TENSORFLOW = "2.20"
GRAY_LEVELS = 1  # how far the painting of another version may be away


def main() -> int:
    """Compare; 1 if the model does not load there, or paints something else."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="folder of a model or of a version (default: saved_models/tfstyle)")
    parser.add_argument(
        "--venv", type=Path, default=Path(".venv-compat"), help="where to install (default: %(default)s)"
    )
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)  # in the other environment
    args = parser.parse_args()
    if args.answer:
        print(json.dumps(answers(args.model)))
        return 0

    import numpy as np
    from PIL import Image

    from tfstyle.model_store.versions import find_model

    model = find_model(args.model)
    there = _answers_in(_install(args.venv), model)
    here = answers(str(model))
    print(f"{model}: TensorFlow {there['version']} there, {here['version']} here; styles {', '.join(there['styles'])}")
    ours, theirs = (
        np.asarray(Image.open(BytesIO(base64.b64decode(answer["encoded"])))).astype(int) for answer in (here, there)
    )
    largest = max(int(np.abs(ours - theirs).max()), _largest(here["stylized"], there["stylized"]))
    print(f"paintings differ by {largest} gray levels at most")
    same = here["styles"] == there["styles"] and largest <= GRAY_LEVELS and np.ptp(theirs) > 50
    return 0 if same and there["version"].startswith(TENSORFLOW) else 1


def answers(model: str) -> dict[str, object]:
    """What a model answers to three of its signatures. Needs nothing but TensorFlow."""
    import numpy as np
    import tensorflow as tf

    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        signatures = tf.compat.v1.saved_model.load(session, ["serve"], model).signature_def

        def run(name: str, **inputs: object) -> dict[str, np.ndarray]:
            signature = signatures[name]
            feeds = {graph.get_tensor_by_name(signature.inputs[key].name): value for key, value in inputs.items()}
            return session.run({key: info.name for key, info in signature.outputs.items()}, feeds)

        rows, columns = np.mgrid[0:96, 0:128]
        photo = np.stack([2 * rows, 2 * columns, 255 - rows - columns], axis=-1).astype(np.uint8)
        styles = [style.decode() for style in run("describe")["style_names"].tolist()]
        weights = np.eye(1, len(styles), dtype=np.float32)
        png = session.run(tf.io.encode_png(photo))
        encoded = run(
            "encoded",
            image_bytes=[png],
            region_weights=weights[None],
            region_masks=[[b""]],
            strength=[1.0],
            preserve_color=[False],
            format=[b"png"],
        )
        stylized = run("serving_default", image=photo[None], style_weights=weights)["stylized"]
    return {
        "version": tf.__version__,
        "styles": styles,
        "encoded": base64.b64encode(encoded["image_bytes"][0]).decode(),
        "stylized": stylized.ravel().tolist(),
    }


def _largest(ours: object, theirs: object) -> int:
    import numpy as np

    return int(np.abs(np.asarray(ours) - np.asarray(theirs)).max())


def _install(folder: Path) -> Path:
    """The Python of an environment with that TensorFlow."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", f"tensorflow=={TENSORFLOW}.*"], check=True)
    return python


def _answers_in(python: Path, model: Path) -> dict[str, object]:
    command = [str(python.absolute()), str(Path(__file__).resolve()), "--answer", str(model)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
