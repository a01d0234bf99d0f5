"""Teaches a model a painting, and paints with it: python examples/add_style.py PAINTING PHOTOS MODEL [MINUTES]

MODEL is a folder of versions such as a copy of saved_models/tfstyle: the next version is written into it.
"""

import sys
from pathlib import Path

import tfstyle
from tfstyle.cli import main

painting, photos, model = map(Path, sys.argv[1:4])
minutes = sys.argv[4] if len(sys.argv) > 4 else "10"

# What `tfstyle add-style` on the command line does, and --help explains.
code = main(
    ["add-style", str(painting), "--name", "mine", "--photos", str(photos), "--model", str(model), "--minutes", minutes]
)
if code == 0:
    stylizer = tfstyle.Stylizer(model=model)  # its newest version, which has the style
    stylizer.stylize(painting, "mine").save("in_its_own_style.jpg")
sys.exit(code)
