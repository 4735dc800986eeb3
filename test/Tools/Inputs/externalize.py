# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Saves a model with its weights in weights.bin beside it: externalize.py MODEL.onnx RESULT.onnx."""

import sys

import onnx

model = onnx.load(sys.argv[1])
for tensor in model.graph.initializer:
    # Only raw bytes can be stored outside of the model's file.
    tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor), tensor.name))
onnx.save(model, sys.argv[2], save_as_external_data=True, location="weights.bin", size_threshold=0)
