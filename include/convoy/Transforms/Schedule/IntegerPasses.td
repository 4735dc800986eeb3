//===- IntegerPasses.td - How integers are multiplied ------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The first passes of the schedule phase: they choose what multiplies layers of integers.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TRANSFORMS_SCHEDULE_INTEGERPASSES_TD
#define CONVOY_TRANSFORMS_SCHEDULE_INTEGERPASSES_TD

include "mlir/Pass/PassBase.td"

def CnnWidenGroups : Pass<"cnn-widen-groups", "::mlir::func::FuncOp"> {
  let summary = "Merge groups of a few channels where that is faster";
  let description = [{
    Kernels for dots and matrix tiles multiply vectors of channels. Groups of 2, 4 or 8 channels
    do not fill a vector, and would be computed in f32. If the target multiplies four integers
    at a time, or tiles of bf16, as many groups as fill a vector become one group, whose weights
    between channels of different groups are zeros. It makes up to eight times as many
    products, and is faster still.

    Before, with `cpu=icelake-server`:
    ```mlir
    %0 = cnn.group_conv %x, %w {group = 8 : i64, ...} : (tensor<1x32x8x8xi16>, tensor<32x4x3x3xi16>) -> tensor<1x32x6x6xi32>
    ```
    After:
    ```mlir
    %0 = cnn.group_conv %x, %v {group = 2 : i64, ...} : (tensor<1x32x8x8xi16>, tensor<32x16x3x3xi16>) -> tensor<1x32x6x6xi32>
    ```

    Pre: filters are constants; data is plain. Depthwise convolutions stay.
    Numerics: bit-exact for integers; for bf16 but for the order of sums.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def CnnLowerIntegers : Pass<"cnn-lower-integers", "::mlir::func::FuncOp"> {
  let summary = "Compute layers of integers in f32, without an error";
  let description = [{
    f32 represents all integers up to 2^24, so sums that stay below it are exact in f32, in any
    order. A convolution or dense layer of i16 becomes one of f32 that is marked as `exact`,
    between two conversions. If the magnitudes of an output channel's weights add up to
    2^24 / 255 or more, the layer is cut into several, each of which computes a part of the
    terms of each sum; the parts are added in i32.

    Before:
    ```mlir
    %0 = cnn.conv %x, %w {...} : (tensor<1x8x4x4xi16>, tensor<16x8x3x3xi16>) -> tensor<1x16x2x2xi32>
    ```
    After:
    ```mlir
    %0 = cnn.cast %x {to = f32} : (tensor<1x8x4x4xi16>) -> tensor<1x8x4x4xf32>
    %1 = cnn.conv %0, %w1 {exact, ...} : (tensor<1x8x4x4xf32>, tensor<16x8x3x3xf32>) -> tensor<1x16x2x2xf32>
    %2 = cnn.cast %1 {to = i32} : (tensor<1x16x2x2xf32>) -> tensor<1x16x2x2xi32>
    ```

    Pre: filters are constants, inputs are plain and at most 255 in magnitude.
    Post: no convolution or dense layer has integers.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // CONVOY_TRANSFORMS_SCHEDULE_INTEGERPASSES_TD
