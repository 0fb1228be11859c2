"""A small builder of ONNX graphs: numbered nodes, shared constants, weights bound by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
IR_VERSION = 10
CONTRIB = "com.microsoft"

Shape = Sequence[int | str]

Widened = Callable[[str, int, int], str]
"""Pads a weight along an axis, given the weight's rank and the axis; see `Decoder.widened`."""


class GraphBuilder:
    """Collects nodes. Each method that adds a node returns the name of its output.

    Attributes:
        batched: whether values that depend on the inputs have a leading axis, one entry for each video of a
            batch. `stack`, `axis` and `permute` take shapes and axes without it.
    """

    def __init__(self, weight_shapes: dict[str, tuple[int, ...]], batched: bool = False) -> None:
        self.batched: bool = batched
        self._weight_shapes = weight_shapes
        self._weights: dict[str, TensorProto] = {}
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._initializers: list[TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self.nodes: list[onnx.NodeProto] = []

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Adds a node with one output."""
        return self.op_n(kind, 1, *inputs, domain=domain, **attributes)[0]

    def op_n(self, kind: str, outputs: int, *inputs: str, domain: str = "", **attributes: Any) -> list[str]:
        """Adds a node with ``outputs`` outputs."""
        base = f"n{len(self.nodes):x}"
        names = [base] if outputs == 1 else [f"{base}.{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, domain=domain, **attributes))
        return names

    def add_and_norm(self, value: str, residual: str, scale: str, epsilon: float) -> tuple[str, str]:
        """Adds ``value + residual`` and its RMS norm as one node; returns (normed, sum)."""
        normed, total = (f"n{len(self.nodes):x}.{i}" for i in range(2))
        self.nodes.append(
            helper.make_node(
                "SkipSimplifiedLayerNormalization",
                [value, residual, scale],
                [normed, "", "", total],
                domain=CONTRIB,
                epsilon=epsilon,
            )
        )
        return normed, total

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """A constant; equal constants are stored once."""
        array = np.ascontiguousarray(values, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = f"k{len(self._constants):x}"
            self._constants[key] = name
            self._initializers.append(numpy_helper.from_array(array, name))
        return self._constants[key]

    def ints(self, *values: int) -> str:
        """A 1-D int64 constant, for shapes, axes and bounds."""
        return self.constant(values, np.int64)

    def weight(self, name: str) -> str:
        """A tensor of the checkpoint: an initializer whose external data is located by the tensor's name."""
        if name not in self._weights:
            shape = self._weight_shapes[name]
            tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
            tensor.data_location = TensorProto.EXTERNAL
            length = 4 * int(np.prod(shape))
            for key, value in (("location", name), ("offset", "0"), ("length", str(length))):
                tensor.external_data.add(key=key, value=value)
            self._weights[name] = tensor
        return name

    def input(self, name: str, shape: Shape, dtype: int = TensorProto.FLOAT) -> str:
        """Declares an input of the graph."""
        self._inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, value: str, name: str, shape: Shape | None) -> None:
        """Declares ``value`` as a float32 output of the graph called ``name``.

        The value is renamed where it is produced and used, so that no copy is needed. A value that already is
        an output is copied by an Identity.
        """
        if any(info.name == value for info in self._outputs):
            value = self.op("Identity", value)
        for node in self.nodes:
            for names in (node.input, node.output):
                for i, other in enumerate(names):
                    if other == value:
                        names[i] = name
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    # Shorthands for common operations.

    def reshape(self, value: str, *shape: int) -> str:
        """Reshape; on WebGPU it does no work, because it only renames the buffer."""
        return self.op("Reshape", value, self.ints(*shape))

    def stack(self, value: str, *shape: int) -> str:
        """Reshapes to ``shape``, behind the batch's axis if there is one."""
        return self.reshape(value, *([-1] if self.batched else []), *shape)

    def axis(self, axis: int) -> int:
        """The number of an axis that is counted without the batch's."""
        return axis + self.batched

    def permute(self, value: str, *axes: int) -> str:
        """Transposes; the batch's axis stays first."""
        return self.op("Transpose", value, perm=[*range(self.batched), *(self.axis(axis) for axis in axes)])

    def slice(self, value: str, axis: int, start: int, end: int) -> str:
        """The elements start .. end - 1 along one axis."""
        return self.op("Slice", value, self.ints(start), self.ints(end), self.ints(axis))

    def pad(self, value: str, rank: int, axis: int, extra: int) -> str:
        """Appends ``extra`` zeros along one axis; adds no node if ``extra`` is 0."""
        if not extra:
            return value
        behind = [extra if i == axis else 0 for i in range(rank)]
        return self.op("Pad", value, self.ints(*[0] * rank, *behind))

    def split(self, value: str, axis: int, *sizes: int) -> list[str]:
        """Parts of the given sizes along one axis."""
        return self.op_n("Split", len(sizes), value, self.ints(*sizes), axis=axis)

    def concat(self, values: Sequence[str], axis: int) -> str:
        """Concatenates in groups of five, because WebGPU allows only ten storage buffers per shader stage."""
        level = list(values)
        while len(level) > 1:
            groups = [level[i : i + 5] for i in range(0, len(level), 5)]
            level = [g[0] if len(g) == 1 else self.op("Concat", *g, axis=axis) for g in groups]
        return level[0]

    def model(self, name: str) -> onnx.ModelProto:
        """The finished model, with only the initializers that are used."""
        used = {value for node in self.nodes for value in node.input}
        initializers = [t for t in (*self._weights.values(), *self._initializers) if t.name in used]
        graph = helper.make_graph(self.nodes, name, self._inputs, self._outputs, initializers)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        model.producer_name = "autogaze-web"
        return model
