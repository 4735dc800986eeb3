# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks that ONNX Runtime's quantiser and optimiser made."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper, version_converter
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from support import compile_model, models, rand, run_artefact, tiny_models

LEVELS = onnxruntime.GraphOptimizationLevel
NETWORKS = ["tiny_resnet", "tiny_mobilenet"]


class Samples(CalibrationDataReader):
    def __init__(self, shape):
        self.samples = iter([{"x": models.random_input(shape, seed)} for seed in range(3)])

    def get_next(self):
        return next(self.samples, None)


def run_as_it_is(path, feeds):
    """Runs a model with ONNX Runtime, node by node."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = LEVELS.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return dict(zip((output.name for output in session.get_outputs()), session.run(None, feeds)))


def optimize(path, result, level):
    """Writes what ONNX Runtime makes of a model."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = level
    options.optimized_model_filepath = str(result)
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return result


@pytest.fixture(scope="module")
def network(request, tmp_path_factory):
    """The path of a network in f32 without batch norms, and the shape of its input."""
    folder = tmp_path_factory.mktemp(request.param)
    model, shapes = getattr(tiny_models, request.param)()
    made = models.WeightMaker(model, shapes, 0).make()
    model.graph.initializer.extend(numpy_helper.from_array(array, key) for key, array in made.items())
    model = version_converter.convert_version(model, 13)
    model.ir_version = 8
    onnx.save(model, folder / "float.onnx")
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    return optimize(folder / "float.onnx", folder / "network.onnx", LEVELS.ORT_ENABLE_BASIC), shape


def check(path, shape, tmp_path, steps=0.0):
    """Compares with ONNX Runtime. `steps` is how far outputs may differ, as a part of the largest one."""
    feeds = {"x": models.random_input(shape, 77)}
    expected = run_as_it_is(path, feeds)
    actual = run_artefact(compile_model(path, tmp_path), feeds, expected, threads=2)
    for name, array in expected.items():
        assert np.abs(actual[name] - array).max() <= steps * np.abs(array).max()


def operators(path):
    return {node.op_type for node in onnx.load(path).graph.node}


@pytest.mark.parametrize("activations, per_channel", [(QuantType.QUInt8, False), (QuantType.QInt8, True)],
                         ids=["uint8-per-tensor", "int8-per-channel"])
@pytest.mark.parametrize("network", NETWORKS, indirect=True)
def test_operators(network, activations, per_channel, tmp_path):
    """Models of quantised operators are exact."""
    path, shape = network
    result = tmp_path / "quantized.onnx"
    quantize_static(path, result, Samples(shape), quant_format=QuantFormat.QOperator, per_channel=per_channel,
                    activation_type=activations, weight_type=QuantType.QInt8, reduce_range=True)
    assert {"QLinearConv", "QLinearAdd", "QGemm"} <= operators(result)
    check(result, shape, tmp_path)
    check(optimize(result, tmp_path / "optimized.onnx", LEVELS.ORT_ENABLE_EXTENDED), shape, tmp_path)


@pytest.mark.parametrize("per_channel", [False, True], ids=["per-tensor", "per-channel"])
@pytest.mark.parametrize("network", NETWORKS, indirect=True)
def test_quantize_dequantize(network, per_channel, tmp_path):
    """Models that quantise and dequantise around f32 operators differ by a step of the last quantisation at most."""
    path, shape = network
    result = tmp_path / "qdq.onnx"
    quantize_static(path, result, Samples(shape), quant_format=QuantFormat.QDQ, per_channel=per_channel,
                    weight_type=QuantType.QInt8, reduce_range=True)
    assert {"QuantizeLinear", "DequantizeLinear", "Conv"} <= operators(result)
    check(result, shape, tmp_path, steps=1 / 64)
    optimized = optimize(result, tmp_path / "optimized.onnx", LEVELS.ORT_ENABLE_EXTENDED)
    assert "QLinearConv" in operators(optimized)  # Others may stay f32.
    check(optimized, shape, tmp_path, steps=1 / 64)


@pytest.mark.parametrize("network", NETWORKS, indirect=True)
def test_dynamic(network, tmp_path):
    path, shape = network
    result = tmp_path / "dynamic.onnx"
    quantize_dynamic(path, result, weight_type=QuantType.QInt8, reduce_range=True)
    assert {"DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"} <= operators(result)
    check(result, shape, tmp_path, steps=1e-5)


def test_fused_operators(tmp_path):
    """What the optimiser makes of f32 networks."""
    def attention_block():
        node = helper.make_node
        nodes = [
            node("MatMul", ["x", "w"], ["a"]), node("Add", ["a", "b"], ["c"]),
            node("Div", ["c", "root2"], ["d"]), node("Erf", ["d"], ["e"]), node("Add", ["e", "one"], ["f"]),
            node("Mul", ["c", "f"], ["g"]), node("Mul", ["g", "half"], ["h"]),
            node("Add", ["x", "h"], ["s"]), node("LayerNormalization", ["s", "scale", "shift"], ["n"]),
            node("Transpose", ["n"], ["t"], perm=[0, 2, 1]), node("MatMul", ["n", "t"], ["y"]),
        ]
        constants = {"w": rand(16, 16), "b": rand(16), "root2": np.float32(2 ** 0.5), "one": np.float32(1),
                     "half": np.float32(0.5), "scale": rand(16), "shift": rand(16)}
        graph = helper.make_graph(
            nodes, "block", [helper.make_tensor_value_info("x", 1, [2, 5, 16])],
            [helper.make_tensor_value_info("y", 1, None)],
            [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    onnx.save(attention_block(), tmp_path / "float.onnx")
    result = optimize(tmp_path / "float.onnx", tmp_path / "optimized.onnx", LEVELS.ORT_ENABLE_EXTENDED)
    assert {"BiasGelu", "SkipLayerNormalization", "FusedMatMul"} & operators(result)
    check(result, [2, 5, 16], tmp_path, steps=1e-5)
