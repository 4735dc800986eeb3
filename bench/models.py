#!/usr/bin/env python3
# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks with seeded random weights, for tests and benchmarks.

The PyPI package `onnx` carries nine ImageNet architectures whose weights are one constant per tensor, so their outputs
prove next to nothing. This file gives them random weights instead:

* convolutions and dense layers: He-normal, times a power of two chosen so that each layer's output has a standard
  deviation near 1 on a calibration input (activations neither vanish nor saturate, however deep the network);
* biases: N(0.2, 0.1);
* batch norm: scale in 0.5 .. 1.5, variance in 0.5 .. 2, offset N(0.4, 0.2), mean near the layer's true mean;
* per-channel Mul/Add after a batch norm (Caffe's Scale layers): 0.5 .. 1.5 and N(0, 0.2).

Biases and offsets lean to the positive side because a deep network of zero-mean layers is chaotic: it magnifies the
rounding of its first layers until two correct programs differ by 1e-5 of the largest output. With these weights ONNX
Runtime with and without its optimisations agrees within 6e-6 (most networks: 1e-6), while another picture still changes
the outputs by 4 to 45 % of their deviation.

A weight depends on the seed and its own name only, and gains are powers of two, so a model is the same for every batch
size and on every machine. `modern_models.py` has recent networks, `tiny_models.py` and `tiny_transformers.py` small
ones, made the same way.

    python bench/models.py --list
    python bench/models.py --name resnet50 --out resnet50.onnx --batch 3 --pre-softmax
"""

import argparse
import os
import sys
import zlib
from pathlib import Path

import numpy as np
import onnx
import onnx.backend.test
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(Path(__file__).resolve().parent))
import modern_models  # noqa: E402
import tiny_models  # noqa: E402
import tiny_transformers  # noqa: E402

# Architecture -> its file in the package `onnx`, and whether the written model keeps the old form (IR version 3), in
# which initializers are listed among the inputs.
LIGHT_MODELS = {
    "alexnet": ("light_bvlc_alexnet.onnx", True),
    "densenet121": ("light_densenet121.onnx", False),
    "inception_v1": ("light_inception_v1.onnx", True),
    "inception_v2": ("light_inception_v2.onnx", False),
    "resnet50": ("light_resnet50.onnx", False),
    "shufflenet": ("light_shufflenet.onnx", True),
    "squeezenet": ("light_squeezenet.onnx", False),
    "vgg19": ("light_vgg19.onnx", False),
    "zfnet512": ("light_zfnet512.onnx", True),
}

# Name -> the function that builds the graph.
BUILT_MODELS = {**modern_models.MODERN_MODELS, **tiny_models.TINY_MODELS, **tiny_transformers.TINY_TRANSFORMERS}

# Part of the cache's file names: raise it when the weights that this file makes change.
REVISION = 1

DEFAULT_CACHE = Path(__file__).resolve().parent.parent / "build" / "models"


def names():
    """The names of all models, the nine architectures first."""
    return [*LIGHT_MODELS, *BUILT_MODELS]


def load_input(model):
    """The input, a ValueInfoProto, of a model file; old files list initializers as inputs, too."""
    graph = onnx.load(str(model), load_external_data=False).graph
    known = {tensor.name for tensor in graph.initializer}
    return next(value for value in graph.input if value.name not in known)


def random_input(shape, seed=0):
    """An input picture: standard normal, f32. shape is in elements, NCHW."""
    return np.random.default_rng([seed, 0x1A7]).standard_normal(shape, dtype=np.float32)


def random_feeds(model, seed=0):
    """A random picture for the input of a model file, by the input's name."""
    value = load_input(model)
    return {value.name: random_input([dim.dim_value for dim in value.type.tensor_type.shape.dim], seed)}


# ---------------------------------------------------------------------------------------------------------------------
# Writing a model without copying its weights
# ---------------------------------------------------------------------------------------------------------------------


def _varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number):
    """The key of a length-delimited protobuf field."""
    return _varint(number << 3 | 2)


def write_model(model, weights, path):
    """Writes `model` with `weights` (name -> array) as additional initializers to `path`.

    The arrays go from memory to the file as they are: a 575 MB model costs no second copy of its weights.
    The file appears under its name only when it is complete."""
    graph = model.graph.SerializeToString()
    parts = []  # Pairs of initializer header and array.
    size = len(graph)
    for name, array in weights.items():
        array = np.ascontiguousarray(array)
        header = TensorProto(
            name=name, dims=array.shape, data_type=helper.np_dtype_to_tensor_dtype(array.dtype)
        ).SerializeToString()
        header += _field(TensorProto.RAW_DATA_FIELD_NUMBER) + _varint(array.nbytes)
        header = _field(onnx.GraphProto.INITIALIZER_FIELD_NUMBER) + _varint(len(header) + array.nbytes) + header
        parts.append((header, array))
        size += len(header) + array.nbytes

    shell = onnx.ModelProto()
    shell.CopyFrom(model)
    shell.ClearField("graph")
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(partial, "wb") as file:
            file.write(shell.SerializeToString())
            file.write(_field(onnx.ModelProto.GRAPH_FIELD_NUMBER) + _varint(size))
            file.write(graph)
            for header, array in parts:
                file.write(header)
                file.write(array.reshape(-1).view(np.uint8).data)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


# ---------------------------------------------------------------------------------------------------------------------
# Making the weights
# ---------------------------------------------------------------------------------------------------------------------


LINEAR = ("Conv", "ConvTranspose", "Gemm", "MatMul")
NORMALIZATIONS = ("LayerNormalization", "InstanceNormalization", "GroupNormalization")


def attribute(node, name, default=None):
    """The value of a node's attribute."""
    return next((helper.get_attribute_value(a) for a in node.attribute if a.name == name), default)


def inner_nodes(node):
    """The nodes of a node's own graphs: branches, or the body of a loop."""
    return [inner for graph in map(attribute_graph, node.attribute) if graph for inner in graph.node]


def attribute_graph(value):
    return value.g if value.type == onnx.AttributeProto.GRAPH else None


def reads(node):
    """The names of the tensors that a node, or a node of its graphs, reads from outside of it."""
    names = dict.fromkeys(node.input)
    for graph in filter(None, map(attribute_graph, node.attribute)):
        own = {value.name for value in graph.input} | {name for inner in graph.node for name in inner.output}
        names |= dict.fromkeys(name for inner in graph.node for name in reads(inner) if name and name not in own)
    return list(names)


class WeightMaker:
    """Fills a graph with weights layer by layer, running each layer on a calibration input as it goes."""

    def __init__(self, model, shapes, seed):
        """shapes: name -> shape of each weight to make; other initializers keep their values."""
        self.model = model
        self.shapes = shapes
        self.seed = seed
        self.values = {}  # Every tensor that some later node reads.
        self.weights = {}  # The weights made or being made.
        self.base = {name: name for name in shapes}  # A weight or a view of it -> the weight.
        self.unmade = set(shapes)
        self.options = onnxruntime.SessionOptions()
        self.options.log_severity_level = 4

    def make(self):
        """Returns name -> array. Also gives the graph's outputs their shapes if they have none."""
        graph = self.model.graph
        for tensor in graph.initializer:
            self.values[tensor.name] = numpy_helper.to_array(tensor)
        for value in graph.input:
            if value.name not in self.values:
                shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
                self.values[value.name] = random_input(shape, self.seed)
        last_use = {name: index for index, node in enumerate(graph.node) for name in reads(node)}
        last_use.update((value.name, len(graph.node)) for value in graph.output)
        for index, node in enumerate(graph.node):
            self._visit(node)
            for name in reads(node):
                if last_use[name] == index:
                    self.values.pop(name, None)
        for name in self.unmade:  # Weights that no node reads.
            self._array(name)[...] = 0
        for value in graph.output:
            if not value.type.tensor_type.HasField("shape"):
                shape = self.values[value.name].shape
                value.CopyFrom(helper.make_tensor_value_info(value.name, TensorProto.FLOAT, shape))
        return self.weights

    def _visit(self, node):
        kind = node.op_type
        if kind in ("Reshape", "Unsqueeze") and node.input[0] in self.base:
            self._visit_view(node)
        elif kind in LINEAR and self._is_unmade(node, 1):
            self._visit_linear(node)
        else:
            if kind in LINEAR and self._is_unmade(node, 2):
                self._make_normal(node, 2, 0.1)
            elif kind == "BatchNormalization":
                self._make_batch_norm(node)
            else:
                self._make_elementwise(node)
            for inner in inner_nodes(node):
                if inner.op_type in LINEAR and self._is_unmade(inner, 1):
                    self._make_normal(inner, 1, np.sqrt(1 / self._array(inner.input[1])[0].size))
                self._make_elementwise(inner)
            self.values.update(zip(node.output, self._run(node)))

    def _visit_view(self, node):
        """A view shares the weight's memory; its first reader decides the values."""
        array = self._array(node.input[0])
        if node.op_type == "Reshape":
            view = array.reshape([int(size) for size in self.values[node.input[1]]])
        else:
            axes = attribute(node, "axes")
            view = np.expand_dims(array, tuple(self.values[node.input[1]] if axes is None else axes))
        self.values[node.output[0]] = view
        self.base[node.output[0]] = self.base[node.input[0]]

    def _visit_linear(self, node):
        """A convolution or dense layer: He-normal, scaled by a power of two that keeps the output near deviation 1."""
        weight = self._array(node.input[1])
        if node.op_type == "ConvTranspose":
            strides = attribute(node, "strides", [1])
            fan_in = weight.shape[0] * np.prod(weight.shape[2:]) / (attribute(node, "group", 1) * np.prod(strides))
        elif node.op_type == "Conv" or attribute(node, "transB", 0):
            fan_in = weight[0].size
        else:
            fan_in = weight.shape[-2]
        self._make_normal(node, 1, np.sqrt(2 / fan_in))
        if node.op_type == "Conv" and fan_in >= 9:
            # After a ReLU all inputs are positive. Filters of sum 0 respond to the picture, not to its positive mean.
            weight -= weight.mean(axis=tuple(range(1, weight.ndim)), keepdims=True)
        if self._is_unmade(node, 2):
            self._make_normal(node, 2, 0.1, mean=0.2)
        bias = self._array(node.input[2]) if len(node.input) > 2 else np.float32(0)
        output = self._run(node)[0]
        bias = bias if node.op_type == "Gemm" else bias.reshape([-1] + [1] * (output.ndim - 2))
        output -= bias
        deviation = float(output.std())
        if deviation > 0:
            gain = np.float32(2.0 ** -round(np.log2(deviation)))
            weight *= gain
            output *= gain
        output += bias
        self.values[node.output[0]] = output

    def _make_batch_norm(self, node):
        scale, offset, mean, variance = range(1, 5)
        if self._is_unmade(node, scale):
            self._make_uniform(node, scale, 0.5, 1.5)
        if self._is_unmade(node, offset):
            self._make_normal(node, offset, 0.2, mean=0.4)
        if self._is_unmade(node, mean):
            # Near the true mean, in steps of 1/8 so that the last bits of the calibration run do not matter.
            data = self.values[node.input[0]]
            true_mean = data.mean(axis=tuple(axis for axis in range(data.ndim) if axis != 1), dtype=np.float64)
            self._make_normal(node, mean, 0.1)
            self.values[node.input[mean]] += np.round(true_mean * 8) / 8
        if self._is_unmade(node, variance):
            self._make_uniform(node, variance, 0.5, 2.0)

    def _make_elementwise(self, node):
        for operand in range(len(node.input)):
            if self._is_unmade(node, operand):
                if node.op_type == "Mul" or (node.op_type in NORMALIZATIONS and operand == 1):
                    self._make_uniform(node, operand, 0.5, 1.5)
                else:
                    self._make_normal(node, operand, 0.2)

    def _is_unmade(self, node, operand):
        return operand < len(node.input) and self.base.get(node.input[operand]) in self.unmade

    def _array(self, name):
        """The memory of a weight or of a view of it."""
        if name not in self.values:
            array = self.weights.get(name)
            if array is None:
                array = self.weights[name] = np.empty(self.shapes[name], np.float32)
            self.values[name] = array
        return self.values[name]

    def _start(self, node, operand):
        """Returns the array to fill and its random generator, and marks the weight as made."""
        name = node.input[operand]
        base = self.base[name]
        self.unmade.discard(base)
        return self._array(name), np.random.default_rng([self.seed, zlib.crc32(base.encode())])

    def _make_normal(self, node, operand, deviation, mean=0):
        array, generator = self._start(node, operand)
        generator.standard_normal(dtype=np.float32, out=array)
        array *= np.float32(deviation)
        if mean:
            array += np.float32(mean)

    def _make_uniform(self, node, operand, low, high):
        array, generator = self._start(node, operand)
        array[...] = generator.uniform(low, high, array.shape)

    def _run(self, node):
        for name in reads(node):
            if name in self.weights:
                self._array(name)
        feeds = {name: self.values[name] for name in reads(node) if name}
        outputs = [name for name in node.output if name]
        graph = helper.make_graph(
            [node],
            "layer",
            [
                helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
                for name, value in feeds.items()
            ],
            [onnx.ValueInfoProto(name=name) for name in outputs],
        )
        layer = helper.make_model(graph, opset_imports=self.model.opset_import, ir_version=8)
        session = onnxruntime.InferenceSession(
            layer.SerializeToString(), self.options, providers=["CPUExecutionProvider"]
        )
        return session.run(outputs, feeds)


# ---------------------------------------------------------------------------------------------------------------------
# Shaping a model
# ---------------------------------------------------------------------------------------------------------------------


def _load_light(name):
    """The architecture without its weights (ConstantOfShape). Returns the model, and the weights: name -> shape."""
    file, _ = LIGHT_MODELS[name]
    model = onnx.load(Path(onnx.backend.test.__file__).parent / "data" / "light" / file)
    graph = model.graph
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    shapes = {name: tuple(t.dims) for name, t in initializers.items() if t.data_type == TensorProto.FLOAT}
    dropped, nodes = set(shapes), []
    for node in graph.node:
        if node.op_type == "ConstantOfShape":
            shapes[node.output[0]] = tuple(int(d) for d in numpy_helper.to_array(initializers[node.input[0]]))
            dropped.add(node.input[0])
        else:
            nodes.append(node)
    kept = [tensor for tensor in graph.initializer if tensor.name not in dropped]
    inputs = [value for value in graph.input if value.name not in initializers]
    for field, items in (("node", nodes), ("initializer", kept), ("input", inputs), ("value_info", [])):
        graph.ClearField(field)
        getattr(graph, field).extend(items)
    return model, shapes


def _set_batch(model, batch):
    """Turns batch 1 into `batch`: in inputs, outputs, and the constant shapes of Reshape nodes that begin with 1."""
    graph = model.graph
    for value in list(graph.input) + list(graph.output):
        dims = value.type.tensor_type.shape.dim
        if dims and dims[0].dim_value == 1:
            dims[0].dim_value = batch
    activations = {value.name for value in graph.input}
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if not activations.intersection(node.input):
            continue
        activations.update(node.output)
        if node.op_type == "Reshape" and node.input[1] in initializers:
            tensor = initializers[node.input[1]]
            shape = numpy_helper.to_array(tensor).copy()
            if shape[0] == 1:
                shape[0] = batch
                tensor.CopyFrom(numpy_helper.from_array(shape, tensor.name))


def _set_size(model, size):
    for value in model.graph.input:
        dims = value.type.tensor_type.shape.dim
        for dim in dims[2:]:
            dim.dim_value = size
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")


def _cut_softmax(model):
    """Removes a softmax at the end of the graph: its input becomes the output."""
    graph = model.graph
    outputs = {value.name: value for value in graph.output}
    for node in reversed(graph.node):
        if node.op_type == "Softmax" and node.output[0] in outputs:
            outputs[node.output[0]].name = node.input[0]
            graph.node.remove(node)
            return


def build(name, seed=0, batch=1, size=None, pre_softmax=False):
    """Makes the model `name`. Returns the model without its weights, and the weights: name -> array.

    size: height and width of the input in pixels, for networks that end in a global pool (others are refused)."""
    if name in LIGHT_MODELS:
        model, shapes = _load_light(name)
        listed = LIGHT_MODELS[name][1]
    else:
        model, shapes = BUILT_MODELS[name]()
        listed = model.ir_version < 4
    if size is not None:
        _set_size(model, size)
    try:
        weights = WeightMaker(model, shapes, seed).make()
    except Exception as error:
        if size is None:
            raise
        raise ValueError(f"{name} does not allow a size of {size}: {str(error).splitlines()[0]}") from None
    _set_batch(model, batch)
    if pre_softmax:
        _cut_softmax(model)
    if listed:
        known = {value.name for value in model.graph.input}
        for weight, array in weights.items():
            model.graph.input.append(helper.make_tensor_value_info(weight, TensorProto.FLOAT, array.shape))
        for tensor in model.graph.initializer:
            if tensor.name not in known:
                model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    elif model.ir_version < 4:
        model.ir_version = 4
    return model, weights


def save(name, path, **options):
    """Makes a model (options as `build`) and writes it to `path`."""
    write_model(*build(name, **options), path)


def cached(name, seed=0, batch=1, size=None, pre_softmax=False, folder=DEFAULT_CACHE):
    """The path of the model in the cache folder, made when it is not there yet."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    key = f"{name}-s{seed}-b{batch}" + (f"-{size}px" if size else "") + ("-logits" if pre_softmax else "")
    path = folder / f"{key}-r{REVISION}.onnx"
    if not path.exists():
        save(name, path, seed=seed, batch=batch, size=size, pre_softmax=pre_softmax)
    return path


def main():
    parser = argparse.ArgumentParser(description="Writes an ONNX network with seeded random weights.")
    parser.add_argument("--list", action="store_true", help="print the names of all models and stop")
    parser.add_argument("--name", choices=names(), metavar="NAME", help="the model, see --list")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write it (default: the cache, build/models)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights (default: 0)")
    parser.add_argument("--batch", type=int, default=1, help="batch size (default: 1)")
    parser.add_argument("--size", type=int, help="height and width of the input, where the network allows it")
    parser.add_argument("--pre-softmax", action="store_true", help="drop the last softmax; the output is its input")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(names()))
        return
    if not arguments.name:
        parser.error("--name or --list is needed")
    options = {key: getattr(arguments, key) for key in ("seed", "batch", "size", "pre_softmax")}
    try:
        if arguments.out:
            save(arguments.name, arguments.out, **options)
        else:
            arguments.out = cached(arguments.name, **options)
    except ValueError as error:
        sys.exit(f"models.py: {error}")
    print(arguments.out)


if __name__ == "__main__":
    main()
