# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""PyTorch on an NVIDIA GPU, for bench/compare --device=cuda: the network that onnx2torch makes of the model, with cuDNN
in benchmark mode and channels last. A run is what a user waits for: the input to the GPU, the network, the output back."""


class TorchGraph:
    """The whole network as one CUDA graph."""

    def __init__(self, model, folder, threads, convoy, options):
        import onnx
        import onnx2torch
        import torch

        self.torch = torch
        reduced = options["precision"] != "f32"
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = reduced
        self.type = torch.float16 if options["precision"] == "f16" else torch.float32
        module = onnx2torch.convert(onnx.load(str(model))).eval()
        self.module = module.to("cuda", self.type, memory_format=torch.channels_last)

    def set_inputs(self, arrays):
        torch = self.torch
        [array] = arrays.values()
        self.host = torch.from_numpy(array).pin_memory()
        layout = torch.channels_last if array.ndim == 4 else torch.contiguous_format
        self.input = self.host.to("cuda", self.type).to(memory_format=layout)
        self.prepare()

    def prepare(self):
        torch = self.torch
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.inference_mode(), torch.cuda.stream(stream):
            for _ in range(5):
                self.output = self.module(self.input)
        torch.cuda.current_stream().wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        with torch.inference_mode(), torch.cuda.graph(self.graph):
            self.output = self.module(self.input)
        self.result = torch.empty(self.output.shape, dtype=self.output.dtype, pin_memory=True)

    def compute(self):
        self.graph.replay()

    def run(self):
        self.input.copy_(self.host, non_blocking=True)
        self.compute()
        self.result.copy_(self.output, non_blocking=True)
        self.torch.cuda.synchronize()

    def get_outputs(self):
        return [self.result.float().numpy()]


class TorchCompile(TorchGraph):
    """torch.compile, which chooses kernels by timing them and makes its own graph."""

    def prepare(self):
        torch = self.torch
        self.compiled = torch.compile(self.module, mode="max-autotune")
        with torch.inference_mode():
            for _ in range(5):
                self.output = self.compiled(self.input)
        self.result = torch.empty(self.output.shape, dtype=self.output.dtype, pin_memory=True)

    def compute(self):
        with self.torch.inference_mode():
            self.output = self.compiled(self.input)
