//===- Passes.td - Passes of the schedule phase ------------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TRANSFORMS_SCHEDULE_PASSES_TD
#define CONVOY_TRANSFORMS_SCHEDULE_PASSES_TD

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

    A bias is a constant that differs along channels only, added to or
    subtracted from a convolution or dense layer. A residual is any tensor of
    the result's shape, added to a `cnn.conv` or `cnn.group_conv`; of two
    convolutions the later one adds the earlier one's result. An activation is
    any f32 `cnn.unary`; `cnn.binary` and `cnn.scale_shift` take one too.

    Pre: the producer's result has one use; a residual is defined before the
    producer, or the producer can move behind it.
    Post: order of rounding is conv + bias, then residual, then activation.
    Numerics: bit-exact up to the position of the bias in the sum.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect"];
}

def CnnAssignLayout : Pass<"cnn-assign-layout", "::mlir::func::FuncOp"> {
  let summary = "Give data the blocked layout NCHWc where kernels want it";
  let description = [{
    Works on f32 data with two spatial dimensions; the block is the target's
    vector width. One walk in program order:

    | operation | becomes blocked |
    |---|---|
    | `conv` with a constant filter | always; reads plain data of few channels as it is |
    | `group_conv` | depthwise; or no group and no block cross |
    | `conv_transpose` | with one group |
    | pools, `unary` | with its input |
    | `lrn` | with its input, where channels fill all blocks |
    | `scale_shift` | with its input, where parameters are constants |
    | `binary` | with its largest operand; constants are laid out anew |
    | `concat` | when half of the data is; along channels, where each input but the last fills all its blocks |
    | `resize`, `reduce` with `keep_dims` | with its input, where only spatial dimensions change |
    | `tensor.extract_slice` | with its input, where channels are cut between blocks |
    | `tensor.pad` | with its input, where only spatial dimensions grow |
    | `all_gather` | along rows or columns; along channels, where devices hold whole blocks; on every device alike |
    | `halo_exchange` | along rows or columns; on every device alike |
    | `all_reduce` | where channels fill all blocks; on every device alike |

    Everything else reads and makes plain data. `cnn.reorder` appears only where
    blocked and plain data meet, at most once each way for a value; data of one
    point per channel is reshaped instead where channels fill all blocks.

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
    Post: no value has two reorders in the same direction; arguments and results
    of functions are plain.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def CnnSelectAlgorithm : Pass<"cnn-select-algorithm", "::mlir::func::FuncOp"> {
  let summary = "Decide how each convolution and dense layer is computed";
  let description = [{
    Writes the `schedule` of each convolution and dense layer that has none: the
    algorithm, register tile, order of loops, layout of the packed filter and
    scratch memory (see `#cnn.schedule`). Everything behind reads it; nothing
    decides again.

    Before:
    ```mlir
    %0 = cnn.conv %x, %w {...} : (tensor<1x4x56x56x16xf32>, tensor<64x64x3x3xf32>) -> ...
    ```
    After:
    ```mlir
    %0 = cnn.conv %x, %w {schedule = #cnn.schedule<winograd_4x4, tile = 14x2x16, strip = 28,
        filter = <winograd, 1x2x36x64x32xf32>, scratch = 702720>, ...}
    ```

    Of the algorithms that a convolution allows, it takes the one that the cost model
    finds cheapest on the target: direct code, or Winograd's minimal filtering
    F(2x2,3x3), F(4x4,3x3) or F(2x2,5x5) (Lavin and Gray 2016), which computes an
    output tile from 4 to 9 products a pixel and channel pair fewer than direct
    code, on blocked data with strides and dilations of 1. Where F(4x4,3x3) is
    cheapest but its transformed filters would take 16 MiB or more,
    `winograd_4x4_compact`, which stores them as they are and transforms them
    in the kernel, is chosen if the model finds it at most 1.3 times as expensive.

    `tuning` names a file of measured times (`convoy compile --tune` writes it);
    a convolution that it has takes the fastest schedule.

    Pre: layouts are assigned. A `schedule` that is there stays; one that the
    operation or the target does not allow is an error.
    Numerics: Winograd rounds in another order; the largest error of F(4x4,3x3)
    is below 1e-5 of the largest output. A NaN or an infinity spreads over the
    output tiles that read it. The type of packed filters is decided here:
    `cnn-pack-weights` rounds to it.
  }];
  let options = [Option<"algorithm", "algorithm", "std::string", /*default=*/"",
      "Take this algorithm wherever an operation allows it, instead of the cheapest: direct (any "
      "but Winograd's), winograd_2x2, winograd_4x4 or winograd_4x4_compact">,
    Option<"weights", "weights", "std::string", /*default=*/"\"f32\"",
      "How filters are stored: f32, f16 or bf16">,
    Option<"tuning", "tuning", "std::string", /*default=*/"",
      "File of measured times to choose by">];
  let dependentDialects = ["::convoy::cnn::CnnDialect"];
}

def CnnPackWeights : Pass<"cnn-pack-weights", "::mlir::func::FuncOp"> {
  let summary = "Lay constant filters out as the kernels read them";
  let description = [{
    Filters become what the `filter` of the layer's `schedule` names: dimensions in
    the order of its kind, its shape and its element type, with zeros in lanes past
    the last output channel. Biases are padded to whole tiles. `filter_shape` keeps
    the logical shape. The kinds of layouts are described at `#cnn.filter_layout`.

    Before:
    ```mlir
    %0 = cnn.dense %x, %w {schedule = #cnn.schedule<dense, tile = 1x2x2, filter = <dense, 1x2x4xf32>>}
        : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
    ```
    After:
    ```mlir
    %0 = cnn.dense %x, %p {schedule = #cnn.schedule<dense, ...>, filter_shape = array<i64: 3, 2>}
        : (tensor<1x2xf32>, tensor<1x2x4xf32>) -> tensor<1x3xf32>
    ```

    Winograd's filters are transformed in f64, unless they are compact.

    Pre: every convolution and dense layer has a schedule; filters are constants.
    Post: every convolution and dense layer is packed.
    Numerics: bit-exact for layouts of f32. For f16 or bf16, filters are rounded, in
    this layout, to 11 or 8 significant bits; kernels compute in f32. Biases stay
    f32. A weight that is too large for f16 is an error.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect"];
}

def CnnFusePrologue : Pass<"cnn-fuse-prologue", "::mlir::func::FuncOp"> {
  let summary = "Normalise the input of a 1x1 convolution while it is read";
  let description = [{
    A batch norm behind a concatenation or a residual has no convolution before it
    to fold into. Where a direct 1x1 convolution is its only reader, a task of that
    writes `activation(x * scale + offset)` of some pixels into scratch memory, in a
    cache, and computes all output channels from there. Each input is normalised once,
    or twice where two threads share these pixels, and no copy goes through memory.

    Before:
    ```mlir
    %1 = cnn.scale_shift %0, %s, %t {activation = #cnn.function<relu>, blocked}
        : (tensor<1x4x8x8x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>) -> ...
    %2 = cnn.conv %1, %w {schedule = #cnn.schedule<direct, ...>, ...}
    ```
    After:
    ```mlir
    %2 = cnn.conv %0, %w prologue(%s, %t) {
        schedule = #cnn.schedule<direct, span = plane, order = pixels, scratch = ..., ...>,
        input_activation = #cnn.function<relu>, ...}
    ```

    Not where the map is small, or where filters do not fit half of the L2 cache: each
    run of pixels reads all of them. For CPUs only: kernels of a GPU copy their input
    into shared memory as it is.

    Pre: layers have schedules, filters are packed.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect"];
}

def CnnDecompose : Pass<"cnn-decompose", "::mlir::func::FuncOp"> {
  let summary = "Express operations without a kernel of their own in linalg";
  let description = [{
    Normalisations, reductions, log-softmax, pads and element-wise operations that
    no epilogue took become `linalg.generic` on tensors, which one generic kernel
    generator turns into loops. Broadcasts are indexing maps; a constant of equal
    elements becomes a scalar of the body.

    Before:
    ```mlir
    %1 = cnn.binary <mul> %x, %s {activation = #cnn.function<relu>}
        : (tensor<1x8x4x4xf32>, tensor<1x8x1x1xf32>) -> tensor<1x8x4x4xf32>
    ```
    After:
    ```mlir
    %0 = tensor.empty() : tensor<1x8x4x4xf32>
    %1 = linalg.generic {indexing_maps = [(n, c, y, x) -> (n, c, y, x),
                                          (n, c, y, x) -> (n, c, 0, 0),
                                          (n, c, y, x) -> (n, c, y, x)], ...}
        ins(%x, %s) outs(%0) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %m = arith.mulf %a, %b : f32
      %negative = arith.cmpf olt, %m, %zero : f32
      %r = arith.select %negative, %zero, %m : f32
      linalg.yield %r : f32
    }
    ```

    Post: only operations with a kernel are left in the cnn dialect.
    Numerics: as the operations' definitions, in f32. Statistics of normalisations
    are taken in two passes, the mean first.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

def CnnFuseElementwise : Pass<"cnn-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "Join element-wise linalg operations that compute nothing twice";
  let description = [{
    Upstream's `linalg-fuse-elementwise-ops` also moves a producer into a reader
    that broadcasts it: the sigmoid of a squeeze-and-excite gate, one value a
    channel, would be computed for each pixel. Here a producer joins its only
    reader where that reads each element once, or where it computes nothing.

    Before:
    ```mlir
    %1 = linalg.generic ... ins(%x) { exp }
    %2 = linalg.generic ... ins(%1, %y) { add }
    ```
    After:
    ```mlir
    %2 = linalg.generic ... ins(%x, %y) { exp; add }
    ```
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def CnnNarrowToF16 : Pass<"cnn-narrow-to-f16", "::mlir::func::FuncOp"> {
  let summary = "Keep data of an f16 GPU in f16 between inputs and outputs";
  let description = [{
    For a target with a GPU of precision `f16`; nothing changes for others. Kernels
    read f16 or f32, compute in f32, and round once, when they store: so results of
    operations become f16, and no operation is added where a kernel can read and
    write both. linalg's bodies get `arith.extf` and `arith.truncf`.

    Before:
    ```mlir
    %0 = cnn.conv %x, %w {...} : (tensor<1x3x8x8xf32>, tensor<1x1x1x3x3x3x32xf16>)
        -> tensor<1x2x8x8x16xf32>
    %1 = cnn.max_pool %0 {...} : (tensor<1x2x8x8x16xf32>) -> tensor<1x2x4x4x16xf32>
    %2 = cnn.reorder %1 {block = 0, channels = 32} -> tensor<1x32x4x4xf32>
    return %2
    ```
    After:
    ```mlir
    %0 = cnn.conv %x, %w {...} : (tensor<1x3x8x8xf32>, tensor<1x1x1x3x3x3x32xf16>)
        -> tensor<1x2x8x8x16xf16>
    %1 = cnn.max_pool %0 {...} : (tensor<1x2x8x8x16xf16>) -> tensor<1x2x4x4x16xf16>
    %2 = cnn.reorder %1 {block = 0, channels = 32} -> tensor<1x32x4x4xf32>
    return %2
    ```

    What stays f32:

    - inputs and outputs of the function, and constants but filters;
    - results of linalg's reductions and what is computed of them and constants alone:
      statistics of norms;
    - results that grow beyond f16 for usual operands: of `exp`, powers, squares,
      divisions by what is computed, and of constants that are not f16's (masks);
    - terms and results of `cnn.all_reduce`, which the host adds.

    A conversion, a `linalg.generic` of its own, is made where an operation moves data
    and its operands differ, and where a matrix product would read f32 blocks or rows.
    `cnn.all_gather` and `cnn.halo_exchange` always move f16, so that all devices agree.

    Pre: filters are packed in f16, operations without a kernel are decomposed.
    Numerics: each stored value is rounded to 11 significant bits. Values beyond 65504
    become infinite, those below 6.1e-5 lose bits, and below 3e-8 they become 0.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def CnnToDestinationStyle : Pass<"cnn-to-destination-style", "::mlir::func::FuncOp"> {
  let summary = "Give every operation a destination";
  let description = [{
    Before:
    ```mlir
    %0 = cnn.unary <relu> %x : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
    %1 = tensor.extract_slice %0[0, 0, 1, 0] [1, 8, 2, 4] [1, 1, 1, 1] : ...
    ```
    After:
    ```mlir
    %e = tensor.empty() : tensor<1x8x4x4xf32>
    %0 = cnn.unary <relu> %x outs(%e)
        : (tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
    %s = tensor.extract_slice %0[0, 0, 1, 0] [1, 8, 2, 4] [1, 1, 1, 1] : ...
    %f = tensor.empty() : tensor<1x8x2x4xf32>
    %1 = bufferization.materialize_in_destination %s in %f : ...
    ```

    Kernels read contiguous buffers, or contiguous images where all that read a slice have
    the trait `TakesImageSlices` or are linalg, so a slice is copied unless its elements lie
    side by side, with a GPU also unless they begin on 16 bytes. Function arguments become read-only for bufferization.

    Post: every cnn operation has `outs(tensor.empty)`; no two operations share a
    `tensor.empty` or a `linalg.fill`.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::bufferization::BufferizationDialect"];
}

def CnnVerifyScheduled : Pass<"cnn-verify-scheduled", "::mlir::ModuleOp"> {
  let summary = "Check what may cross the border from schedule to bufferize";
  let description = [{
    The table is in VerifyScheduled.cpp. Operations that have a kernel, in
    destination form, and linalg may pass; of upstream's, constants, functions,
    slices and reshapes. Convolutions and dense layers need a schedule, and a filter,
    a bias and scratch memory that are as it says.

    Before and after: the same IR.
    Numerics: bit-exact.
  }];
}

#endif // CONVOY_TRANSFORMS_SCHEDULE_PASSES_TD
