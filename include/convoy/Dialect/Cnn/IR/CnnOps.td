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
include "convoy/Dialect/Cnn/IR/CnnHostOps.td"
include "convoy/Dialect/Cnn/IR/CnnLoopOps.td"
include "convoy/Dialect/Cnn/IR/CnnOpBase.td"
include "convoy/Dialect/Cnn/IR/CnnRecurrentOps.td"
include "convoy/Dialect/Cnn/IR/CnnSchedule.td"
include "convoy/Dialect/Cnn/IR/CnnTensorOps.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"

/// The operands, maps and region of an epilogue that `cnn-extend-epilogue` makes.
defvar epilogueInputs = (ins Variadic<Cnn_Shaped>:$epilogue_inputs);
defvar epilogueMaps = (ins OptionalAttr<AffineMapArrayAttr>:$epilogue_maps);
defvar epilogueRegion = (region AnyRegion:$epilogue);

/// Builder arguments for `filter_shape`, `output_block`, `schedule` and `exact` of a
/// convolution that is not scheduled yet.
defvar noSchedule = ", /*filter_shape=*/::mlir::DenseI64ArrayAttr(), /*output_block=*/0, "
                    "::convoy::cnn::ScheduleAttr(), /*exact=*/false";

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

class Cnn_ConvBase<string mnemonic, list<Trait> traits = []>
    : Cnn_Op<mnemonic, !listconcat(traits, [
        AttrSizedOperandSegments,
        Cnn_TakesImageSlices, Cnn_HasKernel, Cnn_HasMacs, Cnn_HasBlockedForm,
        Cnn_Narrows, Cnn_WidensField, Cnn_TakesBias,
        Cnn_ConvOpInterface])> {
  dag convOperands = (ins Cnn_Shaped:$input, Cnn_Shaped:$filter,
                         Optional<Cnn_Shaped>:$bias,
                         Optional<Cnn_Shaped>:$residual);
  dag convDestination = (ins Optional<Cnn_Shaped>:$init);
  dag convAttributes = (ins Cnn_WindowAttr:$window,
                           Cnn_Activation:$activation,
                           OptionalAttr<DenseI64ArrayAttr>:$filter_shape,
                           DefaultValuedAttr<I64Attr, "0">:$output_block,
                           OptionalAttr<Cnn_ScheduleAttr>:$schedule,
                           UnitAttr:$exact);
  let assemblyFormat = [{
    $input `,` $filter (`,` $bias^)? (`residual` `(` $residual^ `)`)?
    (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
}

def Cnn_ConvOp
    : Cnn_ConvBase<"conv", [Cnn_PartitionableBy<["adjustPart"]>, Cnn_TakesRegion]> {
  let summary = "convolution of one, two or three spatial dimensions";
  let description = [{
    Computes `activation(conv(prologue(input), filter) + bias + residual)`, where `conv`
    is ONNX's Conv with one group. The bias, the residual and the prologue are optional.

    The input has shape `N x C x spatial...`, the filter `O x C x kernel...`, the bias `O`;
    the residual and the result have shape `N x O x out...`, with

        out = (in + pad_begin + pad_end - dilation * (kernel - 1) - 1) / stride + 1

    rounded down, in each spatial dimension. The input and the result may be blocked.

    - `window`: kernel (as in the filter), strides, dilations and pads.
    - `filter_shape`: of a packed filter, its logical shape `O x C x kernel...`;
      missing if the filter is not packed.
    - `output_block`: channels in a block of the result; 0 if the result is plain.
    - `schedule`: how the convolution is computed. `cnn-select-algorithm` sets it, unless
      it is given.
    - `exact`: input and filter are floats of any type, and all of their elements are integers
      of at most 255 in magnitude. The absolute products of a sum add up to less than 2^24. So
      f32 sums have no error in any order. Only algorithms that add up these very products may
      compute the convolution.

    Input and filter may have integers, too: then sums and bias are i32, which wrap around, and
    there is no residual or activation. The numbers are i16, differences of two numbers of 8
    bits, so at most 255 in magnitude; this is not checked. `cnn-lower-integers` replaces such a
    convolution by exact ones, or by one of numbers of 8 bits. Later, a filter of i8 may belong
    to an input of either size.

    The prologue is applied to the input while it is read:
    `input_activation(input * input_scale + input_offset)`, with one scale and one offset
    per input channel, both of shape `ceil(C/c) x c`. Only a direct 1x1 convolution of blocked
    f32 data with strides of 1 and no pads can have one.

    If there is a region, it computes the element of the result from the element that all of
    the above gives and from those of `epilogue_inputs` (see EpilogueRegionOpInterface).

    ```mlir
    %1 = cnn.conv %x, %w, %b {window = #cnn.window<[3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>}
       : (tensor<1x3x224x224xf32>, tensor<64x3x3x3xf32>, tensor<64xf32>) -> tensor<1x64x112x112xf32>
    ```
  }];
  let arguments = !con(convOperands,
      (ins Optional<Cnn_Shaped>:$input_scale, Optional<Cnn_Shaped>:$input_offset),
      epilogueInputs, convDestination, convAttributes, (ins Cnn_Activation:$input_activation),
      epilogueMaps);
  let regions = epilogueRegion;
  let assemblyFormat = [{
    $input `,` $filter (`,` $bias^)? (`residual` `(` $residual^ `)`)?
    (`prologue` `(` $input_scale^ `,` $input_offset `)`)?
    (`epilogue` `(` $epilogue_inputs^ `)`)? (`outs` `(` $init^ `)`)?
    attr-dict `:` functional-type(operands, results) ($epilogue^)?
  }];
  let extraClassDeclaration = "int64_t getGroups() { return 1; }";
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Value":$filter, "::mlir::Value":$bias,
           "::convoy::cnn::WindowAttr":$window, CArg<"::mlir::Value", "{}">:$residual,
           CArg<"::convoy::cnn::FunctionAttr", "{}">:$activation),
      !strconcat("input, filter, bias, residual, /*input_scale=*/::mlir::Value(), "
                 "/*input_offset=*/::mlir::Value(), /*epilogue_inputs=*/::mlir::ValueRange(), "
                 "/*init=*/::mlir::Value(), window, activation ? activation : ", noActivation,
                 noSchedule, ", ", noActivation, ", /*epilogue_maps=*/::mlir::ArrayAttr()")>];
}

def Cnn_GroupConvOp : Cnn_ConvBase<"group_conv",
    [Cnn_PartitionableBy<["buildPart", "adjustPart"]>, Cnn_TakesRegion]> {
  let summary = "convolution in two or more groups, depthwise included";
  let description = [{
    A convolution whose input channels and output channels are each cut into `group` equal
    groups, two or more. The outputs of a group are computed from the inputs of the same group
    alone, so that the filter has the shape `O x C/group x kernel...`. If `group` is the number
    of input channels, the convolution is depthwise. Everything else is as in `cnn.conv`, but
    there is no prologue.

    ```mlir
    %1 = cnn.group_conv %0, %w, %b {group = 2 : i64, window = #cnn.window<[5, 5], pads = [2, 2, 2, 2]>}
      : (tensor<1x96x27x27xf32>, tensor<256x48x5x5xf32>, tensor<256xf32>) -> tensor<1x256x27x27xf32>
    ```
  }];
  let arguments = !con(convOperands, epilogueInputs, convDestination, convAttributes,
      (ins I64Attr:$group), epilogueMaps);
  let regions = epilogueRegion;
  let assemblyFormat = [{
    $input `,` $filter (`,` $bias^)? (`residual` `(` $residual^ `)`)?
    (`epilogue` `(` $epilogue_inputs^ `)`)? (`outs` `(` $init^ `)`)?
    attr-dict `:` functional-type(operands, results) ($epilogue^)?
  }];
  let extraClassDeclaration = "int64_t getGroups() { return getGroup(); }";
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Value":$filter, "::mlir::Value":$bias,
           "::convoy::cnn::WindowAttr":$window, "int64_t":$group),
      !strconcat("input, filter, bias, /*residual=*/::mlir::Value(), "
                 "/*epilogue_inputs=*/::mlir::ValueRange(), /*init=*/::mlir::Value(), window, ",
                 noActivation, noSchedule, ", group, /*epilogue_maps=*/::mlir::ArrayAttr()")>];
}

def Cnn_ConvTransposeOp : Cnn_ConvBase<"conv_transpose", [Cnn_PartitionableBy<["adjustPart"]>]> {
  let summary = "transposed convolution";
  let description = [{
    ONNX ConvTranspose: each element of the input is multiplied by the filter and added to a
    window of the result, so that strides make the result larger than the input. The filter has
    the shape `C x O/group x kernel...`. The extent of the result in each spatial dimension is

        (in - 1) * stride + dilation * (kernel - 1) + 1 - pad_begin - pad_end + output_padding

    Everything else is as in `cnn.group_conv`; here `group` may be 1, too.

    ```mlir
    %1 = cnn.conv_transpose %0, %w
        {output_padding = array<i64: 0, 0>, window = #cnn.window<[2, 2], strides = [2, 2]>}
      : (tensor<1x64x28x28xf32>, tensor<64x32x2x2xf32>) -> tensor<1x32x56x56xf32>
    ```
  }];
  let arguments = !con(convOperands, convDestination, convAttributes,
      (ins DefaultValuedAttr<I64Attr, "1">:$group, DenseI64ArrayAttr:$output_padding));
  let extraClassDeclaration = [{
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

def Cnn_BatchNormOp : Cnn_Op<"batch_norm",
    [Cnn_Partitionable, Cnn_PerChannel, Cnn_ReceptiveFieldOpInterface]> {
  let summary = "batch normalisation, with its mode";
  let description = [{
    Batch normalisation, after Ioffe and Szegedy 2015. In `inference` mode the result is

        (input - mean) * scale / sqrt(variance + epsilon) + offset

    for each channel. Channels are dimension 1 of the input; `scale`, `offset`, `mean` and
    `variance` have shape `C`. In `training` mode a batch norm uses the mean and the variance
    of its own batch. Convoy compiles inference only, and refuses that mode.

    ```mlir
    %1 = cnn.batch_norm %0, %scale, %offset, %mean, %variance
        {epsilon = 1.0e-05 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<1x64x56x56xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>)
        -> tensor<1x64x56x56xf32>
    ```
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

def Cnn_ScaleShiftOp : Cnn_Op<"scale_shift",
    [Cnn_Partitionable, Cnn_PerChannel, Cnn_HasBlockedForm, Cnn_EpilogueOpInterface,
     Cnn_ReceptiveFieldOpInterface]> {
  let summary = "one multiply-add per channel";
  let description = [{
    `activation(input * scale + offset)`, with one scale and one offset per channel. Channels
    are dimension 1 of the input. `scale` and `offset` have shape `C`; if the data is blocked,
    `blocked` is set and they have shape `ceil(C/c) x c`. `cnn-fold-batch-norm` turns a batch
    norm into this operation if it cannot fold it into a convolution.

    ```mlir
    %1 = cnn.scale_shift %0, %scale, %offset {activation = #cnn.function<relu>}
      : (tensor<1x64x56x56xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<1x64x56x56xf32>
    ```
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

def Cnn_LayerNormOp : Cnn_Op<"layer_norm",
    [AttrSizedOperandSegments, Cnn_Partitionable, Cnn_WidensField, Cnn_TakesF64]> {
  let summary = "layer normalisation over the dimensions from `axis` on";
  let description = [{
    The first result of ONNX LayerNormalization:

        (input - mean) / sqrt(variance + epsilon) * scale + bias

    Mean and variance are taken over the dimensions from `axis` on, for each index of the
    dimensions before `axis`. `scale` and `bias` broadcast to the normalised dimensions; both
    are optional.

    ```mlir
    %1 = cnn.layer_norm %0 scale(%scale) bias(%bias) {axis = 2 : i64, epsilon = 1.0e-05 : f32}
      : (tensor<1x197x768xf32>, tensor<768xf32>, tensor<768xf32>) -> tensor<1x197x768xf32>
    ```
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

def Cnn_InstanceNormOp : Cnn_Op<"instance_norm",
    [Cnn_Partitionable, Cnn_WidensField, Cnn_TakesF64]> {
  let summary = "normalisation over the spatial dimensions of each channel";
  let description = [{
    ONNX InstanceNormalization:

        (input - mean) / sqrt(variance + epsilon) * scale + bias

    Mean and variance are taken over the spatial dimensions, for each channel of each image.
    `scale` and `bias` have shape `C`, one element per channel.

    ```mlir
    %1 = cnn.instance_norm %0, %scale, %bias {epsilon = 1.0e-05 : f32}
      : (tensor<1x32x64x64xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<1x32x64x64xf32>
    ```
  }];
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

def Cnn_GroupNormOp : Cnn_Op<"group_norm",
    [Cnn_PartitionableBy<["adjustPart"]>, Cnn_WidensField, Cnn_TakesF64]> {
  let summary = "normalisation over groups of channels";
  let description = [{
    ONNX GroupNormalization of opset 21:

        (input - mean) / sqrt(variance + epsilon) * scale + bias

    The channels are cut into `num_groups` equal groups; mean and variance are taken over the
    channels of a group and all spatial dimensions. `scale` and `bias` have shape `C`, one
    element per channel. (Opset 18 has one element per group, which the importer repeats for
    each channel of the group.)

    ```mlir
    %1 = cnn.group_norm %0, %scale, %bias {epsilon = 1.0e-05 : f32, num_groups = 8 : i64}
      : (tensor<1x32x64x64xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<1x32x64x64xf32>
    ```
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

def Cnn_LrnOp : Cnn_Op<"lrn",
    [Cnn_Partitionable, Cnn_TakesImageSlices, Cnn_HasKernel, Cnn_HasBlockedForm,
     Cnn_NarrowOpInterface, Cnn_ReceptiveFieldOpInterface]> {
  let summary = "local response normalisation across channels";
  let description = [{
    Local response normalisation, after Krizhevsky et al. 2012, as ONNX LRN:

        input / (bias + alpha / size * sum) ^ beta

    For channel `c`, `sum` is the sum of squares over the channels
    `[c - (size - 1) / 2, c + size / 2]` of the same pixel, as far as they exist (the quotients
    are rounded down). Data is plain, or blocked if `blocked` is set.

    ```mlir
    %1 = cnn.lrn %0 {alpha = 1.0e-04 : f32, beta = 7.5e-01 : f32, bias = 1.0 : f32, size = 5 : i64}
      : (tensor<1x96x54x54xf32>) -> tensor<1x96x54x54xf32>
    ```
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

class Cnn_PoolBase<string mnemonic, Trait pool = DeclareOpInterfaceMethods<Cnn_PoolOpInterface>>
    : Cnn_Op<mnemonic, [
        Cnn_PartitionableBy<["adjustPart"]>, Cnn_TakesImageSlices, Cnn_HasKernel,
        Cnn_BlockedLayoutOpInterface, Cnn_NarrowOpInterface, Cnn_WidensField,
        pool]> {
  dag poolArguments = (ins Cnn_Shaped:$input, Optional<Cnn_Shaped>:$init,
                         Cnn_WindowAttr:$window, UnitAttr:$ceil_mode);
  let assemblyFormat = [{
    $input (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
}

def Cnn_MaxPoolOp : Cnn_PoolBase<"max_pool"> {
  let summary = "largest value of a sliding window";
  let description = [{
    The first result of ONNX MaxPool, on plain or blocked data: the largest element of the
    input in each position of the window. Padding is never the largest. With `ceil_mode`, the
    result also has an element for a last window that reaches over the end of the padded input.
    Elements are f32 or, on CPUs, signed integers of 16 bits, for which no window may have
    nothing but padding.

    ```mlir
    %1 = cnn.max_pool %0 {window = #cnn.window<[3, 3], strides = [2, 2]>}
      : (tensor<1x64x55x55xf32>) -> tensor<1x64x27x27xf32>
    ```
  }];
  let arguments = poolArguments;
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::convoy::cnn::WindowAttr":$window, "bool":$ceil_mode),
      "input, ::mlir::Value(), window, ceil_mode">];
}

def Cnn_AvgPoolOp : Cnn_PoolBase<"avg_pool",
    DeclareOpInterfaceMethods<Cnn_PoolOpInterface, ["absorbPads"]>> {
  let summary = "mean of a sliding window";
  let description = [{
    ONNX AveragePool, on plain or blocked data: the sum of the elements of the input in each
    position of the window, divided by a count. The count is the number of window elements
    inside the input; with `count_include_pad`, of those inside the padded input. `ceil_mode`
    is as in `cnn.max_pool`.

    ```mlir
    %1 = cnn.avg_pool %0 {window = #cnn.window<[2, 2], strides = [2, 2]>}
      : (tensor<1x64x56x56xf32>) -> tensor<1x64x28x28xf32>
    ```
  }];
  let arguments = !con(poolArguments, (ins UnitAttr:$count_include_pad));
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::convoy::cnn::WindowAttr":$window, "bool":$ceil_mode,
           "bool":$count_include_pad),
      "input, ::mlir::Value(), window, ceil_mode, count_include_pad">];
}

def Cnn_GlobalPoolOp : Cnn_Op<"global_pool",
    [Cnn_Partitionable, Cnn_TakesImageSlices, Cnn_HasKernel, Cnn_HasBlockedForm,
     Cnn_NarrowOpInterface, Cnn_WidensField, Cnn_NamesLayer]> {
  let summary = "mean or largest value over all spatial dimensions";
  let description = [{
    ONNX GlobalAveragePool (`average`) and GlobalMaxPool (`maximum`), for each channel of each
    image. The result has the rank of the input; its spatial dimensions have extent 1. Data is
    plain, or blocked if `blocked` is set.

    ```mlir
    %1 = cnn.global_pool <average> %0 : (tensor<1x2048x7x7xf32>) -> tensor<1x2048x1x1xf32>
    ```
  }];
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

def Cnn_DenseOp : Cnn_Op<"dense",
    [AttrSizedOperandSegments, Cnn_PartitionableBy<["adjustPart"]>, Cnn_HasKernel, Cnn_HasMacs,
     Cnn_Narrows, Cnn_WidensField, Cnn_TakesBias, Cnn_ScheduledOpInterface,
     Cnn_TakesRegion]> {
  let summary = "fully connected layer";
  let description = [{
    `activation(input * transpose(filter) + bias)`: the input is `M x K`, the filter `N x K`, the
    optional bias `N`, and the result `M x N`. `filter_shape` is the logical shape `N x K` of a
    packed filter, and missing if the filter is not packed. `schedule` says how the layer is
    computed, `exact` that f32 sums have no error, and input and filter may have integers, as in
    `cnn.conv`; and as there, a region may compute the elements of the result.

    If there is `rows`, an `i64` that is known only at run time, only so many rows count. The
    others of the result are unspecified, so they need not be computed.

    ```mlir
    %1 = cnn.dense %0, %w, %b {activation = #cnn.function<relu>}
      : (tensor<1x9216xf32>, tensor<4096x9216xf32>, tensor<4096xf32>) -> tensor<1x4096xf32>
    ```
  }];
  let arguments = !con((ins Cnn_Shaped:$input, Cnn_Shaped:$filter, Optional<Cnn_Shaped>:$bias,
                            Optional<Cnn_Shaped>:$rows),
      epilogueInputs, (ins Optional<Cnn_Shaped>:$init, Cnn_Activation:$activation,
                           OptionalAttr<DenseI64ArrayAttr>:$filter_shape,
                           OptionalAttr<Cnn_ScheduleAttr>:$schedule, UnitAttr:$exact),
      epilogueMaps);
  let regions = epilogueRegion;
  let assemblyFormat = [{
    $input `,` $filter (`,` $bias^)? (`rows` `(` $rows^ `)`)?
    (`epilogue` `(` $epilogue_inputs^ `)`)? (`outs` `(` $init^ `)`)?
    attr-dict `:` functional-type(operands, results) ($epilogue^)?
  }];
  let extraClassDeclaration = [{
    /// The shape `N x K` of the filter, whether or not it is packed.
    ::llvm::SmallVector<int64_t> getLogicalFilterShape() {
      if (auto shape = getFilterShape())
        return ::llvm::SmallVector<int64_t>(*shape);
      return ::llvm::to_vector(
          ::mlir::cast<::mlir::ShapedType>(getFilter().getType()).getShape());
    }
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$input, "::mlir::Value":$filter, "::mlir::Value":$bias,
           CArg<"::mlir::Value", "{}">:$rows),
      !strconcat("input, filter, bias, rows, /*epilogue_inputs=*/::mlir::ValueRange(), "
                 "/*init=*/::mlir::Value(), ", noActivation, ", ::mlir::DenseI64ArrayAttr(), "
                 "::convoy::cnn::ScheduleAttr(), /*exact=*/false, "
                 "/*epilogue_maps=*/::mlir::ArrayAttr()")>];
}

def Cnn_MatmulOp : Cnn_Op<"matmul",
    [Cnn_Partitionable, Cnn_HasKernel, Cnn_HasMacs, Cnn_Narrows, Cnn_WidensField]> {
  let summary = "matrix product of two computed tensors";
  let description = [{
    ONNX MatMul: `lhs` is `B... x M x K`, `rhs` is `B... x K x N`, and the result is
    `B... x M x N`. Both operands have two dimensions or more, and the batch dimensions `B...`
    broadcast as in NumPy. The importer turns vectors, which ONNX allows, into matrices. It
    makes a product with a constant matrix a `cnn.dense` if possible.

    ```mlir
    %1 = cnn.matmul %0, %k : (tensor<1x12x197x64xf32>, tensor<1x12x64x197xf32>)
      -> tensor<1x12x197x197xf32>
    ```
  }];
  let arguments = (ins Cnn_Shaped:$lhs, Cnn_Shaped:$rhs, Optional<Cnn_Shaped>:$init);
  let assemblyFormat = [{
    $lhs `,` $rhs (`outs` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let builders = [Cnn_ValueBuilder<
      (ins "::mlir::Value":$lhs, "::mlir::Value":$rhs),
      "lhs, rhs, ::mlir::Value()">];
}

def Cnn_YieldOp : Op<Cnn_Dialect, "yield",
    [Pure, Terminator, ReturnLike, ParentOneOf<["ConvOp", "GroupConvOp", "DenseOp"]>]> {
  let summary = "the element of a layer's result, in the region of its epilogue";
  let description = [{
    Ends the region of a layer's epilogue. `value` is an element of the layer's result.
    ```mlir
    %1 = cnn.dense %x, %w {epilogue_maps = [], filter_shape = array<i64: 8, 4>, schedule =
        #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x4x8xf32>>} : (tensor<2x4xf32>,
        tensor<1x4x8xf32>) -> tensor<2x8xf32> { ^bb0(%sum: f32): cnn.yield %sum : f32 }
    ```
  }];
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

//===----------------------------------------------------------------------===//
// Code generation
//===----------------------------------------------------------------------===//

def Cnn_LaunchOp : Op<Cnn_Dialect, "launch", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "run a kernel's tasks";
  let description = [{
    Runs all tasks of a kernel on the threads of a CPU. The runtime cuts the tasks
    `[0, tasks)` into ranges, calls `kernel(begin, end, buffers...)` for each range, in
    parallel, and waits for all of them. Scratch memory of the kernel is no operand of
    the launch: the runtime adds it. See docs/architecture.md.

    ```mlir
    cnn.launch @conv tasks(112) (%x, %w, %y)
      : memref<1x3x224x224xf32>, memref<4x3x7x7x16xf32>, memref<1x4x112x112x16xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, I64Attr:$tasks,
                       Variadic<AnyStaticShapeMemRef>:$buffers);
  let assemblyFormat = [{
    $kernel `tasks` `(` $tasks `)` `(` $buffers `)` attr-dict `:` type($buffers)
  }];
}

#endif // CONVOY_DIALECT_CNN_IR_CNNOPS_TD
