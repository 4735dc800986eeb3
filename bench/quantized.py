#!/usr/bin/env python3
# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Quantised forms of the networks of models.py, made by ONNX Runtime's static quantiser.

Convolutions and dense layers, and what is between them, get QuantizeLinear and DequantizeLinear: uint8 data, int8 weights
with a scale for each output channel. The scales come from a few random pictures. Weights have 7 bits, as ONNX Runtime advises
for CPUs without VNNI: there its kernels would saturate with 8 bits, and Convoy would use a slower exact instruction.

    python bench/quantized.py MODEL.onnx QUANTISED.onnx
"""

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import onnx
from onnx import version_converter

sys.path.insert(0, str(Path(__file__).resolve().parent))
import models  # noqa: E402

PICTURES = 4


def prepare(path, folder):
    """The model in the form that the quantiser wants: opset 13 for scales of channels, batch norms folded."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    model = onnx.load(path)
    if model.opset_import[0].version < 13:
        model = version_converter.convert_version(model, 13)
    model.ir_version = max(model.ir_version, 8)
    constants = {tensor.name for tensor in model.graph.initializer}
    given = [value for value in model.graph.input if value.name not in constants]
    del model.graph.input[:]
    model.graph.input.extend(given)
    onnx.save(model, folder / "plain.onnx")
    quant_pre_process(folder / "plain.onnx", folder / "prepared.onnx", skip_symbolic_shape=True)
    return folder / "prepared.onnx"


def quantize(path, result):
    """Writes the quantised form of the model at `path` to `result`."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Pictures(CalibrationDataReader):
        def __init__(self):
            self.feeds = iter(models.random_feeds(path, seed) for seed in range(2, 2 + PICTURES))

        def get_next(self):
            return next(self.feeds, None)

    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        quantize_static(prepare(path, Path(folder)), result, Pictures(), quant_format=QuantFormat.QDQ, per_channel=True,
                        reduce_range=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)


def cached(path):
    """The path of the quantised form of a model of the cache, beside it, made when it is not there yet."""
    result = path.with_name(path.stem + "-int8.onnx")
    if not result.exists():
        unfinished = result.with_suffix(".tmp")
        quantize(path, unfinished)
        unfinished.rename(result)
    return result


def main():
    parser = argparse.ArgumentParser(description="Quantises a network.")
    parser.add_argument("model", type=Path)
    parser.add_argument("result", type=Path)
    arguments = parser.parse_args()
    quantize(arguments.model, arguments.result)


if __name__ == "__main__":
    main()
