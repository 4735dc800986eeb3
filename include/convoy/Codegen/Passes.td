//===- Passes.td - Code generation passes ------------------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_PASSES_TD
#define CONVOY_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def CnnGenerateCPUKernels : Pass<"cnn-generate-cpu-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn each operation of @main into a kernel and its launch";
  let description = [{
    Asks the kernel families in turn which of them builds an operation in memref
    form, makes one function for each distinct operation and replaces it by
    `cnn.launch`. See docs/architecture.md for the form of a kernel.

    Post: the body of `@main` is views and launches.
  }];
  let dependentDialects = [
    "::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::mlir::affine::AffineDialect"];
}

def CnnGenerateGPUKernels : Pass<"cnn-generate-gpu-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn each operation of @main into GPU kernels and their launches";
  let description = [{
    Asks the GPU kernel families in turn which of them builds an operation in memref
    form, makes its kernels in `gpu.module @kernels`, once for equal operations, and
    replaces it by launches of constant size. See docs/gpu.md for the form of a kernel.

    Before:
    ```mlir
    cnn.dense %x, %w outs(%y) {filter_shape = array<i64: 64, 128>} : ...
    ```
    After:
    ```mlir
    gpu.launch_func @kernels::@dense blocks in (%c4, %c1, %c1) threads in (%c256, %c1, %c1)
        args(%x : memref<1x128xf32>, %w : memref<4x128x16xf32>, %y : memref<1x64xf32>)
    ```

    Pre: the module's target has a `gpu`.
    Post: the body of `@main` is views and launches.
    Numerics: `f32` multiplies and adds in f32; sums are taken in another order than on
    the CPU. `tf32` rounds the factors of convolutions and dense layers to 11
    significant bits, `f16` to 11 bits and the range of f16; both add in f32. With a target
    that is specific to sm_90, convolutions that fit are kernels of warp groups.
  }];
  let dependentDialects = [
    "::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::gpu::GPUDialect", "::mlir::linalg::LinalgDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::nvgpu::NVGPUDialect", "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::mlir::affine::AffineDialect"];
}

def CnnConvertGPUToNVVM : Pass<"cnn-convert-gpu-to-nvvm", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Convert the kernels of a gpu.module to the LLVM and NVVM dialects";
  let description = [{
    Upstream's patterns, in one conversion: upstream's two passes, for `gpu` and for
    `nvgpu`, do not agree on 32-bit indices, which halve the cost of addresses.
    Buffers are bare pointers; arguments with `llvm.byval`, tensor maps, are parameters by
    value. What LLVM has no intrinsic for becomes inline PTX.

    Before:
    ```mlir
    gpu.func @copy(%x: memref<64xf32>, %y: memref<64xf32>) kernel {
      %i = gpu.thread_id x
      %v = memref.load %x[%i] : memref<64xf32>
    ```
    After:
    ```mlir
    llvm.func @copy(%x: !llvm.ptr, %y: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel} {
      %i = nvvm.read.ptx.sreg.tid.x : i32
      %p = llvm.getelementptr inbounds %x[%i] : (!llvm.ptr, i32) -> !llvm.ptr, f32
    ```

    Pre: no scf, affine or linalg is left.
    Post: only the LLVM and NVVM dialects.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

def CnnEmulateGpu : Pass<"cnn-emulate-gpu", "::mlir::ModuleOp"> {
  let summary = "Turn GPU kernels into host functions of one thread";
  let description = [{
    Does nothing unless the target's GPU is the emulator. Each kernel's body moves into
    a function whose first arguments are the thread and the block's shared memory, in
    which workgroup buffers follow each other, 16-byte aligned, and behind them is what a
    launch's `dynamic_shared_memory_size` asks for. Where threads meet, touch shared memory,
    or start copies and products there, it calls the runtime
    (lib/Runtime/Artefact/Emulator.h), which runs the threads of a block in turn and finds
    races. Memory spaces go.

    Before:

    ```mlir
    gpu.module @kernels {
      gpu.func @k(%x: memref<64xf32>)
          workgroup(%tile: memref<64xf32, #gpu.address_space<workgroup>>) kernel {
        %i = gpu.thread_id x
        %v = memref.load %tile[%i] : memref<64xf32, #gpu.address_space<workgroup>>
        gpu.barrier
        ...
    ```
    After:

    ```mlir
    func.func private @k(%thread: !llvm.ptr, %shared: memref<256xi8>, %x: memref<64xf32>)
        attributes {cnn.emulated} {
      %tile = memref.view %shared[%c0][] : memref<256xi8> to memref<64xf32>
      %i = ... llvm.load %thread ...
      llvm.call @convoy_gpu_access(%thread, %address, %c4, %c0)
      %v = memref.load %tile[%i] : memref<64xf32>
      llvm.call @convoy_gpu_barrier(%thread, %site)
      ...
    ```

    Pre: kernels contain what docs/gpu.md allows.
    Post: `gpu.module` keeps the kernels without their bodies; a launch has the
    attributes `cnn.emulated`, the function, and `cnn.shared_bytes`.
    Numerics: tf32 operands lose their low 13 bits, as on the hardware; sums are f32, in
    the order of the inner dimension.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::gpu::GPUDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect",
    "::mlir::vector::VectorDialect"];
}

def CnnConvertToLLVM : Pass<"cnn-convert-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Convert kernels and launches to the LLVM dialect";
  let description = [{
    Pointers cross function borders bare. A launch stores its buffers' pointers
    in an array on the stack and calls `convoy_rt_parallel_for` with the entry of
    the kernel, a function made here that unpacks the array:

    ```mlir
    llvm.func internal @conv_entry(%begin: i64, %end: i64, %args: !llvm.ptr) {
      %m0 = llvm.load %args[0] ...
      llvm.call @conv(%begin, %end, %m0, ...)
    }
    ```
    `gpu.launch_func` becomes a call of `convoy_rt_launch_kernel` with the kernel's number,
    its position in the `gpu.module`; with the attributes of `cnn-emulate-gpu`, with the
    entry of the function that emulates it, and the layer's number.

    `@main` becomes `@convoy_model_invoke`. After launch `i` it calls
    `convoy_rt_layer_done(rt, i)`. See docs/architecture.md.

    Pre: no scf, affine or linalg is left.
    Post: only the LLVM dialect, and a `gpu.module` that is not emulated as it was.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def CnnApproximateMath : Pass<"cnn-approximate-math"> {
  let summary = "Expand elementary functions into arithmetic";
  let description = [{
    `math.exp`, `log`, `tanh`, `erf`, `powf`, ... on f32 scalars and vectors become
    argument reduction and a polynomial, so that kernels stay vectorised and the
    artefact needs no libm.

    Numerics: errors of a few units in the last place; see MathApproximation.cpp.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def CnnLinkDevices : Pass<"cnn-link-devices", "::mlir::ModuleOp"> {
  let summary = "Put the programs of all devices into one module";
  let description = [{
    Moves the functions of the modules `@device_K` into the module around them:
    `@main` becomes `@main_K`, and kernels that differ in their name only are kept
    once. Weights follow one another, each device's from a page border on. What
    the runtime needs to know of each device goes into `cnn.devices`:

    ```mlir
    module attributes {cnn.devices = [{arena_size = 1024 : i64, layers = ["conv1"],
        scratch_size = 0 : i64, weights_offset = 0 : i64, weights_size = 64 : i64}, ...],
        cnn.weights = [...], cnn.weights_size = 4160 : i64} {
      func.func @main_0(...)
      func.func @main_1(...)
    ```

    Pre: kernels are generated. A module without devices stays as it is.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect"];
}

#endif // CONVOY_CODEGEN_PASSES_TD
