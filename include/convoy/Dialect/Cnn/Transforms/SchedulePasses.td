//===- SchedulePasses.td - Passes of schedule and bufferize -*- tablegen -*-==//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_TRANSFORMS_SCHEDULEPASSES_TD
#define CONVOY_DIALECT_CNN_TRANSFORMS_SCHEDULEPASSES_TD

include "mlir/Pass/PassBase.td"

def CnnFuseEpilogue : Pass<"cnn-fuse-epilogue", "::mlir::func::FuncOp"> {
  let summary = "Move bias, residual addition and activation into their producer";
  let description = [{
    A convolution computes `activation(conv + bias + residual)` while its tile
    is still in registers, so what follows it costs nothing.

    Before:
    ```mlir
    %0 = cnn.conv %x, %w {...}
    %1 = cnn.binary <add> %0, %bias : (tensor<1x8x4x4xf32>, tensor<1x8x1x1xf32>) -> ...
    %2 = cnn.binary <add> %1, %skip : (tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>) -> ...
    %3 = cnn.unary <relu> %2
    ```
    After:
    ```mlir
    %3 = cnn.conv %x, %w, %bias1d residual(%skip) {activation = #cnn.function<relu>, ...}
    ```

    Pre: the producer's result has one use; a residual is defined before the
    producer, or the producer can move behind it.
    Post: order of rounding is conv + bias, then residual, then activation.
    Numerics: bit-exact up to the position of the bias in the sum.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::tensor::TensorDialect"];
}

def CnnAssignLayout : Pass<"cnn-assign-layout", "::mlir::func::FuncOp"> {
  let summary = "Give data the blocked layout NCHWc where kernels want it";
  let description = [{
    Convolutions produce blocked results and read blocked inputs; pools,
    element-wise operations, LRN and concatenations follow their operands.
    `cnn.reorder` appears only where blocked and plain data meet. The block is
    the target's vector width.

    Before:
    ```mlir
    %0 = cnn.conv %x, %w {...} : (tensor<1x3x8x8xf32>, ...) -> tensor<1x32x8x8xf32>
    %1 = cnn.max_pool %0 {...} : (tensor<1x32x8x8xf32>) -> tensor<1x32x4x4xf32>
    return %1
    ```
    After:
    ```mlir
    %0 = cnn.conv %x, %w {output_block = 16, ...} -> tensor<1x2x8x8x16xf32>
    %1 = cnn.max_pool %0 {...} : (tensor<1x2x8x8x16xf32>) -> tensor<1x2x4x4x16xf32>
    %2 = cnn.reorder %1 {block = 0, channels = 32} -> tensor<1x32x4x4xf32>
    return %2
    ```
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect"];
}

def CnnPackWeights : Pass<"cnn-pack-weights", "::mlir::func::FuncOp"> {
  let summary = "Lay constant filters out as the kernels read them";
  let description = [{
    A filter `O x I x k...` becomes
    `[group][output tile][I][k...][output lanes of the tile]`, with zeros in the
    lanes past O, and a dense filter `N x K` becomes
    `[output tile][K][output lanes of the tile]`; biases are padded to whole
    blocks. `filter_shape` keeps the logical shape. The tile is
    `selectConvTile`'s choice for the target.

    Post: every convolution and dense layer with a constant filter is packed.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect"];
}

def CnnDecompose : Pass<"cnn-decompose", "::mlir::func::FuncOp"> {
  let summary = "Express operations without a kernel of their own in linalg";
  let description = [{
    Normalisations, softmax, reductions, resizing, gathering and element-wise
    operations that no epilogue took become `linalg.generic`, which one generic
    kernel generator turns into loops.

    Post: only operations with a kernel are left in the cnn dialect.
    Numerics: as the operations' definitions, in f32.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

def CnnToDestinationStyle : Pass<"cnn-to-destination-style", "::mlir::func::FuncOp"> {
  let summary = "Give every operation a destination";
  let description = [{
    Every cnn operation gets `outs(%init)` of `tensor.empty`, and a concatenation
    becomes `tensor.insert_slice` into one destination, so that bufferization can
    let producers write their slice in place.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::tensor::TensorDialect"];
}

def CnnPlanMemory : Pass<"cnn-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Place buffers in one arena by lifetime and constants in one section";
  let description = [{
    Each `memref.alloc` of `@main` becomes a `memref.view` of the first argument
    (the arena) at an offset that no buffer alive at the same time overlaps, and
    each constant a view of the second (the weights). Emits a remark with the
    size of the arena. Sets `cnn.arena_size`, `cnn.weights_size` and
    `cnn.weights` on the module.

    Pre: `@main` is straight-line, bufferized, with results as out-arguments.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

#endif // CONVOY_DIALECT_CNN_TRANSFORMS_SCHEDULEPASSES_TD
