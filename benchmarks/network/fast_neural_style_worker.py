"""The rival's half of gpu: the network of Johnson et al. in PyTorch, eager and compiled. Runs in PyTorch's environment.

    fast_neural_style_worker.py PRECISION

Reads lines of JSON: `width`, `height`, `batch`, `calls`, `compiled`; answers each with `seconds` a call, uint8 arrays
in and out. An empty request is answered with the `device` and the `version`.

The network is written from [the paper](https://arxiv.org/abs/1603.08155) and its supplementary material, with the
changes its users made since: instance normalization, mirrored borders, nearest-neighbour resizing before convolutions.
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn


def convolution(channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Mirrored borders, then a convolution."""
    return nn.Sequential(nn.ReflectionPad2d(kernel // 2), nn.Conv2d(channels_in, channels_out, kernel, stride))


def normalized(layer: nn.Module, channels: int) -> nn.Sequential:
    """A layer, instance normalization, ReLU."""
    return nn.Sequential(layer, nn.InstanceNorm2d(channels, affine=True), nn.ReLU())


class Residual(nn.Module):
    """Two 3x3 convolutions whose result is added to the input."""

    def __init__(self, channels: int):
        super().__init__()
        self.layers = nn.Sequential(
            normalized(convolution(channels, channels, 3), channels),
            convolution(channels, channels, 3),
            nn.InstanceNorm2d(channels, affine=True),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)


class FastNeuralStyle(nn.Module):
    """One style; uint8 `(B, H, W, 3)` in and out, H and W multiples of 4."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            normalized(convolution(3, 32, 9), 32),
            normalized(convolution(32, 64, 3, stride=2), 64),
            normalized(convolution(64, 128, 3, stride=2), 128),
            *(Residual(128) for _ in range(5)),
            nn.Upsample(scale_factor=2),
            normalized(convolution(128, 64, 3), 64),
            nn.Upsample(scale_factor=2),
            normalized(convolution(64, 32, 3), 32),
            convolution(32, 3, 9),
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = image.permute(0, 3, 1, 2).to(next(self.parameters()).dtype)
        return self.layers(x).clamp(0, 255).round().to(torch.uint8).permute(0, 2, 3, 1)


def main() -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    network = FastNeuralStyle().eval().to(device, getattr(torch, sys.argv[1]))
    sides = {False: network, True: torch.compile(network, dynamic=False)}
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"device": name, "version": f"PyTorch {torch.__version__}"}
        if request:
            shape = (request["batch"], request["height"], request["width"], 3)
            photos = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
            answer = {"seconds": timed(sides[request["compiled"]], photos, device, request["calls"])}
        print(json.dumps(answer), flush=True)


@torch.inference_mode()
def timed(network: nn.Module, photos: np.ndarray, device: torch.device, calls: int) -> float:
    """Seconds a call, from an array in memory to one."""
    began = time.perf_counter()
    for _ in range(calls):
        network(torch.from_numpy(photos).to(device)).cpu().numpy()
    return (time.perf_counter() - began) / calls


if __name__ == "__main__":
    main()
