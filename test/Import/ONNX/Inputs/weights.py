# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes models that ONNX's text format cannot express into a folder: all forms of weights, and damaged files."""

import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(sys.argv[1])
FOLDER.mkdir(parents=True, exist_ok=True)
RAMP = np.arange(32, dtype=np.float32)


def write(name, *tensors, data_type=TensorProto.FLOAT):
    """Writes a model that adds all tensors to x. Their names are a, b, ..."""
    nodes, value = [], "x"
    for index, tensor in enumerate(tensors):
        tensor.name = "abcdefgh"[index]
        result = f"y{index}" if index + 1 < len(tensors) else "y"
        nodes.append(helper.make_node("Add", [value, tensor.name], [result], name=f"add_{tensor.name}"))
        value = result
    graph = helper.make_graph(
        nodes, "weights",
        [helper.make_tensor_value_info("x", data_type, [32])],
        [helper.make_tensor_value_info("y", data_type, [32])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    data = model.SerializeToString()
    (FOLDER / f"{name}.onnx").write_bytes(data)
    return data


def raw(array):
    return numpy_helper.from_array(np.asarray(array))


def external(location, size=128, **entries):
    tensor = TensorProto(dims=[size // 4], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


# Well-formed.
good = write("raw", raw(RAMP), raw(np.full(32, 2.0, np.float32)), raw(RAMP[:1]))
write("typed", helper.make_tensor("", TensorProto.FLOAT, [32], RAMP))
write("half", raw(np.array([1.5, -2.0, 6e-8, np.inf] * 8, np.float16)), data_type=TensorProto.FLOAT16)
write("double", raw(RAMP[1:2].astype(np.float64)), data_type=TensorProto.DOUBLE)
bfloat = TensorProto(dims=[1], data_type=TensorProto.BFLOAT16, raw_data=b"\x20\x40")
write("bfloat", bfloat, data_type=TensorProto.BFLOAT16)
write("integers", raw(np.arange(32, dtype=np.int64)), data_type=TensorProto.INT64)
(FOLDER / "data").mkdir(exist_ok=True)
(FOLDER / "data" / "w.bin").write_bytes(b"?" * 64 + RAMP.tobytes() + b"?" + RAMP[::-1].tobytes())
write("external", external("data/w.bin", offset=64, length=128), external("data/w.bin", offset=193))

# Damaged.
(FOLDER / "empty.onnx").write_bytes(b"")
(FOLDER / "text.onnx").write_bytes(b"This is no protobuf.\n" * 20)
(FOLDER / "truncated.onnx").write_bytes(good[: len(good) * 2 // 3])
write("too_short", TensorProto(dims=[32], data_type=TensorProto.FLOAT, raw_data=b"\0" * 127))
write("too_few", TensorProto(dims=[32], data_type=TensorProto.FLOAT, float_data=[1.0]))
write("negative", TensorProto(dims=[-32], data_type=TensorProto.FLOAT))
write("overflow", TensorProto(dims=[2**40, 2**40], data_type=TensorProto.FLOAT))
write("bad_type", TensorProto(dims=[32], data_type=77))
write("absent", external("absent.bin"))
write("outside", external("../w.bin"))
write("absolute", external(str((FOLDER / "data" / "w.bin").resolve())))
link = FOLDER / "data" / "link.bin"
link.unlink(missing_ok=True)
link.symlink_to("/dev/null")
write("link", external("data/link.bin"))
write("external_short", external("data/w.bin", offset=1000000))
write("external_length", external("data/w.bin", length=4))
