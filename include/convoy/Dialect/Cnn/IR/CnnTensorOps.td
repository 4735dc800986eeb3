//===- CnnTensorOps.td - Operations on any tensor ----------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_CNNTENSOROPS_TD
#define CONVOY_DIALECT_CNN_IR_CNNTENSOROPS_TD

include "convoy/Dialect/Cnn/IR/CnnOpBase.td"

//===----------------------------------------------------------------------===//
// Element-wise operations
//===----------------------------------------------------------------------===//

def Cnn_UnaryOp : Cnn_Op<"unary",
    [Cnn_Partitionable, Cnn_Evaluable, Cnn_BlockedLayoutOpInterface, Cnn_NamesLayer,
     Cnn_ReceptiveFieldOpInterface, Cnn_TakesF64]> {
  let summary = "element-wise function of one operand";
  let description = [{
    Applies `function` to each element. The attribute includes the constants of the
    function. The result has the shape of the input.

    ```mlir
    %1 = cnn.unary <leaky_relu, alpha = 1.000000e-01 : f32> %x
       : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
    ```
  }];
  let arguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init,
                       Cnn_FunctionAttr:$function);
  let assemblyFormat = [{
    $function $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::convoy::cnn::FunctionAttr":$function),
      "input, ::mlir::Value(), function">];
}

def Cnn_BinaryOp : Cnn_Op<"binary",
    [Cnn_Partitionable, Cnn_Evaluable, Cnn_HasBlockedForm, Cnn_NamesLayer, Cnn_PerChannel,
     Cnn_EpilogueOpInterface, Cnn_ReceptiveFieldOpInterface, Cnn_TakesF64]> {
  let summary = "element-wise function of two operands, with broadcasting";
  let description = [{
    `activation(kind(lhs, rhs))` for each pair of elements; the shapes of `lhs` and `rhs`
    broadcast as in NumPy. Comparisons and logical functions give `i1`. `prelu` is
    `lhs >= 0 ? lhs : lhs * rhs`. The result of `mod` has the sign of `rhs`, that of `fmod`
    the sign of `lhs`. `min` and `max` of a NaN are NaN. Integers wrap around; an integer
    divided by zero is 0. A shift by a negative number, or by the width or more, leaves
    copies of the sign (`shift_right`) or 0.

    ```mlir
    %1 = cnn.binary <add> %0, %bias {activation = #cnn.function<relu>}
      : (tensor<1x64x56x56xf32>, tensor<64x1x1xf32>) -> tensor<1x64x56x56xf32>
    ```
  }];
  let arguments = (ins Cnn_Shaped:$lhs, Cnn_Shaped:$rhs, Optional<Cnn_Shaped>:$init,
                       Cnn_BinaryKindAttr:$kind, Cnn_Activation:$activation);
  let assemblyFormat = [{
    $kind $lhs `,` $rhs (`outs` `(` $init^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$lhs, "::mlir::Value":$rhs, "::convoy::cnn::BinaryKind":$kind),
      !strconcat("lhs, rhs, ::mlir::Value(), kind, ", noActivation)>];
}

def Cnn_SelectOp : Cnn_Op<"select",
    [Cnn_Partitionable, Cnn_Evaluable, Cnn_ReceptiveFieldOpInterface, Cnn_TakesF64]> {
  let summary = "element-wise choice (ONNX Where), with broadcasting";
  let description = [{
    `condition ? lhs : rhs` for each element, with an `i1` condition; the three shapes
    broadcast as in NumPy.

    ```mlir
    %1 = cnn.select %c, %a, %b
       : (tensor<4xi1>, tensor<2x4xf32>, tensor<f32>) -> tensor<2x4xf32>
    ```
  }];
  let arguments = (ins Cnn_Shaped:$condition, Cnn_Shaped:$lhs, Cnn_Shaped:$rhs,
                       Optional<Cnn_Shaped>:$init);
  let assemblyFormat = [{
    $condition `,` $lhs `,` $rhs (`outs` `(` $init^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$condition, "::mlir::Value":$lhs, "::mlir::Value":$rhs),
      "condition, lhs, rhs, ::mlir::Value()">];
}

def Cnn_ChooseOp : Cnn_Op<"choose", [Cnn_ReceptiveFieldOpInterface, Cnn_TakesF64]> {
  let summary = "the result of the branch that is taken (ONNX If)";
  let description = [{
    All of `lhs` if `condition`, an `i1` of rank 0, is true, and all of `rhs` otherwise. Both
    have the type of the result.

    ```mlir
    %1 = cnn.choose %c, %a, %b
       : (tensor<i1>, tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
    ```

    Nothing says yet that only one of them is computed, so that all passes see straight-line
    code. At the end of the schedule phase, `cnn-sink-branches` makes an `scf.if` of it, and
    moves into its branches what only they need. On GPUs both are computed, and `cnn-decompose`
    makes a selection of elements of it.
  }];
  let arguments = (ins Cnn_Shaped:$condition, Cnn_Shaped:$lhs, Cnn_Shaped:$rhs,
                       Optional<Cnn_Shaped>:$init);
  let assemblyFormat = [{
    $condition `,` $lhs `,` $rhs (`outs` `(` $init^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$condition, "::mlir::Value":$lhs, "::mlir::Value":$rhs),
      "condition, lhs, rhs, ::mlir::Value()">];
}

def Cnn_CastOp : Cnn_Op<"cast",
    [Cnn_Partitionable, Cnn_Evaluable, Cnn_BlockedLayoutOpInterface,
     Cnn_ReceptiveFieldOpInterface, Cnn_TakesF64]> {
  let summary = "element type conversion (ONNX Cast)";
  let description = [{
    Converts each element to the type `to`. A float becomes an integer by truncation; if it
    is out of range, an unspecified one, which is the same on every CPU. An integer wraps
    around to a narrower type. Any number but zero becomes true.

    A float becomes one of 8 or fewer bits by rounding to nearest. One that is too large
    becomes the largest finite number with `saturate`, and without it an infinity, or NaN if
    `to` has no infinity. `rounding` counts for `f8E8M0FNU` alone, which has only powers of
    two.

    ```mlir
    %1 = cnn.cast %x {to = i32} : (tensor<2x3xf32>) -> tensor<2x3xi32>
    ```
  }];
  let arguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init, TypeAttr:$to,
                       DefaultValuedAttr<BoolAttr, "true">:$saturate,
                       DefaultValuedAttr<Cnn_CastRoundingAttr,
                                         "::convoy::cnn::CastRounding::up">:$rounding);
  let assemblyFormat = [{
    $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let builders = [
    Cnn_ValueBuilder<(ins "::mlir::Value":$input, "::mlir::Type":$to),
                     "input, ::mlir::Value(), to">,
    Cnn_ValueBuilder<(ins "::mlir::Value":$input, "::mlir::Type":$to, "bool":$saturate,
                          "CastRounding":$rounding),
                     "input, ::mlir::Value(), to, saturate, rounding">];
}

def Cnn_BitcastOp : Cnn_Op<"bitcast",
    [Cnn_Partitionable, Cnn_Evaluable, Cnn_ReceptiveFieldOpInterface]> {
  let summary = "the bits of each element as another type (ONNX BitCast)";
  let description = [{
    The result has the shape of the input. Its element type `to` is as wide as that of the
    input; an `i1` counts as a byte that is 0 or 1.

    ```mlir
    %1 = cnn.bitcast %x {to = i32} : (tensor<2x3xf32>) -> tensor<2x3xi32>
    ```
  }];
  let arguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init, TypeAttr:$to);
  let assemblyFormat = [{
    $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Type":$to),
      "input, ::mlir::Value(), to">];
}

def Cnn_QuantizeOp : Cnn_Op<"quantize",
    [Cnn_Partitionable, Cnn_Evaluable, Cnn_HasBlockedForm, Cnn_ReceptiveFieldOpInterface]> {
  let summary = "numbers as integers with a scale and a zero point (ONNX QuantizeLinear)";
  let description = [{
    `round(input / scale) + zero_point` for each element of an f32 input, saturated to the
    element type of the zero point, an integer of 8 or 16 bits. A half is rounded to the even
    number; a NaN becomes the least number. Scale (f32) and zero point broadcast to the input,
    as in NumPy.

    ```mlir
    %1 = cnn.quantize %x, %scale, %zero
       : (tensor<1x8x4x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x8x4x4xui8>
    ```
  }];
  let extraClassDeclaration = [{
    /// The least and the largest integer of an element type.
    static std::pair<int64_t, int64_t> getRange(::mlir::Type element);
  }];
  let arguments = (ins Cnn_Shaped:$input, Cnn_Shaped:$scale, Cnn_Shaped:$zero_point,
                       Optional<Cnn_Shaped>:$init);
  let assemblyFormat = [{
    $input `,` $scale `,` $zero_point (`outs` `(` $init^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Value":$scale, "::mlir::Value":$zero_point),
      "input, scale, zero_point, ::mlir::Value()">];
}

def Cnn_DequantizeOp : Cnn_Op<"dequantize",
    [Cnn_Partitionable, Cnn_Evaluable, Cnn_HasBlockedForm, Cnn_ReceptiveFieldOpInterface]> {
  let summary = "the f32 numbers that integers stand for (ONNX DequantizeLinear)";
  let description = [{
    `(input - zero_point) * scale` for each element. The input is of integers of at most 32
    bits, the zero point of the same type, and the difference is taken in i32. Scale (f32) and
    zero point broadcast to the input, as in NumPy.

    ```mlir
    %1 = cnn.dequantize %x, %scale, %zero
       : (tensor<1x8x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x8x4x4xf32>
    ```
  }];
  let arguments = (ins Cnn_Shaped:$input, Cnn_Shaped:$scale, Cnn_Shaped:$zero_point,
                       Optional<Cnn_Shaped>:$init);
  let assemblyFormat = [{
    $input `,` $scale `,` $zero_point (`outs` `(` $init^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Value":$scale, "::mlir::Value":$zero_point),
      "input, scale, zero_point, ::mlir::Value()">];
}

//===----------------------------------------------------------------------===//
// Reductions along axes
//===----------------------------------------------------------------------===//

def Cnn_ReduceOp : Cnn_Op<"reduce",
    [Cnn_Partitionable, Cnn_Evaluable, Cnn_HasBlockedForm, Cnn_NamesLayer, Cnn_WidensField,
     Cnn_TakesF64]> {
  let summary = "reduction over some dimensions";
  let description = [{
    ONNX's reductions over the dimensions `axes`, numbered from 0. If `axes` is empty, each
    element is reduced alone. With `keep_dims` the reduced dimensions stay, with extent 1;
    otherwise the result lacks them.

    ```mlir
    %1 = cnn.reduce <mean> %x {axes = array<i64: 2, 3>, keep_dims}
       : (tensor<1x8x4x4xf32>) -> tensor<1x8x1x1xf32>
    ```
  }];
  let arguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init,
                       Cnn_ReduceKindAttr:$kind, DenseI64ArrayAttr:$axes, UnitAttr:$keep_dims);
  let assemblyFormat = [{
    $kind $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::convoy::cnn::ReduceKind":$kind,
           "::llvm::ArrayRef<int64_t>":$axes, "bool":$keep_dims),
      "input, ::mlir::Value(), kind, axes, keep_dims">];
}

class Cnn_SoftmaxBase<string mnemonic, list<Trait> traits = []>
    : Cnn_Op<mnemonic, !listconcat(traits, [Cnn_Partitionable, Cnn_WidensField])> {
  let arguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init, I64Attr:$axis);
  let assemblyFormat = [{
    $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "int64_t":$axis),
      "input, ::mlir::Value(), axis">];
}

def Cnn_SoftmaxOp : Cnn_SoftmaxBase<"softmax", [Cnn_HasKernel, Cnn_Narrows]> {
  let summary = "softmax along one dimension";
  let description = [{
    `exp(x - m) / sum(exp(x - m))`, where `m` is the largest element and the sum is taken
    along dimension `axis`.

    ```mlir
    %1 = cnn.softmax %x {axis = 1 : i64} : (tensor<1x1000xf32>) -> tensor<1x1000xf32>
    ```
  }];
}

def Cnn_LogSoftmaxOp : Cnn_SoftmaxBase<"log_softmax", [Cnn_TakesF64]> {
  let summary = "logarithm of the softmax along one dimension";
  let description = [{
    `(x - m) - log(sum(exp(x - m)))`, where `m` is the largest element and the sum is taken
    along dimension `axis`.

    ```mlir
    %1 = cnn.log_softmax %x {axis = 1 : i64} : (tensor<1x10xf32>) -> tensor<1x10xf32>
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Shape and data movement
//===----------------------------------------------------------------------===//

def Cnn_ConcatOp : Cnn_Op<"concat",
    [AttrSizedOperandSegments, Cnn_Partitionable, Cnn_HasKernel, Cnn_Evaluable,
     Cnn_HasBlockedForm, Cnn_Narrows, Cnn_ReceptiveFieldOpInterface, Cnn_TakesF64]> {
  let summary = "concatenation along one dimension";
  let description = [{
    Joins one or more tensors along dimension `axis`. They have the same element type, and
    the same extents in all other dimensions.

    ```mlir
    %1 = cnn.concat %a, %b {axis = 1 : i64}
       : (tensor<1x8x4x4xf32>, tensor<1x16x4x4xf32>) -> tensor<1x24x4x4xf32>
    ```
  }];
  let arguments = (ins Variadic<Cnn_Shaped>:$inputs, Optional<Cnn_Shaped>:$init, I64Attr:$axis);
  let assemblyFormat = [{
    $inputs (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::ValueRange":$inputs, "int64_t":$axis),
      "inputs, ::mlir::Value(), axis">];
}

def Cnn_GatherOp : Cnn_Op<"gather",
    [Cnn_Partitionable, Cnn_HasKernel, Cnn_Evaluable, Cnn_NarrowOpInterface, Cnn_TakesF64]> {
  let summary = "slices picked by indices along one dimension";
  let description = [{
    ONNX Gather: for each index, the slice of `input` at that index of dimension `axis`. In the
    shape of the result, the dimensions of `indices` replace dimension `axis`. A negative index
    counts from the end.

    ```mlir
    %1 = cnn.gather %table, %indices {axis = 0 : i64}
      : (tensor<1000x64xf32>, tensor<2x8xi64>) -> tensor<2x8x64xf32>
    ```
  }];
  let arguments = (ins Cnn_Shaped:$input, Cnn_Shaped:$indices, Optional<Cnn_Shaped>:$init,
                       I64Attr:$axis);
  let assemblyFormat = [{
    $input `,` $indices (`outs` `(` $init^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Value":$indices, "int64_t":$axis),
      "input, indices, ::mlir::Value(), axis">];
}

def Cnn_BroadcastOp : Cnn_Op<"broadcast",
    [Cnn_PartitionableBy<["adjustPart"]>, Cnn_Evaluable, Cnn_ReceptiveFieldOpInterface,
     Cnn_TakesF64]> {
  let summary = "NumPy broadcast to a given shape (ONNX Expand)";
  let description = [{
    Repeats the input along dimensions of extent 1 and along new leading dimensions. The
    shape of the result is the NumPy broadcast of the input's shape and `shape`.

    ```mlir
    %1 = cnn.broadcast %x {shape = array<i64: 2, 8, 4>}
       : (tensor<8x1xf32>) -> tensor<2x8x4xf32>
    ```
  }];
  let arguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init, DenseI64ArrayAttr:$shape);
  let assemblyFormat = [{
    $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::llvm::ArrayRef<int64_t>":$shape),
      "input, ::mlir::Value(), shape">];
}

def Cnn_ResizeOp : Cnn_Op<"resize",
    [Cnn_PartitionableBy<["adjustPart"]>, Cnn_TakesImageSlices, Cnn_HasKernel,
     Cnn_HasBlockedForm, Cnn_NarrowOpInterface, Cnn_WidensField]> {
  let summary = "nearest or linear interpolation to another size";
  let description = [{
    ONNX Resize. `shape` is the shape of the result. `scales` has one factor per dimension,
    which maps coordinates; it need not be the quotient of the extents. `coordinates` says how
    a coordinate of the result maps to one of the input, and `nearest` how that is rounded if
    the mode is `nearest`.

    ```mlir
    %1 = cnn.resize <nearest> %0 {coordinates = #cnn.coordinate_mode<asymmetric>,
        nearest = #cnn.nearest_mode<floor>, scales = array<f32: 1.0, 1.0, 2.0, 2.0>,
        shape = array<i64: 1, 64, 56, 56>}
      : (tensor<1x64x28x28xf32>) -> tensor<1x64x56x56xf32>
    ```
  }];
  let arguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init,
                       DenseI64ArrayAttr:$shape, DenseF32ArrayAttr:$scales,
                       Cnn_ResizeModeAttr:$mode, Cnn_CoordinateModeAttr:$coordinates,
                       Cnn_NearestModeAttr:$nearest);
  let assemblyFormat = [{
    $mode $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::llvm::ArrayRef<int64_t>":$shape,
           "::llvm::ArrayRef<float>":$scales, "::convoy::cnn::ResizeMode":$mode,
           "::convoy::cnn::CoordinateMode":$coordinates,
           "::convoy::cnn::NearestMode":$nearest),
      "input, ::mlir::Value(), shape, scales, mode, coordinates, nearest">];
}

def Cnn_ReorderOp : Cnn_Op<"reorder",
    [Cnn_TakesImageSlices, Cnn_HasKernel, Cnn_NarrowOpInterface]> {
  let summary = "change between plain and blocked layout";
  let description = [{
    With `block` > 0, plain data `N x C x spatial...` becomes blocked data
    `N x ceil(C/block) x spatial... x block`; lanes past `C` are set to zero. With `block` = 0,
    blocked data becomes plain data of `channels` channels. (Upstream's `linalg.pack` does not
    serve here because it has no memref form.)

    With `shuffle` = G > 1, plain data becomes blocked data with its channels shuffled (Zhang
    et al. 2018): the channels of the input, read as the rows of a `G x C/G` matrix one after
    another, are stored column by column.

    ```mlir
    %1 = cnn.reorder %0 {block = 16 : i64} : (tensor<1x64x56x56xf32>) -> tensor<1x4x56x56x16xf32>
    ```
  }];
  let arguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init, I64Attr:$block,
                       DefaultValuedAttr<I64Attr, "0">:$channels,
                       DefaultValuedAttr<I64Attr, "1">:$shuffle);
  let assemblyFormat = [{
    $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "int64_t":$block, CArg<"int64_t", "0">:$channels),
      "input, ::mlir::Value(), block, channels">];
}

//===----------------------------------------------------------------------===//
// Operations that bring their own code
//===----------------------------------------------------------------------===//

def Cnn_ComputeOp : Cnn_Op<"compute",
    [AttrSizedOperandSegments, IsolatedFromAbove, SingleBlock, NoTerminator, Cnn_HasKernel,
     Cnn_NamesLayer, Cnn_TakesF64]> {
  let summary = "an operation whose kernel is its body";
  let description = [{
    Runs the body once for each point of the space `0 .. points[0]-1` x `0 .. points[1]-1` x ...
    The body gets the coordinates of its point, the inputs as memrefs, and the result as a
    memref, even while the operation itself is on tensors. All points together must write each
    element of the result once or more, except those beyond a size that is known only at run
    time. Points run in any order and in parallel: none may write an element that another one
    reads or writes. A point may read what it has written itself. Loops of the body with the
    attribute `cnn.vectors` may run several iterations at a time.

    With `keeps`, which only the destination form has, elements that no point writes stay as
    they are in the destination.

    `kind` is a name for people and profiles. Operators that need no kernel tuned by hand are
    imported as this operation (see `ComputeBody.h`, which writes bodies): data movement by
    computed indices, scans, sampling, sorting.

    ```mlir
    %1 = cnn.compute "reverse" points [4] %x : (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%i: index, %in: memref<4xf32>, %out: memref<4xf32>):
      %c3 = arith.constant 3 : index
      %j = arith.subi %c3, %i : index
      %value = memref.load %in[%j] : memref<4xf32>
      memref.store %value, %out[%i] : memref<4xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$kind, DenseI64ArrayAttr:$points, Variadic<Cnn_Shaped>:$inputs,
                       Optional<Cnn_Shaped>:$init, UnitAttr:$keeps);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $kind `points` $points (`keeps` $keeps^)? $inputs (`outs` `(` $init^ `)`)? attr-dict
    `:` functional-type(operands, results) $body
  }];
  let extraClassDeclaration = [{
    /// The coordinates of the point, in the body.
    ::mlir::ValueRange getPoint() {
      return getBody().getArguments().take_front(getPoints().size());
    }
    /// The buffers in the body: those of the inputs, then that of the result.
    ::mlir::ValueRange getBuffers() {
      return getBody().getArguments().drop_front(getPoints().size());
    }
  }];
}

#endif // CONVOY_DIALECT_CNN_IR_CNNTENSOROPS_TD
