# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The engines that bench/compare times. Each runs in a process of its own, whose program is this file:

    engines.py ENGINE MODEL.onnx WORK_FOLDER THREADS CONVOY [OPTIONS]

OPTIONS is JSON: "device" (cpu or cuda), "precision" (f32; tf32 or f16 on a GPU; int8 or bf16 on a CPU), "artefact", the
path of Convoy's artefact, which is compiled if it does not exist, "compile", a list of further options of `convoy compile`,
and "optimize": false for ONNX Runtime without graph optimisations.

The process loads the model, answers a line of JSON ({"ready": true, ...} or {"error": "..."}), then reads one command
per line: `inputs FILE` reads other inputs and runs with them, `outputs FILE` writes the outputs as .npz, `time N` runs
N times and answers the seconds of each run. The first inputs are in inputs.npz, beside the work folder. On a CPU all
engines compute in f32 and keep f32 weights; what a model quantises, they multiply as integers.
"""

import ctypes
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from torch_engines import TorchCompile, TorchGraph


class Convoy:
    """The artefact, through its C interface."""

    # Element types of ONNX.
    TYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_,
             10: np.float16, 11: np.float64, 12: np.uint32, 13: np.uint64}

    def __init__(self, model, folder, threads, convoy, options):
        artefact = Path(options.get("artefact") or folder / "convoy.so")
        on_gpu = options["device"] == "cuda"
        self.compile_seconds = None
        if not artefact.exists():
            target = ["--target=cuda"] if on_gpu else []
            if on_gpu or options["precision"] == "bf16":
                target.append(f"--precision={options['precision']}")
            start = time.perf_counter()
            done = subprocess.run([convoy, "compile", model, "-o", artefact, *target, *options.get("compile", [])],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(done.stderr.strip())
            self.compile_seconds = time.perf_counter() - start
        self.library = ctypes.CDLL(str(artefact))
        self.library.convoy_status_text.restype = ctypes.c_char_p
        for function in (self.library.convoy_input, self.library.convoy_output):
            function.restype = ctypes.POINTER(TensorInfo)
        library = self.library
        self.inputs = [self.make_array(library.convoy_input(i)) for i in range(library.convoy_input_count())]
        self.outputs = [self.make_array(library.convoy_output(i)) for i in range(library.convoy_output_count())]
        self.pointers = [(ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
                         for arrays in (self.inputs, self.outputs)]
        self.context = ctypes.c_void_p()
        if on_gpu:
            self.check(self.library.convoy_create_on(0, ctypes.byref(self.context)))
        else:
            self.check(self.library.convoy_create(threads, ctypes.byref(self.context)))

    def make_array(self, info):
        return np.zeros(info.contents.dims[: info.contents.rank], self.TYPES[info.contents.element_type])

    def check(self, status):
        if status:
            raise RuntimeError(self.library.convoy_status_text(status).decode())

    def set_inputs(self, arrays):
        for index, own in enumerate(self.inputs):
            own[...] = arrays[self.library.convoy_input(index).contents.name.decode()]

    def run(self):
        self.check(self.library.convoy_run(self.context, *self.pointers))

    def get_outputs(self):
        outputs = []
        for index, array in enumerate(self.outputs):
            dims = (ctypes.c_int64 * array.ndim)()
            self.check(self.library.convoy_output_dims(self.context, index, dims))
            outputs.append(array[tuple(map(slice, dims))])
        return outputs


class TensorInfo(ctypes.Structure):
    """convoy_tensor_info of include/convoy-c/Artefact.h."""

    _fields_ = [("name", ctypes.c_char_p), ("element_type", ctypes.c_int32), ("rank", ctypes.c_int32),
                ("dims", ctypes.POINTER(ctypes.c_int64)), ("size", ctypes.c_int64)]


class OnnxRuntime:
    def __init__(self, model, folder, threads, convoy, options):
        import onnxruntime

        session_options = onnxruntime.SessionOptions()
        session_options.intra_op_num_threads = threads
        session_options.inter_op_num_threads = 1
        session_options.log_severity_level = 4
        if not options.get("optimize", True):
            session_options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.session = onnxruntime.InferenceSession(str(model), session_options, providers=["CPUExecutionProvider"])

    def set_inputs(self, arrays):
        self.feeds = arrays

    def run(self):
        self.results = self.session.run(None, self.feeds)

    def get_outputs(self):
        return self.results


class OpenVino:
    def __init__(self, model, folder, threads, convoy, options):
        import openvino

        settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
        # What is not quantised in a quantised model is computed in OpenVINO's default type, bf16 where a CPU has it.
        precision = options.get("precision", "f32")
        if precision != "int8":
            settings["INFERENCE_PRECISION_HINT"] = precision
        compiled = openvino.Core().compile_model(str(model), "CPU", settings)
        self.request = compiled.create_infer_request()

    def set_inputs(self, arrays):
        [array] = arrays.values()
        import openvino

        self.tensor = openvino.Tensor(array, shared_memory=True)
        self.request.set_input_tensor(0, self.tensor)

    def run(self):
        self.request.infer()

    def get_outputs(self):
        return [self.request.get_output_tensor(0).data]


class Ncnn:
    """Converted with pnnx, with weights and arithmetic in f32."""

    def __init__(self, model, folder, threads, convoy, options):
        import ncnn
        import onnx

        graph = onnx.load(str(model), load_external_data=False).graph
        constants = {tensor.name for tensor in graph.initializer}
        given = next(value for value in graph.input if value.name not in constants)
        shape = [dim.dim_value for dim in given.type.tensor_type.shape.dim]
        if shape[0] != 1:
            raise RuntimeError("ncnn runs one picture at a time")
        pnnx = next(Path(entry) / "pnnx/pnnx" for entry in sys.path if (Path(entry) / "pnnx/pnnx").is_file())
        (folder / "m.onnx").symlink_to(model)
        done = subprocess.run([str(pnnx), "m.onnx", f"inputshape=[{','.join(map(str, shape))}]", "fp16=0"], cwd=folder,
                              capture_output=True, text=True)
        if not (folder / "m.ncnn.param").is_file():
            raise RuntimeError(f"pnnx failed: {(done.stdout + done.stderr).strip()[-200:]}")
        self.ncnn = ncnn
        self.net = ncnn.Net()
        chosen = self.net.opt
        chosen.num_threads = threads
        chosen.use_vulkan_compute = False
        for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
            setattr(chosen, name, False)
        chosen.use_packing_layout = chosen.use_winograd_convolution = chosen.use_sgemm_convolution = True
        if self.net.load_param(str(folder / "m.ncnn.param")) or self.net.load_model(str(folder / "m.ncnn.bin")):
            raise RuntimeError("ncnn does not load what pnnx made")

    def set_inputs(self, arrays):
        [array] = arrays.values()
        self.array = np.ascontiguousarray(array[0])

    def run(self):
        with self.net.create_extractor() as extractor:
            extractor.input("in0", self.ncnn.Mat(self.array))
            status, self.result = extractor.extract("out0")
        if status:
            raise RuntimeError(f"ncnn's status is {status}")

    def get_outputs(self):
        return [np.array(self.result)]


ENGINES = {"convoy": Convoy, "convoy-f32": Convoy, "onnxruntime": OnnxRuntime, "openvino": OpenVino, "ncnn": Ncnn,
           "torch-graph": TorchGraph, "torch-compile": TorchCompile}


def say(**answer):
    print(json.dumps(answer), flush=True)


def main():
    name, model, folder, threads, convoy = sys.argv[1:6]
    options = json.loads(sys.argv[6]) if len(sys.argv) > 6 else {"device": "cpu"}
    # Text that the engines print themselves must not look like an answer.
    answers = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(answers, "w")
    try:
        start = time.perf_counter()
        engine = ENGINES[name](Path(model).resolve(), Path(folder), int(threads), convoy, options)
        engine.set_inputs(dict(np.load(Path(folder).parent / "inputs.npz")))
        engine.run()
        seconds = time.perf_counter() - start
    except Exception as error:  # pylint: disable=broad-except
        return say(error=f"{type(error).__name__}: {error}"[:300])
    say(ready=True, load_seconds=seconds, compile_seconds=getattr(engine, "compile_seconds", None))
    for line in sys.stdin:
        command, argument = line.split(maxsplit=1)
        if command == "inputs":
            try:
                engine.set_inputs(dict(np.load(argument.strip())))
                engine.run()
            except Exception as error:  # pylint: disable=broad-except
                say(error=f"{type(error).__name__}: {error}"[:300])
            else:
                say(done=True)
        elif command == "outputs":
            np.savez(argument.strip(), *engine.get_outputs())
            say(done=True)
        else:
            seconds = []
            for _ in range(int(argument)):
                start = time.perf_counter()
                engine.run()
                seconds.append(time.perf_counter() - start)
            say(seconds=seconds)


if __name__ == "__main__":
    main()
