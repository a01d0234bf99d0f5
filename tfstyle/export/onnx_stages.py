"""The network in stages, one to each normalization, so that a picture of any size passes through it in bands of rows.

A normalization needs mean and deviation of the whole picture, and with them all that comes before it. A stage is the
network from what earlier stages stored to the next normalization: it takes a band of rows of each tensor that it reads,
with the rows around them that its convolutions see, and gives the band of its result, with mean and length of each
channel. What has the trunk's resolution or a lower one is stored; what has a higher one is computed again.

`tfstyle.engines.staged_network` runs them. Which rows a stage reads for those it gives is told with it, as a tree from
its result to the tensors that it reads.
"""

from dataclasses import dataclass
from typing import Any

import onnx
from onnx import TensorProto

from tfstyle.export.onnx_network import NetworkGraph
from tfstyle.networks.checkpoint import normalizations
from tfstyle.networks.layers import EPSILON
from tfstyle.networks.transformer import MIN_LOWEST, Transformer


@dataclass(frozen=True)
class Stages:
    """A network in stages.

    Attributes:
        graphs: One to each normalization, in the order in which they are met, and one to the stylized image.
        plan: How they go together, for JSON.
    """

    graphs: tuple[onnx.ModelProto, ...]
    plan: dict[str, Any]


def stages(trunk: Transformer) -> Stages:
    """The stages of a network and its weights."""
    config, norms = trunk.config, _normalizations(trunk)
    stored: dict[str, dict[str, int]] = {}
    built = []
    for number in range(len(norms) + 1):
        built.append(_StageGraph(trunk, number, stored))
        stored = stored | built[-1].stores
    plan = {
        "stride": config.stride,  # sides are mirrored to a multiple of it
        "smallest": MIN_LOWEST * config.stride,
        "position": config.space_to_depth,  # pixels to a position of the first convolution, and
        "border": config.end_kernel // 2,  # the positions beyond the border that it sees
        "epsilon": EPSILON,
        "normalizations": norms,
        "stored": stored,
        "stages": [{"rows": stage.rows, "stores": list(stage.stores)} for stage in built],
    }
    return Stages(tuple(stage.proto for stage in built), plan)


def _normalizations(trunk: Transformer) -> list[dict[str, int]]:
    """Channels of each, and where in a style vector its gammas begin, which its betas follow; as they are met."""
    begin, places = 0, {}
    for layer in trunk.styled_layers:
        for norm in normalizations(layer):
            places[id(norm)] = {"channels": norm.filters, "gammas": begin}
            begin += norm.style_size
    met = [*trunk.down, *([trunk.coarse] if trunk.coarse else []), *trunk.trunk, *trunk.up]
    return [places[id(norm)] for layer in met for norm in normalizations(layer)]


class _Reached(Exception):
    """The normalization that a stage ends at, with the tensor that it would take."""


class _StageGraph(NetworkGraph):
    """The network to its normalization of this number, or to the stylized image where there is none of it.

    Inputs: `image`, uint8 `[1,h,W,3]`, with the look-up of its `columns`, or tensors that were stored, float32
    `[1,C,h,w]`; `rows_0` and so on, the rows of what was computed that a convolution sees; `scale_0` and `shift_0`,
    what normalization 0 multiplies by and adds, float32 `[1,C,1,1]` or by place. Outputs: `mean` and `length` of each
    channel, and tensors to be stored; or `stylized`, uint8 `[1,h,W,3]`.

    Args:
        trunk: The network.
        number: Of the normalization.
        stored: What earlier stages stored, by name.

    Attributes:
        proto: The graph.
        rows: The tree.
        stores: Channels of what is to be stored, and pixels to one of its rows, by name.
    """

    def __init__(self, trunk: Transformer, number: int, stored: dict[str, dict[str, int]]):
        super().__init__(trunk, regions=False)
        self._number, self._stored = number, stored
        self._norms = 0  # met so far
        self._sums: dict[str, str] = {}  # tensors by the names they are stored under
        self._rows: dict[str, dict[str, Any]] = {}  # how rows come about, of tensors whose operator does not tell
        self._inputs: dict[str, tuple[int, int]] = {}  # dtype and axes by name
        outputs: dict[str, tuple[str, int, int]] = {}  # tensor, dtype and axes by name
        self.stores: dict[str, dict[str, int]] = {}
        try:
            image, columns = self._input("image", TensorProto.UINT8, 4), self._input("columns", TensorProto.INT64, 1)
            result = self._layers(self._first(image, columns), None)
            outputs["stylized"] = result, TensorProto.UINT8, 4
        except _Reached as reached:
            (result,) = reached.args
            mean, length = (self.add(reduce, result, axes=[2, 3], keepdims=0) for reduce in ("ReduceMean", "ReduceL2"))
            outputs |= {"mean": (mean, TensorProto.FLOAT, 2), "length": (length, TensorProto.FLOAT, 2)}
        self._producers = {name: node for node in self.add.nodes for name in node.output}
        self.rows = self._tree(result)
        if "mean" in outputs:
            seen = self._seen([result])
            stored_here = {name: tensor for name, tensor in self._sums.items() if tensor in seen and name not in stored}
            if self.rows["step"] >= self.config.trunk_stride:
                stored_here[f"convolved_{number}"] = result
            for name, tensor in stored_here.items():
                self.stores[name] = {"channels": self._channels(tensor), "step": self._tree(tensor)["step"]}
                outputs[name] = tensor, TensorProto.FLOAT, 4
        self.proto = self._cut(outputs)

    # What differs from the network in one piece.

    def _padded(self, x: str, border: int, mode: str = "reflect") -> str:
        x = self.add("Pad", x, self.add.whole(0, 0, 0, border, 0, 0, 0, border), mode=mode)
        return self._gathered(x, {"op": "mirror", "border": border, "mode": mode})

    def _enlarged(self, x: str) -> str:
        return self._gathered(super()._enlarged(x), {"op": "enlarge"})

    def _sub_pixel_bytes(self, x: str) -> str:
        x = super()._sub_pixel_bytes(x)
        self._rows[x] = {"op": "part", "times": 2}
        return x

    def _gathered(self, x: str, how: dict[str, Any]) -> str:
        rows = self._input(f"rows_{len(self._rows)}", TensorProto.INT64, 1)
        x = self.add("Gather", x, rows, axis=2)
        self._rows[x] = {**how, "rows": rows}
        return x

    def _doubled(self, x, layer, maps):
        return super()._doubled(x, layer, "by place")

    def _normalized(self, x, layer, maps):
        number, self._norms = self._norms, self._norms + 1
        if number == self._number:
            raise _Reached(x)
        if f"convolved_{number}" in self._stored:
            x = self._input(f"convolved_{number}", TensorProto.FLOAT, 4)
        scale, shift = (self._input(f"{name}_{number}", TensorProto.FLOAT, 4) for name in ("scale", "shift"))
        x = self.add("Add", self.add("Mul", x, scale), shift)
        return self.add("Relu", x) if layer.activate else x

    def _sum(self, x: str, y: str) -> str:
        name = f"sum_{len(self._sums)}"
        stored = name in self._stored
        self._sums[name] = self._input(name, TensorProto.FLOAT, 4) if stored else super()._sum(x, y)
        return self._sums[name]

    # What it reads, and which rows of it.

    def _input(self, name: str, dtype: int, axes: int) -> str:
        self._inputs[name] = (dtype, axes)
        return name

    def _tree(self, tensor: str) -> dict[str, Any]:
        """The tree of rows under a tensor. Each node has its `step`: pixels of the photo to one of its rows."""
        if tensor == "image":
            return {"op": "image", "step": 1}
        if tensor in self._stored:
            return {"op": "stored", "name": tensor, "step": self._stored[tensor]["step"]}
        node = self._producers[tensor]
        below = self._tree(node.input[0])
        step = below["step"]
        if tensor in self._rows:
            how = self._rows[tensor]
            finer = {"mirror": 1, "enlarge": 2, "part": 2}[how["op"]]
            return {**how, "step": step // finer, "of": below}
        match node.op_type:
            case "Conv":
                attributes = {attribute.name: attribute for attribute in node.attribute}
                kernel, stride = (attributes[name].ints[0] for name in ("kernel_shape", "strides"))
                return {"op": "convolve", "kernel": kernel, "stride": stride, "step": step * stride, "of": below}
            case "DepthToSpace":
                (times,) = (attribute.i for attribute in node.attribute if attribute.name == "blocksize")
                return {"op": "part", "times": times, "step": step // times, "of": below}
            case "Add" if node.input[1].startswith("shift_"):
                return {"op": "normalize", "number": int(node.input[1][6:]), "step": step, "of": below}
            case "Add":
                name = next(name for name, total in self._sums.items() if total == tensor)
                return {"op": "add", "name": name, "step": step, "of": [below, self._tree(node.input[1])]}
        return below

    def _channels(self, tensor: str) -> int:
        if tensor in self._stored:
            return self._stored[tensor]["channels"]
        node = self._producers[tensor]
        return self.add.constants[node.input[1]].dims[0] if node.op_type == "Conv" else self._channels(node.input[0])

    def _seen(self, tensors: list[str]) -> set[str]:
        """The tensors, and all that they are computed from."""
        seen: set[str] = set()
        waiting = list(tensors)
        while waiting:
            tensor = waiting.pop()
            if tensor not in seen:
                seen.add(tensor)
                waiting += self._producers[tensor].input if tensor in self._producers else []
        return seen

    def _cut(self, outputs: dict[str, tuple[str, int, int]]) -> onnx.ModelProto:
        """The graph of what the outputs are computed from, and no more."""
        add, seen = self.add, self._seen([tensor for tensor, _, _ in outputs.values()])
        add.nodes = [node for node in add.nodes if seen & set(node.output)]
        add.constants = {name: constant for name, constant in add.constants.items() if name in seen}
        taken = {name: (dtype, [None] * axes) for name, (dtype, axes) in self._inputs.items() if name in seen}
        given = {name: (dtype, [None] * axes) for name, (_, dtype, axes) in outputs.items()}
        return add.model(taken, given, {name: tensor for name, (tensor, _, _) in outputs.items()})
