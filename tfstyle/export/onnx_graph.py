"""An ONNX graph as it is written: nodes one after the other, and constants."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SMALL = 1024  # bytes; smaller constants stay in the graph that has them

OPSET = 17
IR_VERSION = 8  # of ONNX 1.12, which has opset 17

Tensor = tuple[int, Sequence[str | int | None]]  # element type of `onnx.TensorProto`, and shape


class OnnxGraph:
    """Nodes and constants, added one after the other."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def __call__(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Adds a node; the name of its output, or of all where it has several."""
        names = [f"{operator}_{len(self.nodes)}" + (f"_{i}" if outputs > 1 else "") for i in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, name=names[0], **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value: Any, dtype: str) -> str:
        """The name of a constant; equal ones are one."""
        array = np.ascontiguousarray(value, dtype)
        name = f"constant_{hashlib.sha256(array.tobytes() + repr((array.shape, dtype)).encode()).hexdigest()[:16]}"
        self.constants[name] = numpy_helper.from_array(array.reshape(np.shape(value)), name)
        return name

    def whole(self, *values: int) -> str:
        """A constant, int64 `[len(values)]`."""
        return self.constant(values, "int64")

    def scalar(self, value: int) -> str:
        """A constant, int64 without a shape."""
        return self.constant(np.array(value), "int64")

    def model(
        self, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor], made: Mapping[str, str]
    ) -> onnx.ModelProto:
        """What was added as a model, checked.

        Args:
            inputs: Element type and shape by name.
            outputs: The same.
            made: The tensor that is each output.
        """
        for name, tensor in made.items():
            self.nodes.append(helper.make_node("Identity", [tensor], [name], name=name))
        taken, given = (
            [helper.make_tensor_value_info(name, element, shape) for name, (element, shape) in side.items()]
            for side in (inputs, outputs)
        )
        graph = helper.make_graph(self.nodes, "tfstyle", taken, given, list(self.constants.values()))
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="tfstyle")
        onnx.checker.check_model(model)
        return model


def with_weights_of(graph: onnx.ModelProto, whole: bytes, name: str) -> onnx.ModelProto:
    """A graph whose large constants are ranges of bytes of another ONNX file, so that they are there once.

    Args:
        graph: Changed and returned.
        whole: The other file, which has the same constants.
        name: Its name in the folder that both are in.
    """
    for constant in graph.graph.initializer:
        data = constant.raw_data
        place = whole.find(data) if len(data) >= SMALL else -1
        if place >= 0:
            constant.ClearField("raw_data")
            constant.data_location = TensorProto.EXTERNAL
            for key, value in (("location", name), ("offset", place), ("length", len(data))):
                constant.external_data.add(key=key, value=str(value))
    return graph
