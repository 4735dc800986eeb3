//===- CnnOps.td - Operations of the cnn dialect -----------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_CNNOPS_TD
#define CONVOY_DIALECT_CNN_IR_CNNOPS_TD

include "convoy/Dialect/Cnn/IR/CnnCommunicationOps.td"
include "convoy/Dialect/Cnn/IR/CnnGpuOps.td"
include "convoy/Dialect/Cnn/IR/CnnOpBase.td"
include "convoy/Dialect/Cnn/IR/CnnSchedule.td"
include "mlir/IR/SymbolInterfaces.td"

defvar noActivation = "::convoy::cnn::FunctionAttr::get($_builder.getContext(), "
                      "::convoy::cnn::UnaryKind::identity)";
/// The activation of an epilogue: the identity unless `cnn-fuse-epilogue` sets it.
def Cnn_Activation : DefaultValuedAttr<Cnn_FunctionAttr, noActivation>;
/// The attributes of a convolution from `filter_shape` to `schedule` before it is scheduled.
defvar noSchedule = ", /*filter_shape=*/::mlir::DenseI64ArrayAttr(), /*output_block=*/0, "
                    "::convoy::cnn::ScheduleAttr()";

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

class Cnn_ConvBase<string mnemonic, list<Trait> traits = []>
    : Cnn_Op<mnemonic, !listconcat(traits, [
        AttrSizedOperandSegments,
        Cnn_TakesImageSlices,
        Cnn_ConvOpInterface])> {
  dag convOperands = (ins Cnn_Shaped:$input, Cnn_Shaped:$filter,
                         Optional<Cnn_Shaped>:$bias,
                         Optional<Cnn_Shaped>:$residual);
  dag convDestination = (ins Optional<Cnn_Shaped>:$init);
  dag convAttributes = (ins Cnn_WindowAttr:$window,
                           Cnn_Activation:$activation,
                           OptionalAttr<DenseI64ArrayAttr>:$filter_shape,
                           DefaultValuedAttr<I64Attr, "0">:$output_block,
                           OptionalAttr<Cnn_ScheduleAttr>:$schedule);
  let assemblyFormat = [{
    $input `,` $filter (`,` $bias^)? (`residual` `(` $residual^ `)`)?
    (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
}

def Cnn_ConvOp : Cnn_ConvBase<"conv", [Cnn_Partitionable]> {
  let summary = "convolution of one, two or three spatial dimensions";
  let description = [{
    `activation(conv(prologue(input), filter) + bias + residual)`, ONNX Conv with
    group 1. The prologue is `input_activation(input * input_scale + input_offset)`
    per input channel, or nothing; only a direct 1x1 convolution of blocked f32 data
    with strides of 1 and no pads has one, with parameters `C/c x c`.

    Shapes: input `N x C x spatial...`, filter `O x C x kernel...`, bias `O`,
    residual and result `N x O x out...` with
    `out = (in + pad_begin + pad_end - dilation * (kernel - 1) - 1) / stride + 1`.
    The `window` has the filter's kernel. `filter_shape` is the logical shape of a packed
    filter; `output_block` the lanes of a blocked result, 0 for a plain one. `schedule`
    says how it is computed; `cnn-select-algorithm` sets it unless it is given.

    ```mlir
    %1 = cnn.conv %x, %w, %b {window = #cnn.window<[3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>}
       : (tensor<1x3x224x224xf32>, tensor<64x3x3x3xf32>, tensor<64xf32>) -> tensor<1x64x112x112xf32>
    ```
  }];
  let arguments = !con(convOperands,
      (ins Optional<Cnn_Shaped>:$input_scale, Optional<Cnn_Shaped>:$input_offset),
      convDestination, convAttributes, (ins Cnn_Activation:$input_activation));
  let assemblyFormat = [{
    $input `,` $filter (`,` $bias^)? (`residual` `(` $residual^ `)`)?
    (`prologue` `(` $input_scale^ `,` $input_offset `)`)?
    (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = commonDeclarations # "int64_t getGroups() { return 1; }";
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Value":$filter, "::mlir::Value":$bias,
           "::convoy::cnn::WindowAttr":$window, CArg<"::mlir::Value", "{}">:$residual,
           CArg<"::convoy::cnn::FunctionAttr", "{}">:$activation),
      !strconcat("input, filter, bias, residual, /*input_scale=*/::mlir::Value(), "
                 "/*input_offset=*/::mlir::Value(), /*init=*/::mlir::Value(), window, "
                 "activation ? activation : ", noActivation, noSchedule, ", ", noActivation)>];
}

def Cnn_GroupConvOp : Cnn_ConvBase<"group_conv",
    [DeclareOpInterfaceMethods<Cnn_PartitionOpInterface, ["buildPart"]>]> {
  let summary = "convolution in two or more groups, depthwise included";
  let description = [{
    As `cnn.conv`, with the channels cut into `group` >= 2 equal parts that do
    not see each other: filter `O x C/group x kernel...`. Depthwise when `group`
    is the number of input channels.
  }];
  let arguments = !con(convOperands, convDestination, convAttributes, (ins I64Attr:$group));
  let extraClassDeclaration = commonDeclarations # "int64_t getGroups() { return getGroup(); }";
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Value":$filter, "::mlir::Value":$bias,
           "::convoy::cnn::WindowAttr":$window, "int64_t":$group),
      !strconcat("input, filter, bias, /*residual=*/::mlir::Value(), /*init=*/::mlir::Value(), "
                 "window, ", noActivation, noSchedule, ", group")>];
}

def Cnn_ConvTransposeOp : Cnn_ConvBase<"conv_transpose", [Cnn_Partitionable]> {
  let summary = "transposed convolution";
  let description = [{
    ONNX ConvTranspose: filter `C x O/group x kernel...`, result
    `(in - 1) * stride + dilation * (kernel - 1) + 1 - pad_begin - pad_end + output_padding`.
  }];
  let arguments = !con(convOperands, convDestination, convAttributes,
      (ins DefaultValuedAttr<I64Attr, "1">:$group, DenseI64ArrayAttr:$output_padding));
  let extraClassDeclaration = commonDeclarations # [{
    int64_t getGroups() { return getGroup(); }
    bool isTransposed() { return true; }
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Value":$filter, "::mlir::Value":$bias,
           "::convoy::cnn::WindowAttr":$window, "int64_t":$group,
           "::llvm::ArrayRef<int64_t>":$output_padding),
      !strconcat("input, filter, bias, /*residual=*/::mlir::Value(), /*init=*/::mlir::Value(), "
                 "window, ", noActivation, noSchedule, ", group, output_padding")>];
}

//===----------------------------------------------------------------------===//
// Normalisation
//===----------------------------------------------------------------------===//

def Cnn_BatchNormOp : Cnn_Op<"batch_norm", [Cnn_Partitionable]> {
  let summary = "batch normalisation, with its mode";
  let description = [{
    Ioffe and Szegedy 2015. In `inference` mode
    `(input - mean) * scale / sqrt(variance + epsilon) + offset`, per channel
    (dimension 1; parameters are `C`). `training` mode uses the batch's own
    statistics; Convoy compiles inference only and refuses it.
  }];
  let arguments = (ins Cnn_Shaped:$input, Cnn_Shaped:$scale, Cnn_Shaped:$offset,
                       Cnn_Shaped:$mean, Cnn_Shaped:$variance, Optional<Cnn_Shaped>:$init,
                       F32Attr:$epsilon, Cnn_BatchNormModeAttr:$mode);
  let assemblyFormat = [{
    $input `,` $scale `,` $offset `,` $mean `,` $variance (`outs` `(` $init^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Value":$scale, "::mlir::Value":$offset,
           "::mlir::Value":$mean, "::mlir::Value":$variance, "float":$epsilon,
           "::convoy::cnn::BatchNormMode":$mode),
      "input, scale, offset, mean, variance, ::mlir::Value(), ::llvm::APFloat(epsilon), mode">];
}

def Cnn_ScaleShiftOp : Cnn_Op<"scale_shift", [Cnn_Partitionable]> {
  let summary = "one multiply-add per channel";
  let description = [{
    `activation(input * scale + offset)` per channel (dimension 1; parameters
    are `C`, or `C/c x c` when `blocked`): what is left of a batch norm that has
    no convolution to fold into.
  }];
  let arguments = (ins Cnn_Shaped:$input, Cnn_Shaped:$scale, Cnn_Shaped:$offset,
                       Optional<Cnn_Shaped>:$init, Cnn_Activation:$activation,
                       UnitAttr:$blocked);
  let assemblyFormat = [{
    $input `,` $scale `,` $offset (`outs` `(` $init^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Value":$scale, "::mlir::Value":$offset),
      !strconcat("input, scale, offset, ::mlir::Value(), ", noActivation, ", /*blocked=*/false")>];
}

def Cnn_LayerNormOp : Cnn_Op<"layer_norm", [AttrSizedOperandSegments, Cnn_Partitionable]> {
  let summary = "layer normalisation over the dimensions from `axis` on";
  let description = [{
    ONNX LayerNormalization's first result; `scale` and `bias` broadcast to the
    normalised dimensions.
  }];
  let arguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$scale,
                       Optional<Cnn_Shaped>:$bias, Optional<Cnn_Shaped>:$init,
                       I64Attr:$axis, F32Attr:$epsilon);
  let assemblyFormat = [{
    $input (`scale` `(` $scale^ `)`)? (`bias` `(` $bias^ `)`)? (`outs` `(` $init^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Value":$scale, "::mlir::Value":$bias,
           "int64_t":$axis, "float":$epsilon),
      "input, scale, bias, ::mlir::Value(), axis, ::llvm::APFloat(epsilon)">];
}

def Cnn_InstanceNormOp : Cnn_Op<"instance_norm", [Cnn_Partitionable]> {
  let summary = "normalisation over the spatial dimensions of each channel";
  let description = [{ ONNX InstanceNormalization: `scale` and `bias` are `C`. }];
  let arguments = (ins Cnn_Shaped:$input, Cnn_Shaped:$scale, Cnn_Shaped:$bias,
                       Optional<Cnn_Shaped>:$init, F32Attr:$epsilon);
  let assemblyFormat = [{
    $input `,` $scale `,` $bias (`outs` `(` $init^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Value":$scale, "::mlir::Value":$bias,
           "float":$epsilon),
      "input, scale, bias, ::mlir::Value(), ::llvm::APFloat(epsilon)">];
}

def Cnn_GroupNormOp : Cnn_Op<"group_norm", [Cnn_Partitionable]> {
  let summary = "normalisation over groups of channels";
  let description = [{
    ONNX GroupNormalization 21: `scale` and `bias` are `C` (the importer expands
    the per-group parameters of opset 18).
  }];
  let arguments = (ins Cnn_Shaped:$input, Cnn_Shaped:$scale, Cnn_Shaped:$bias,
                       Optional<Cnn_Shaped>:$init, I64Attr:$num_groups, F32Attr:$epsilon);
  let assemblyFormat = [{
    $input `,` $scale `,` $bias (`outs` `(` $init^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Value":$scale, "::mlir::Value":$bias,
           "int64_t":$groups, "float":$epsilon),
      "input, scale, bias, ::mlir::Value(), groups, ::llvm::APFloat(epsilon)">];
}

def Cnn_LrnOp : Cnn_Op<"lrn", [Cnn_Partitionable, Cnn_TakesImageSlices]> {
  let summary = "local response normalisation across channels";
  let description = [{
    Krizhevsky et al. 2012, as ONNX LRN:
    `input / (bias + alpha / size * sum of squares over `size` channels) ^ beta`,
    the window being `[c - (size - 1) / 2, c + size / 2]`.
  }];
  let arguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init, I64Attr:$size,
                       F32Attr:$alpha, F32Attr:$beta, F32Attr:$bias, UnitAttr:$blocked);
  let assemblyFormat = [{
    $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "int64_t":$size, "float":$alpha, "float":$beta,
           "float":$bias),
      "input, ::mlir::Value(), size, ::llvm::APFloat(alpha), ::llvm::APFloat(beta), "
      "::llvm::APFloat(bias)">];
}

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

class Cnn_PoolBase<string mnemonic>
    : Cnn_Op<mnemonic, [Cnn_Partitionable, Cnn_TakesImageSlices, Cnn_WindowOpInterface]> {
  dag poolArguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init,
                         Cnn_WindowAttr:$window, UnitAttr:$ceil_mode);
  let assemblyFormat = [{
    $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
}

def Cnn_MaxPoolOp : Cnn_PoolBase<"max_pool"> {
  let summary = "largest value of a sliding window";
  let description = [{
    ONNX MaxPool's first result, on plain or blocked data. Padding never wins.
  }];
  let arguments = poolArguments;
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::convoy::cnn::WindowAttr":$window, "bool":$ceil_mode),
      "input, ::mlir::Value(), window, ceil_mode">];
}

def Cnn_AvgPoolOp : Cnn_PoolBase<"avg_pool"> {
  let summary = "mean of a sliding window";
  let description = [{
    ONNX AveragePool, on plain or blocked data. `count_include_pad` divides by
    the whole window as far as the padded input reaches, otherwise by the
    elements that are really there.
  }];
  let arguments = !con(poolArguments, (ins UnitAttr:$count_include_pad));
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::convoy::cnn::WindowAttr":$window, "bool":$ceil_mode,
           "bool":$count_include_pad),
      "input, ::mlir::Value(), window, ceil_mode, count_include_pad">];
}

def Cnn_GlobalPoolOp : Cnn_Op<"global_pool", [Cnn_Partitionable, Cnn_TakesImageSlices]> {
  let summary = "mean or largest value over all spatial dimensions";
  let description = [{ The result keeps its rank, with spatial dimensions of 1. }];
  let arguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init,
                       Cnn_PoolKindAttr:$kind, UnitAttr:$blocked);
  let assemblyFormat = [{
    $kind $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::convoy::cnn::PoolKind":$kind),
      "input, ::mlir::Value(), kind">];
}

//===----------------------------------------------------------------------===//
// Dense layers
//===----------------------------------------------------------------------===//

def Cnn_DenseOp : Cnn_Op<"dense", [AttrSizedOperandSegments, Cnn_Partitionable,
                                   Cnn_ScheduledOpInterface]> {
  let summary = "fully connected layer";
  let description = [{
    `activation(input * transpose(filter) + bias)`: input `M x K`, filter
    `N x K`, bias `N`, result `M x N`. `filter_shape` is the logical shape of a
    packed filter, `schedule` says how the layer is computed.
  }];
  let arguments = (ins Cnn_Shaped:$input, Cnn_Shaped:$filter, Optional<Cnn_Shaped>:$bias,
                       Optional<Cnn_Shaped>:$init, Cnn_Activation:$activation,
                       OptionalAttr<DenseI64ArrayAttr>:$filter_shape,
                       OptionalAttr<Cnn_ScheduleAttr>:$schedule);
  let assemblyFormat = [{
    $input `,` $filter (`,` $bias^)? (`outs` `(` $init^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = commonDeclarations # [{
    /// `N x K`, packed or not.
    ::llvm::SmallVector<int64_t> getLogicalFilterShape() {
      if (auto shape = getFilterShape())
        return ::llvm::SmallVector<int64_t>(*shape);
      return ::llvm::to_vector(
          ::mlir::cast<::mlir::ShapedType>(getFilter().getType()).getShape());
    }
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Value":$filter, "::mlir::Value":$bias),
      !strconcat("input, filter, bias, ::mlir::Value(), ", noActivation,
                 ", ::mlir::DenseI64ArrayAttr(), ::convoy::cnn::ScheduleAttr()")>];
}

def Cnn_MatmulOp : Cnn_Op<"matmul", [Cnn_Partitionable]> {
  let summary = "matrix product of two computed tensors";
  let description = [{
    `lhs: B... x M x K`, `rhs: B... x K x N`, both of rank 2 or more with batch
    dimensions that broadcast (the importer resolves ONNX's rank-1 forms).
  }];
  let arguments = (ins Cnn_Shaped:$lhs, Cnn_Shaped:$rhs, Optional<Cnn_Shaped>:$init);
  let assemblyFormat = [{
    $lhs `,` $rhs (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$lhs, "::mlir::Value":$rhs),
      "lhs, rhs, ::mlir::Value()">];
}

//===----------------------------------------------------------------------===//
// Element-wise operations
//===----------------------------------------------------------------------===//

def Cnn_UnaryOp : Cnn_Op<"unary", [Cnn_Partitionable]> {
  let summary = "element-wise function of one operand";
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

def Cnn_BinaryOp : Cnn_Op<"binary", [Cnn_Partitionable]> {
  let summary = "element-wise function of two operands, with broadcasting";
  let description = [{
    `activation(kind(lhs, rhs))`; shapes broadcast as in NumPy. Comparisons and
    logical functions give `i1`; `prelu` is `lhs >= 0 ? lhs : lhs * rhs`.
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

def Cnn_SelectOp : Cnn_Op<"select", [Cnn_Partitionable]> {
  let summary = "element-wise choice (ONNX Where), with broadcasting";
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

def Cnn_CastOp : Cnn_Op<"cast", [Cnn_Partitionable]> {
  let summary = "element type conversion (ONNX Cast)";
  let arguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init, TypeAttr:$to);
  let assemblyFormat = [{
    $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Type":$to),
      "input, ::mlir::Value(), to">];
}

//===----------------------------------------------------------------------===//
// Reductions along axes
//===----------------------------------------------------------------------===//

def Cnn_ReduceOp : Cnn_Op<"reduce", [Cnn_Partitionable]> {
  let summary = "reduction over some dimensions";
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

class Cnn_SoftmaxBase<string mnemonic> : Cnn_Op<mnemonic, [Cnn_Partitionable]> {
  let arguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init, I64Attr:$axis);
  let assemblyFormat = [{
    $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "int64_t":$axis),
      "input, ::mlir::Value(), axis">];
}

def Cnn_SoftmaxOp : Cnn_SoftmaxBase<"softmax"> {
  let summary = "softmax along one dimension";
}

def Cnn_LogSoftmaxOp : Cnn_SoftmaxBase<"log_softmax"> {
  let summary = "logarithm of the softmax along one dimension";
}

//===----------------------------------------------------------------------===//
// Shape and data movement
//===----------------------------------------------------------------------===//

def Cnn_ConcatOp : Cnn_Op<"concat", [AttrSizedOperandSegments, Cnn_Partitionable]> {
  let summary = "concatenation along one dimension";
  let arguments = (ins Variadic<Cnn_Shaped>:$inputs, Optional<Cnn_Shaped>:$init, I64Attr:$axis);
  let assemblyFormat = [{
    $inputs (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::ValueRange":$inputs, "int64_t":$axis),
      "inputs, ::mlir::Value(), axis">];
}

def Cnn_GatherOp : Cnn_Op<"gather", [Cnn_Partitionable]> {
  let summary = "slices picked by indices along one dimension";
  let description = [{ ONNX Gather; a negative index counts from the end. }];
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

def Cnn_BroadcastOp : Cnn_Op<"broadcast", [Cnn_Partitionable]> {
  let summary = "NumPy broadcast to a given shape (ONNX Expand)";
  let arguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init, DenseI64ArrayAttr:$shape);
  let assemblyFormat = [{
    $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::llvm::ArrayRef<int64_t>":$shape),
      "input, ::mlir::Value(), shape">];
}

def Cnn_ResizeOp : Cnn_Op<"resize", [Cnn_Partitionable, Cnn_TakesImageSlices]> {
  let summary = "nearest or linear interpolation to another size";
  let description = [{
    ONNX Resize. `shape` is the result's, `scales` the scale of each dimension
    that maps coordinates (not always the quotient of the sizes).
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

def Cnn_ReorderOp : Cnn_Op<"reorder", [Cnn_TakesImageSlices]> {
  let summary = "change between plain and blocked layout";
  let description = [{
    `block` > 0: plain `N x C x spatial...` to `N x ceil(C/block) x spatial... x
    block`, lanes past `C` set to zero. `block` = 0: the way back, to
    `channels` channels. Upstream's `linalg.pack` has no memref form.

    `shuffle` = G, on the way to blocks only, shuffles channels as it goes
    (Zhang et al. 2018): the input's channels are a G x C/G matrix by rows, the
    result's that matrix by columns.
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
// Code generation
//===----------------------------------------------------------------------===//

def Cnn_LaunchOp : Op<Cnn_Dialect, "launch", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "run a kernel's tasks";
  let description = [{
    Runs `kernel(begin, end, operands...)` for a partition of `[0, tasks)` into
    ranges, in parallel, and waits for all of them. See docs/architecture.md.

    ```mlir
    cnn.launch @conv tasks(112) (%x, %w, %y) : memref<...>, memref<...>, memref<...>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, I64Attr:$tasks,
                       Variadic<AnyStaticShapeMemRef>:$buffers);
  let assemblyFormat = [{
    $kernel `tasks` `(` $tasks `)` `(` $buffers `)` attr-dict `:` type($buffers)
  }];
}

#endif // CONVOY_DIALECT_CNN_IR_CNNOPS_TD
