"""Seconds of a training step in float32, compiled by XLA, and in bfloat16, on the device that TensorFlow finds.

    python -m benchmarks.network.training_step [--recipe tfstyle_2] [--steps 3] [--turns 9] [--quick]

The recipe's own network, losses, batches and crop sizes, on photos and style images of noise, for a step takes as long
on any picture. Both are trained in turns in this process; a number is the time of --steps steps after those that
compile. Here bfloat16 is never left to XLA, which `tfstyle train` does on GPUs only.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.measuring import MIN_TURNS, add_results_option, in_turns, machine, medians, save, table
from tfstyle.quiet import quiet_tensorflow

POLICIES = {"float32": True, "mixed_bfloat16": False}  # whether XLA compiles it
QUICK = {"steps": 1, "turns": 1, "sizes": ((32, 1),)}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="tfstyle_2", help="whose network and losses (default: tfstyle_2)")
    parser.add_argument("--steps", type=int, default=3, metavar="N", help="a number is the time of (default: 3)")
    parser.add_argument("--turns", type=int, default=MIN_TURNS, metavar="N", help=f"numbers of each ({MIN_TURNS})")
    add_results_option(parser, "one step on tiny crops")
    args = parser.parse_args(argv)
    args.sizes = None
    if args.quick:
        vars(args).update(QUICK)
    with quiet_tensorflow():
        from tfstyle.training.recipe import load_recipe
    sizes = args.sizes or [(stage.size, stage.batch) for stage in load_recipe(args.recipe).stages]
    rows = []
    for size, batch in sizes:
        sides = {policy: _steps(args, policy, size, batch) for policy in POLICIES}
        in_turns(sides, 2)  # the first steps compile and allocate
        rows.append((size, batch, medians(in_turns(sides, args.turns))))
    result = {
        "machine": machine("tensorflow", "keras"),
        "recipe": args.recipe,
        "rows": [{"size": size, "batch": batch, "seconds": seconds} for size, batch, seconds in rows],
    }
    head = ("crop, px", "batch", "float32, s a step", "bfloat16, s a step", "float32 / bfloat16")
    lines = [(size, batch, *seconds.values(), seconds["float32"] / seconds["mixed_bfloat16"])
             for size, batch, seconds in rows]  # fmt: skip
    save(args, "training_step", result, table(head, lines))
    return 0


def _steps(args: argparse.Namespace, policy: str, size: int, batch: int) -> Callable[[], float]:
    """Seconds a step, of a trainer with this arithmetic."""
    from tfstyle.networks import checkpoint, precision
    from tfstyle.training.recipe import load_recipe
    from tfstyle.training.trainer import StyleTrainer, make_optimizer

    recipe = load_recipe(args.recipe)
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    with precision.policy(policy):
        trainer = StyleTrainer(
            checkpoint.new_transformer(recipe.network),
            recipe,
            dict.fromkeys(recipe.style_images, noise),
            name="trainer",
        )
        trainer.compile(optimizer=make_optimizer(recipe), jit_compile=POLICIES[policy])
    inputs = {
        "image": random.integers(0, 256, (batch, size, size, 3), dtype=np.uint8),
        "style": np.arange(batch, dtype=np.int32) % len(recipe.styles),
    }

    def seconds() -> float:
        began = time.perf_counter()
        for _ in range(args.steps):
            trainer.train_on_batch(inputs)
        return (time.perf_counter() - began) / args.steps

    return seconds


if __name__ == "__main__":
    sys.exit(main())
