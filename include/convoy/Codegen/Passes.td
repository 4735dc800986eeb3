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
    For each operation in memref form, asks the kernel families in turn which of them
    builds its kernel, and replaces the operation by a `cnn.launch` of the kernel. Equal
    operations share a kernel. See docs/architecture.md for the form of a kernel.

    Before:
    ```mlir
    cnn.softmax %x outs(%y) {axis = 1 : i64} : (memref<8x1000xf32>, memref<8x1000xf32>) -> ()
    ```
    After:
    ```mlir
    cnn.launch @softmax tasks(8) (%x, %y) : memref<8x1000xf32>, memref<8x1000xf32>
    ```

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
    For each operation in memref form, asks the GPU kernel families in turn which of them
    builds its kernels, and replaces the operation by launches of them. The kernels are in
    `gpu.module @kernels`; equal operations share them. Grids and blocks are constants.
    See docs/gpu.md for the form of a kernel.

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
    Numerics: with precision `f32`, kernels multiply and add in f32; sums are taken in
    another order than on the CPU. With `tf32`, the factors of convolutions and dense layers
    are rounded to 11 significant bits, with `f16` to 11 bits and the range of f16; both add
    in f32. If the target is specific to compute capability 9.0 (sm_90a), convolutions that
    fit are computed by warp groups.
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
    Runs upstream's patterns in one conversion. Upstream has two passes, for `gpu` and for
    `nvgpu`, which do not agree on 32-bit indices; these halve the cost of addresses.
    Buffers become bare pointers. Arguments with `llvm.byval`, which are tensor maps, become
    parameters by value. Operations that LLVM has no intrinsic for become inline PTX.

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
    Does nothing unless the target's GPU is the emulator. The body of each kernel moves into
    a function that does the work of one thread. Its first arguments are the thread and the
    shared memory of the block. That contains the workgroup buffers one after another, each
    aligned to 16 bytes, and then as many bytes as the launch's `dynamic_shared_memory_size`
    says. The function calls the runtime (lib/Runtime/Emulator/Emulator.h) wherever threads
    meet, access shared memory, or start copies and products there. The runtime runs the
    threads of a block in turn and finds races. Memory spaces are dropped.

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
    Post: the kernels in the `gpu.module` have no bodies. A launch has the attributes
    `cnn.emulated`, the name of the function, and `cnn.shared_bytes`, the size of the shared
    memory.
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
    Functions take buffers as bare pointers. A launch stores the pointers of its buffers in
    an array on the stack and calls `convoy_rt_parallel_for` with the entry of the kernel,
    a function made by this pass that unpacks the array:

    ```mlir
    llvm.func internal @conv_entry(%begin: i64, %end: i64, %args: !llvm.ptr) {
      %m0 = llvm.load %args[0] ...
      llvm.call @conv(%begin, %end, %m0, ...)
    }
    ```
    `gpu.launch_func` becomes a call of `convoy_rt_launch_kernel` with the number of the
    kernel, which is its position in the `gpu.module`. If the launch has the attributes of
    `cnn-emulate-gpu`, the call gets the entry of the function that emulates the kernel, and
    the number of the layer.

    `@main` becomes `@convoy_model_invoke`. After launch `i` it calls
    `convoy_rt_layer_done(rt, i)`. See docs/architecture.md.

    Pre: no scf, affine or linalg is left.
    Post: only the LLVM dialect is left, and an unchanged `gpu.module` unless it is emulated.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def CnnApproximateMath : Pass<"cnn-approximate-math"> {
  let summary = "Expand elementary functions into arithmetic";
  let description = [{
    `math.exp`, `log`, `tanh`, `erf`, `powf`, ... on scalars and vectors of f32 or f64 become
    an argument reduction and a polynomial, in `arith` and `math.fma`. So kernels stay
    vectorised, and the artefact needs no libm. The trigonometric functions of large
    arguments are behind a branch, because only they need many bits of pi. Conversions from
    and to bf16, and from f64 to f16, become integer arithmetic, because the artefact has no
    runtime library of the compiler.

    Numerics: errors of a few units in the last place; see MathApproximation.cpp.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def CnnLinkDevices : Pass<"cnn-link-devices", "::mlir::ModuleOp"> {
  let summary = "Put the programs of all devices into one module";
  let description = [{
    Moves the functions of the modules `@device_K` into the module around them:
    `@main` becomes `@main_K`, and of kernels that differ in their name only, one is kept.
    The weights of the devices follow one another, each beginning at a page border. The
    attribute `cnn.devices` gets the facts about each device that the runtime needs:

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
