//===- Passes.td - Passes of the schedule phase ------------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TRANSFORMS_SCHEDULE_PASSES_TD
#define CONVOY_TRANSFORMS_SCHEDULE_PASSES_TD

include "mlir/Pass/PassBase.td"

include "convoy/Transforms/Schedule/IntegerPasses.td"

def CnnFuseEpilogue : Pass<"cnn-fuse-epilogue", "::mlir::func::FuncOp"> {
  let summary = "Move bias, residual addition and activation into their producer";
  let description = [{
    A convolution can compute `activation(conv + bias + residual)` while its results are
    still in registers. So these operations cost nothing if they are fused into the
    convolution before them.

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

    A bias is a constant that differs along channels only, and is added to or subtracted
    from the result of a convolution or dense layer. A residual is any tensor of the
    result's shape that is added to the result of a `cnn.conv` or `cnn.group_conv`. If the
    results of two convolutions are added, the later one gets the other's result as its
    residual. An activation is any f32 `cnn.unary`; it can also be fused into a `cnn.binary`
    or `cnn.scale_shift`.

    Pre: the producer's result has one use. A residual is defined before the producer, or
    the producer can move down past its definition.
    Post: kernels round conv + bias first, then add the residual, then apply the activation.
    Numerics: bit-exact except for the place of the bias in the sum.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect"];
}

def CnnAssignLayout : Pass<"cnn-assign-layout", "::mlir::func::FuncOp"> {
  let summary = "Give data the blocked layout NCHWc where kernels want it";
  let description = [{
    Works on f32 data with two or three spatial dimensions. A block has as many channels as the target
    has vector lanes. One walk in program order decides for each operation:

    | operation | becomes blocked |
    |---|---|
    | `conv` with a constant filter | always; it may read plain data if that has few channels |
    | `group_conv` with a constant filter | if it is depthwise, or groups are whole blocks, or blocks whole groups |
    | `conv_transpose` with a constant filter | if it has one group |
    | pools, `unary` | if its input is |
    | `lrn` | if its input is, and the channels fill all blocks |
    | `scale_shift` | if its input is, and its parameters are constants |
    | `binary` | if its largest operand is; constants get the new layout |
    | `concat` | if half of the data is or more; along channels, only if each input but the last fills its blocks |
    | `resize`, `reduce` with `keep_dims` | if its input is, and only spatial dimensions change |
    | `tensor.extract_slice` | if its input is, and channels are cut between blocks |
    | `tensor.pad` | if its input is, and only spatial dimensions grow |
    | `all_gather` | along rows or columns; along channels, if devices hold whole blocks |
    | `halo_exchange` | along rows or columns |
    | `all_reduce` | if the channels fill all blocks |

    Communication depends on facts that are the same for every device, so that all devices
    exchange the same layout.

    All other operations read and make plain data. A `cnn.reorder` is made only where
    blocked and plain data meet, at most one in each direction for a value. Data with one
    point per channel is reshaped instead, if the channels fill all blocks.

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
    scratch memory (see `#cnn.schedule`). All later passes and the kernels read the
    schedule; none of them decides again.

    Before:
    ```mlir
    %0 = cnn.conv %x, %w {...} : (tensor<1x4x56x56x16xf32>, tensor<64x64x3x3xf32>) -> ...
    ```
    After:
    ```mlir
    %0 = cnn.conv %x, %w {schedule = #cnn.schedule<winograd_4x4, tile = 14x2x16, strip = 28,
        filter = <winograd, 1x2x36x64x32xf32>, scratch = 702720>, ...}
    ```

    Of the algorithms that can compute a convolution, the pass takes the one that the cost
    model finds cheapest on the target: direct code, or Winograd's minimal filtering
    F(2x2,3x3), F(4x4,3x3) or F(2x2,5x5) (Lavin and Gray 2016). These work on blocked data
    with strides and dilations of 1, and need fewer products per output pixel and pair of
    channels than direct code: 4 instead of 9, 2.25 instead of 9, and 9 instead of 25. If
    F(4x4,3x3) is cheapest but its transformed filters would take 16 MiB or more, the pass
    takes `winograd_4x4_compact`, which stores filters as they are and transforms them in
    the kernel, provided the model finds it at most 1.3 times as expensive.

    `tuning` names a file of measured times, which `convoy compile --tune` writes. A
    convolution for which the file has times gets the fastest schedule.

    Pre: layouts are assigned. An operation that has a `schedule` already keeps it; if the
    operation or the target does not allow that schedule, it is an error.
    Numerics: Winograd's algorithms round in another order than direct code; the largest
    error of F(4x4,3x3) is below 1e-5 of the largest output. A NaN or an infinity spreads
    over the output tiles that read it. The schedule also has the type of packed filters, to
    which `cnn-pack-weights` rounds.
  }];
  let options = [Option<"algorithm", "algorithm", "std::string", /*default=*/"",
      "Use this algorithm wherever it is possible, instead of the cheapest: direct (any "
      "but Winograd's), winograd_2x2, winograd_4x4 or winograd_4x4_compact">,
    Option<"weights", "weights", "std::string", /*default=*/"\"f32\"",
      "How filters are stored: f32, f16 or bf16">,
    Option<"tuning", "tuning", "std::string", /*default=*/"",
      "File of measured times that decide instead of the cost model">];
  let dependentDialects = ["::convoy::cnn::CnnDialect"];
}

def CnnPackWeights : Pass<"cnn-pack-weights", "::mlir::func::FuncOp"> {
  let summary = "Lay constant filters out as the kernels read them";
  let description = [{
    Each filter gets the layout that `filter` in the layer's `schedule` names: the order of
    dimensions (see `#cnn.filter_layout`), the shape and the element type. Lanes past the
    last output channel are zeros. Biases are padded to whole tiles. The attribute
    `filter_shape` keeps the logical shape.

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

    Constant weights of a `cnn.recurrence` are cut into blocks of hidden units, which its
    register tiles compute. Computed ones stay as they are.

    Pre: every convolution and dense layer has a schedule; filters are constants.
    Post: the filter and the bias of every convolution and dense layer are packed.
    Numerics: bit-exact for layouts of f32. For f16 or bf16, filters are rounded to 11 or 8
    significant bits, after Winograd's transform if there is one; kernels compute in f32.
    Biases stay f32. A weight that is too large for f16 is an error.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect"];
}

def CnnTurnColumns : Pass<"cnn-turn-columns", "::mlir::func::FuncOp"> {
  let summary = "Compute convolutions along a single column as convolutions along a row";
  let description = [{
    Kernels cut tiles of pixels out of rows. On maps of width 1, as networks for sound and text
    have them, a tile would have one pixel. A map of one column has the same elements in the
    same order as one of one row, in plain and in blocked layout, so the reshapes cost nothing;
    those between two such convolutions cancel each other.

    Before:
    ```mlir
    %1 = cnn.conv %0, %w {window = #cnn.window<[5, 1]>, ...}
        : (tensor<1x4x68x1x16xf32>, tensor<64x64x5x1xf32>) -> tensor<1x4x64x1x16xf32>
    ```
    After:
    ```mlir
    %1 = tensor.collapse_shape %0 ... into tensor<1x4x68x16xf32>
    %2 = tensor.expand_shape %1 ... into tensor<1x4x1x68x16xf32>
    %3 = cnn.conv %2, %t {window = #cnn.window<[1, 5]>, ...}
        : (tensor<1x4x1x68x16xf32>, tensor<64x64x1x5xf32>) -> tensor<1x4x1x64x16xf32>
    ...
    ```

    Pre: data has its layout; epilogues are fused. Only convolutions with constant filters and
    kernels that are higher than one row are changed.
    Numerics: bit-exact but for the order of sums, which follows the tiles.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect"];
}

def CnnFusePrologue : Pass<"cnn-fuse-prologue", "::mlir::func::FuncOp"> {
  let summary = "Normalise the input of a 1x1 convolution while it is read";
  let description = [{
    A batch norm after a concatenation or after the addition of a residual has no convolution
    before it to be folded into. If a direct 1x1 convolution is its only reader, the batch
    norm becomes the prologue of the convolution: the kernel writes
    `activation(x * scale + offset)` of some pixels into scratch memory, which stays in a
    cache, and computes all output channels of these pixels from there. Each input is
    normalised once, or twice if two threads share the pixels, and no copy of the whole
    tensor is written to memory.

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

    Nothing is fused if the map is small, or if the filters do not fit into half of the L2
    cache, since each run of pixels reads all of them. Works for CPUs only: kernels of a GPU
    copy their input into shared memory as it is.

    Pre: layers have schedules, filters are packed.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect"];
}

def CnnDecompose : Pass<"cnn-decompose", "::mlir::func::FuncOp"> {
  let summary = "Express operations without a kernel of their own in linalg";
  let description = [{
    Normalisations, reductions, log-softmax, pads, and the element-wise operations that were
    not fused into an epilogue become `linalg.generic` on tensors, which one generic kernel
    generator turns into loops. Broadcasts become indexing maps; a constant whose elements
    are equal becomes a scalar of the body.

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

def CnnLowerElementTypes : Pass<"cnn-lower-element-types", "::mlir::func::FuncOp"> {
  let summary = "Replace unsigned integers and small floats by signless integers";
  let description = [{
    Bodies of linalg operations know by now whether their integers are signed, and how the
    floats of at most 8 bits are encoded. So `ui32` becomes `i32`, and all types of at most
    8 bits but `i1` become `i8`. Kernels and buffers have types of arith only. The
    attributes `cnn.inputs` and `cnn.outputs` keep the types that users see.

    Before:
    ```mlir
    %1 = linalg.generic ... ins(%x, %y : tensor<8xui32>, tensor<8xui32>) ... {
    ^bb0(%a: ui32, %b: ui32, %out: ui32):
      %0 = builtin.unrealized_conversion_cast %a : ui32 to i32
      %1 = builtin.unrealized_conversion_cast %b : ui32 to i32
      %2 = arith.maxui %0, %1 : i32
      %3 = builtin.unrealized_conversion_cast %2 : i32 to ui32
      linalg.yield %3 : ui32
    }
    ```
    After:
    ```mlir
    %1 = linalg.generic ... ins(%x, %y : tensor<8xi32>, tensor<8xi32>) ... {
    ^bb0(%a: i32, %b: i32, %out: i32):
      %2 = arith.maxui %a, %b : i32
      linalg.yield %2 : i32
    }
    ```

    Pre: the operations of cnn that are left move elements, and do not compute with those of
    the types that are replaced.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect"];
}

def CnnFuseElementwise : Pass<"cnn-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "Join element-wise linalg operations that compute nothing twice";
  let description = [{
    Upstream's `linalg-fuse-elementwise-ops` also moves a producer into a reader that
    broadcasts it: the sigmoid of a squeeze-and-excite gate, one value per channel, would
    be computed for each pixel. This pass joins a producer with its only reader if the
    reader reads each element once, or if the producer computes nothing. A long chain is
    joined in pieces of at most 128 operations, so that the time of compilation grows with
    the length of the chain, not with its square.

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

def CnnSimplifyRounding : Pass<"cnn-simplify-rounding", "::mlir::func::FuncOp"> {
  let summary = "Keep rounded floats where they become integers and floats again";
  let description = [{
    In a quantised network, an element-wise operation rounds a number to an integer of 8 bits,
    and the next one makes it a float again. Once both are in one body, the float is already
    there: the rounded number, plus what was added to the integer. This pass finds it if limits
    before the rounding prove that no integer on the way wraps around. Integers that go through
    a narrower type on their way to a wider one skip it for the same reason.

    Before:
    ```mlir
    %1 = math.roundeven %limited : f32
    %2 = arith.fptosi %1 : f32 to i32
    %3 = arith.trunci %2 : i32 to i8
    %4 = arith.extui %3 : i8 to i32
    %5 = arith.sitofp %4 : i32 to f32
    ```
    After: `%5` is `%1`.

    Pre: element-wise operations are joined, and element types are lowered.
    Numerics: bit-exact. A zero stays positive: if the rounded number may be -0.0, 0.0 is added.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def CnnExtendEpilogue : Pass<"cnn-extend-epilogue", "::mlir::func::FuncOp"> {
  let summary = "Let a layer's kernel run the element-wise operation that reads its result";
  let description = [{
    An element-wise linalg operation that is the only reader of a convolution or dense layer
    becomes a region of the layer. The kernel runs it on each vector of the result before it
    stores it, so that the sums are never written to memory. A layer of integers ends in such an
    operation, which scales the sums, rounds them and makes them the integers of the next layer;
    if that adds a residual, the residual is an input of the region.

    If two layers could take an operation that reads both, the later one takes it.

    Before:
    ```mlir
    %1 = cnn.conv %x, %w {...} : (tensor<1x8x56x56x8xi16>, ...) -> tensor<1x8x56x56x8xi32>
    %2 = linalg.generic {...} ins(%1, %factors : ...) outs(...) {
    ^bb0(%sum: i32, %factor: f32, %out: i16):
      ...
      linalg.yield %r : i16
    } -> tensor<1x8x56x56x8xi16>
    ```
    After:
    ```mlir
    %2 = cnn.conv %x, %w epilogue(%factors) {epilogue_maps = [...], ...}
        : (tensor<1x8x56x56x8xi16>, ...) -> tensor<1x8x56x56x8xi16> {
    ^bb0(%sum: i32, %factor: f32):
      ...
      cnn.yield %r : i16
    }
    ```

    Pre: element-wise operations are joined. For CPUs only, and for layers whose kernels store
    vectors of channels: direct and channel-wise convolutions with a blocked result, and dense
    layers that do not cut their inputs into chunks and whose outputs fill all of their tiles.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect"];
}

def CnnNarrowFloats : Pass<"cnn-narrow-floats", "::mlir::func::FuncOp"> {
  let summary = "Keep data in floats of 16 bits between inputs and outputs";
  let description = [{
    For targets of precision `f16` (GPUs) and `bf16` (CPUs); for all others nothing changes.
    The narrow type is the precision. Kernels read it or f32, compute in f32, and round once,
    when they store. So the pass makes results of operations narrow, and adds no operation if
    a kernel can read and write both types. The bodies of linalg operations and the regions of
    epilogues get `arith.extf` and `arith.truncf`.

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

    These values stay f32:

    - inputs and outputs of the function, and constants that are no filters;
    - results of linalg reductions, and everything that is computed from these and constants
      alone, such as the statistics of norms;
    - with `f16`, results that may be beyond its range for usual operands: of `exp`, powers,
      squares, divisions by computed values, and of constants beyond that range (masks);
    - terms and results of `cnn.all_reduce`, which the host adds;
    - results of operations whose kernels store f32 alone, and with `bf16` those of
      `cnn.softmax`, whose kernel on a CPU reads what it has stored.

    The pass adds a conversion, as a `linalg.generic`, in three cases: an operation that moves
    data has operands of both types, a matrix product or a kernel that multiplies dots would
    read f32, or an operation reads f32 alone. `cnn.all_gather` and `cnn.halo_exchange` always
    move the narrow type, so that all devices agree.

    Pre: filters are packed in the narrow type, operations without a kernel are decomposed.
    Numerics: each stored value is rounded to 11 significant bits (f16) or 8 (bf16). In f16,
    values beyond 65504 become infinite, those below 6.1e-5 lose bits, and below 3e-8 they
    become 0.
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

    Kernels read contiguous buffers. So a slice is copied unless its elements are contiguous.
    Contiguous images are enough if all readers of the slice have the trait
    `TakesImageSlices` or are linalg. With a GPU, the slice must also begin at a multiple of
    16 bytes. Function arguments become read-only for bufferization.

    Post: every cnn operation has a `tensor.empty` as its destination; no two operations
    share a `tensor.empty` or a `linalg.fill`.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::convoy::cnn::CnnDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::bufferization::BufferizationDialect"];
}

def CnnFormLoops : Pass<"cnn-form-loops", "::mlir::func::FuncOp"> {
  let summary = "Make loops of cnn.loop_begin and cnn.loop_end";
  let description = [{
    What is computed between a `cnn.loop_begin` and its `cnn.loop_end` from a variable becomes
    the body of an `scf.while`. At the end of the body, the next values of the variables are
    written into the variables' own memory, after everything that reads them. Rows that the
    loop collects are written to their places by a `cnn.compute` that keeps the other rows.

    Before:
    ```mlir
    %v:3 = cnn.loop_begin %goes_on, %zero, %x : ...
    %more = ...
    %n = ...
    %y = cnn.unary <tanh> %v#2 outs(%e) : ...
    %r:3 = cnn.loop_end %v#0 next(%more, %n, %y) : ...
    ```
    After:
    ```mlir
    %r:3 = scf.while (%a = %goes_on, %b = %zero, %c = %x) : ... {
      %t = tensor.extract %a[] : tensor<i1>
      scf.condition(%t) %a, %b, %c : ...
    } do {
    ^bb0(%a: tensor<i1>, %b: tensor<i64>, %c: tensor<4xf32>):
      %more = ...
      %n = ...
      %y = cnn.unary <tanh> %c outs(%e) : ...
      %2 = bufferization.materialize_in_destination %more in %a : ...
      %3 = bufferization.materialize_in_destination %n in %b : ...
      %4 = bufferization.materialize_in_destination %y in %c : ...
      scf.yield %2, %3, %4 : ...
    }
    ```

    What does not depend on a variable stays before the loop. A loop in the body of another one
    is formed first.
    Pre: destination form. Post: no `cnn.loop_begin` and no `cnn.loop_end` is left.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
                           "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::math::MathDialect"];
}

def CnnSinkBranches : Pass<"cnn-sink-branches", "::mlir::func::FuncOp"> {
  let summary = "Compute only the branch that is taken";
  let description = [{
    A `cnn.choose` becomes an `scf.if`. What is computed for one of its operands alone moves
    into that branch. Those with the same condition share an `scf.if` if no operation
    between them reads a result.

    Before:
    ```mlir
    %a = cnn.dense %x, %w outs(%d) : ...
    %1 = cnn.choose %c, %a, %y outs(%e) : ...
    ```
    After:
    ```mlir
    %t = tensor.extract %c[] : tensor<i1>
    %1 = scf.if %t -> (tensor<1x10xf32>) {
      %a = cnn.dense %x, %w outs(%d) : ...
      %2 = bufferization.materialize_in_destination %a in %e : ...
      scf.yield %2 : tensor<1x10xf32>
    } else {
      %2 = bufferization.materialize_in_destination %y in %e : ...
      scf.yield %2 : tensor<1x10xf32>
    }
    ```

    Communication stays outside, because all devices have it in the same order.
    Pre: destination form. Post: no `cnn.choose` is left.
    Numerics: bit-exact.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
                           "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def CnnVerifyScheduled : Pass<"cnn-verify-scheduled", "::mlir::ModuleOp"> {
  let summary = "Check what may cross the border from schedule to bufferize";
  let description = [{
    The table of operations is in VerifyScheduled.cpp. Allowed are cnn operations with a
    kernel, in destination form, and linalg; and of upstream's other operations constants,
    functions, slices and reshapes. Convolutions and dense layers need a schedule, and their
    filter, bias and scratch memory must be as the schedule says.

    Before and after: the same IR.
    Numerics: bit-exact.
  }];
}

#endif // CONVOY_TRANSFORMS_SCHEDULE_PASSES_TD
