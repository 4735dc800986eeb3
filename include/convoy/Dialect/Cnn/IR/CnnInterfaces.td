//===- CnnInterfaces.td - Op interfaces of the cnn dialect -*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_CNNINTERFACES_TD
#define CONVOY_DIALECT_CNN_IR_CNNINTERFACES_TD

include "mlir/IR/OpBase.td"

def Cnn_DestinationOpInterface : OpInterface<"DestinationOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    An operation that computes one tensor, in one of three forms: without a
    destination and with a result (value form); with a tensor as destination and a
    result of the same type, which bufferization stores there (destination form); or with
    a memref as destination and no result (memref form).
  }];
  let methods = [
    InterfaceMethod<"The destination operand, empty in the value form.",
      "::mlir::MutableOperandRange", "getDestinationMutable", (ins), [{
        return $_op.getInitMutable();
      }]>,
    InterfaceMethod<"The destination, or null in the value form.",
      "::mlir::Value", "getDestination", (ins), [{ return $_op.getInit(); }]>,
    InterfaceMethod<"The type of the computed tensor or memref, in each form.",
      "::mlir::ShapedType", "getOutputType", (ins), [{
        return ::mlir::cast<::mlir::ShapedType>(
            $_op->getNumResults() ? $_op->getResult(0).getType()
                                  : $_op.getInit().getType());
      }]>
  ];
  let extraSharedClassDeclaration = [{
    /// Whether the operation is in memref form.
    bool hasMemRefForm() { return $_op->getNumResults() == 0; }
  }];
  let verify = [{ return ::convoy::cnn::detail::verifyDestination($_op); }];
}

def Cnn_ScheduledOpInterface : OpInterface<"ScheduledOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    A layer with a constant filter: a convolution or a dense layer. `#cnn.schedule` says
    how it is computed, and with that how the filter and the bias are packed.
  }];
  let methods = [
    InterfaceMethod<"The schedule; null if the layer has none yet.",
      "::convoy::cnn::ScheduleAttr", "getScheduleAttr">,
    InterfaceMethod<"Sets the schedule.", "void", "setScheduleAttr",
      (ins "::convoy::cnn::ScheduleAttr":$schedule)>,
    InterfaceMethod<"Whether f32 sums of the products are exact, and have to stay so.", "bool",
      "isExact", (ins), [{ return $_op.getExact(); }]>,
    InterfaceMethod<"Whether the layer multiplies integers. Its sums are i32.", "bool",
      "isInteger", (ins), [{}], [{
        auto input = ::mlir::cast<::mlir::ShapedType>($_op.getInput().getType());
        return ::mlir::isa<::mlir::IntegerType>(input.getElementType());
      }]>,
    InterfaceMethod<"How many neighbouring inputs fill the 32 bits of a sum: two of 16 bits, or "
                    "four of 8 bits.", "int64_t", "getDotInputs",
      (ins), [{}], [{
        auto input = ::mlir::cast<::mlir::ShapedType>($_op.getInput().getType());
        return 32 / int64_t(input.getElementTypeBitWidth());
      }]>,
    InterfaceMethod<"How many neighbouring inputs the kernel that the schedule names multiplies "
                    "at a time: those of a dot, or one.", "int64_t", "getStepInputs",
      (ins), [{}], [{
        ::convoy::cnn::FilterLayoutAttr filter = $_op.getScheduleAttr().getFilter();
        return filter.hasDots() ? filter.getExtent(::convoy::cnn::FilterDim::input) : 1;
      }]>,
    InterfaceMethod<"The filter, packed or not.", "::mlir::Value", "getFilter">,
    InterfaceMethod<"The bias; null if there is none.", "::mlir::Value", "getBias">,
    InterfaceMethod<"The filter, to be replaced.", "::mlir::MutableOperandRange",
      "getFilterMutable", (ins), [{
      return ::mlir::MutableOperandRange($_op.getFilterMutable());
    }]>,
    InterfaceMethod<"The bias, to be set, replaced or removed.",
      "::mlir::MutableOperandRange", "getBiasMutable", (ins), [{
      return $_op.getBiasMutable();
    }]>,
    InterfaceMethod<"Whether the filter and the bias are packed.", "bool", "isPacked", (ins), [{
      return $_op.getFilterShape().has_value();
    }]>,
    InterfaceMethod<"The shape of the filter before it was packed.",
      "::llvm::SmallVector<int64_t>", "getLogicalFilterShape", (ins), [{
        if (auto shape = $_op.getFilterShape())
          return ::llvm::SmallVector<int64_t>(*shape);
        return ::llvm::to_vector(
            ::mlir::cast<::mlir::ShapedType>($_op.getFilter().getType()).getShape());
      }]>,
    InterfaceMethod<"Marks the filter as packed, with this logical shape.", "void",
      "setLogicalFilterShape", (ins "::llvm::ArrayRef<int64_t>":$shape), [{
        $_op.setFilterShape(shape);
      }]>
  ];
  let verify = [{ return ::convoy::cnn::detail::verifySchedule($_op); }];
}

def Cnn_WindowOpInterface : OpInterface<"WindowOpInterface", [Cnn_DestinationOpInterface]> {
  let cppNamespace = "::convoy::cnn";
  let description = "A convolution or a pool: an operation with a sliding window.";
  let methods = [
    InterfaceMethod<"The data that the window slides over: `N x C x spatial...`, plain or "
                    "blocked.", "::mlir::Value", "getInput">,
    InterfaceMethod<"The window: its kernel, strides, dilations and pads.",
      "::convoy::cnn::WindowAttr", "getWindow">,
    InterfaceMethod<"Replaces the window.", "void", "setWindow",
      (ins "::convoy::cnn::WindowAttr":$window), [{
        $_op.setWindowAttr(window);
      }]>
  ];
}

def Cnn_EpilogueOpInterface
    : OpInterface<"EpilogueOpInterface", [Cnn_DestinationOpInterface]> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    An operation whose kernel can do more to each element of the result before it stores
    it: `activation(result + bias)`. `cnn-fuse-epilogue` moves the bias and the activation
    there from the operations that follow.
  }];
  let methods = [
    InterfaceMethod<"The activation; the identity if there is none.",
      "::convoy::cnn::FunctionAttr", "getActivation">,
    InterfaceMethod<"Replaces the activation.", "void", "setActivation",
      (ins "::convoy::cnn::FunctionAttr":$function), [{
        $_op.setActivationAttr(function);
      }]>,
    InterfaceMethod<"The operand for a bias, one element per channel, which may be empty; "
                    "nothing if the operation cannot have a bias.",
      "::std::optional<::mlir::MutableOperandRange>", "getEpilogueBias", (ins), [{}], [{
        return ::std::nullopt;
      }]>
  ];
}

def Cnn_EpilogueRegionOpInterface
    : OpInterface<"EpilogueRegionOpInterface", [Cnn_ScheduledOpInterface]> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    A layer whose kernel can run a region on each element before it stores it.
    `cnn-extend-epilogue` moves an element-wise linalg operation there. The region's first
    argument is the element that the layer has without the region; each other argument is an
    element of one of `epilogue_inputs`. `cnn.yield` gives the element of the result. All of
    them are integers and floats of 8 to 32 bits, and operations are element-wise
    (`EpilogueBody.h`).

    `epilogue_maps` has a map for each input, from the dimensions of the result to those of the
    input. A map is the identity, or it picks dimensions of the result and zeros, but no
    spatial dimension, so that a kernel may join those. The last dimension may only be picked
    as the last one.
  }];
  let methods = [
    InterfaceMethod<"The region, which is empty if there is none.",
      "::mlir::Region &", "getEpilogue">,
    InterfaceMethod<"The operands that the region reads.",
      "::mlir::OperandRange", "getEpilogueInputs">,
    InterfaceMethod<"The operands that the region reads, to be set.",
      "::mlir::MutableOperandRange", "getEpilogueInputsMutable">,
    InterfaceMethod<"A map for each input of the region; null if there is no region.",
      "::mlir::ArrayAttr", "getEpilogueMapsAttr">,
    InterfaceMethod<"Sets the maps.", "void", "setEpilogueMapsAttr",
      (ins "::mlir::ArrayAttr":$maps)>,
    InterfaceMethod<"Whether the kernel that the schedule names can run a region.", "bool",
      "takesEpilogueRegion">
  ];
  let extraSharedClassDeclaration = [{
    bool hasEpilogueRegion() { return !$_op.getEpilogue().empty(); }
  }];
  let verifyWithRegions = 1;
  let verify = [{ return ::convoy::cnn::detail::verifyEpilogueRegion($_op); }];
}

def Cnn_ConvOpInterface
    : OpInterface<"ConvOpInterface",
        [Cnn_WindowOpInterface, Cnn_EpilogueOpInterface, Cnn_ScheduledOpInterface]> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    `cnn.conv`, `cnn.group_conv` and `cnn.conv_transpose`. The logical filter shape is
    `O x I/group x spatial...` (transposed: `I x O/group x spatial...`) whether or not the
    filter is packed.
  }];
  let methods = [
    InterfaceMethod<"The residual, a tensor of the result's shape that is added before the "
                    "activation; null if there is none.",
      "::mlir::Value", "getResidual">,
    InterfaceMethod<"The residual, to be set, replaced or removed.",
      "::mlir::MutableOperandRange", "getResidualMutable", (ins), [{
        return $_op.getResidualMutable();
      }]>,
    InterfaceMethod<"Whether `cnn-fuse-epilogue` may set a residual.", "bool",
      "takesResidual", (ins), [{}], [{ return !$_op.isTransposed(); }]>,
    InterfaceMethod<"The factor of the prologue for each input channel; null if there is no "
                    "prologue.",
      "::mlir::Value", "getInputScale", (ins), [{}], [{ return ::mlir::Value(); }]>,
    InterfaceMethod<"The summand of the prologue for each input channel; null if there is no "
                    "prologue.",
      "::mlir::Value", "getInputOffset", (ins), [{}], [{ return ::mlir::Value(); }]>,
    InterfaceMethod<"The activation of a prologue; the identity if there is none.",
      "::convoy::cnn::FunctionAttr", "getInputActivation", (ins), [{}], [{
        return ::convoy::cnn::FunctionAttr::get($_op->getContext(),
                                                ::convoy::cnn::UnaryKind::identity);
      }]>,
    InterfaceMethod<"Sets how many channels a block of the result has; 0 for plain.", "void",
      "setOutputBlock", (ins "uint64_t":$lanes)>,
    InterfaceMethod<"The number of groups that channels are cut into; 1 for an ungrouped "
                    "convolution.", "int64_t", "getGroups">,
    InterfaceMethod<"Whether this is a transposed convolution.", "bool",
      "isTransposed", (ins), [{}], [{ return false; }]>
  ];
  let extraSharedClassDeclaration = [{
    int64_t getSpatialRank() { return $_op.getWindow().getRank(); }
    /// Channels of the input and of the result, of all groups.
    int64_t getInputChannels() {
      auto shape = $_op.getLogicalFilterShape();
      return $_op.isTransposed() ? shape[0] : shape[1] * $_op.getGroups();
    }
    int64_t getOutputChannels() {
      auto shape = $_op.getLogicalFilterShape();
      return $_op.isTransposed() ? shape[1] * $_op.getGroups() : shape[0];
    }
    /// Whether each group has one input channel and one output channel.
    bool isDepthwise() {
      return !$_op.isTransposed() && $_op.getGroups() > 1 &&
             $_op.getGroups() == getInputChannels() &&
             getInputChannels() == getOutputChannels();
    }
    /// Whether each output pixel is computed from the input pixel of the same place alone.
    bool isPointwise() {
      return !$_op.isTransposed() && $_op.getWindow().isPointwise();
    }
    ::mlir::ShapedType getInputType() {
      return ::mlir::cast<::mlir::ShapedType>($_op.getInput().getType());
    }
    bool isInputBlocked() {
      return getInputType().getRank() == getSpatialRank() + 3;
    }
    bool isOutputBlocked() {
      return $_op.getOutputType().getRank() == getSpatialRank() + 3;
    }
  }];
}

def Cnn_PoolOpInterface : OpInterface<"PoolOpInterface", [Cnn_WindowOpInterface]> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    An operation that combines the elements in each position of its window into one element
    of the result, for each channel alone.
  }];
  let methods = [
    InterfaceMethod<"How the elements of a window are combined.", "::convoy::cnn::PoolKind",
      "getPoolKind">,
    InterfaceMethod<"The input, to be replaced.",
      "::mlir::OpOperand &", "getInputMutable">,
    InterfaceMethod<"Whether the result has an element for a last window that reaches over "
                    "the end of the padded input.", "bool",
      "getCeilMode">,
    InterfaceMethod<"Whether a mean counts the elements of the padding, too.", "bool",
      "getCountIncludePad", (ins), [{}], [{ return false; }]>,
    InterfaceMethod<"Whether a `tensor.pad` of the input with this number can be replaced by "
                    "pads of the window.", "bool", "isNeutral", (ins "double":$number)>,
    InterfaceMethod<"Sets a window with more pads, which replace a `tensor.pad` of the input "
                    "with a neutral number.", "void", "absorbPads",
      (ins "::convoy::cnn::WindowAttr":$window), [{}], [{ $_op.setWindowAttr(window); }]>
  ];
}

def Cnn_PartitionOpInterface : OpInterface<"PartitionOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    An operation in value form that devices can share, after the factors of Shardy. A
    factor is a dimension of the operation's loops along which it can be cut. It tells
    which dimension of each operand and of the result belongs to it. From that follow the
    parts that each device needs and computes, and so all communication.
  }];
  let methods = [
    InterfaceMethod<"The factors along which the operation can be cut.",
      "::llvm::SmallVector<::convoy::cnn::PartitionFactor>", "getPartitionFactors">,
    InterfaceMethod<[{
        Builds the operation that computes the part `[begin, end)` of a factor, and returns
        its result. `operands` are the parts of the operands that it needs. The new
        operation lacks the factor's `addedOnce` operands, such as a bias, unless `begin`
        is 0.
      }], "::mlir::Value", "buildPart",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$operands,
           "const ::convoy::cnn::PartitionFactor &":$factor, "int64_t":$begin,
           "int64_t":$end), [{}], [{
        return ::convoy::cnn::detail::buildPart($_op, builder, operands, factor, begin, end);
      }]>,
    InterfaceMethod<[{
        The default of `buildPart` calls this on the copy of the operation that is to
        compute the part `[begin, end)` of a factor. Adapts the attributes and optional
        operands of the copy. Its operands are parts already; the type of its result is
        inferred afterwards.
      }], "void", "adjustPart",
      (ins "const ::convoy::cnn::PartitionFactor &":$factor, "int64_t":$begin,
           "int64_t":$end), [{}], [{ return; }]>
  ];
}

def Cnn_CommunicationOpInterface : OpInterface<"CommunicationOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = "An operation that exchanges data with other devices.";
  let methods = [
    InterfaceMethod<"The number of the device whose program this is.", "uint64_t", "getDevice">,
    InterfaceMethod<"The data that this device gives.", "::mlir::Value", "getInput">,
    InterfaceMethod<"The destination of the data that this device gets; null in value form.",
      "::mlir::Value", "getInit">,
    InterfaceMethod<"Whether the operation only starts the exchange, so that a `cnn.await` "
                    "must follow.", "bool", "getAsync">,
    InterfaceMethod<"Sets whether the operation only starts the exchange.", "void",
      "setAsync", (ins "bool":$async)>
  ];
}

//===----------------------------------------------------------------------===//
// Properties that passes and analyses ask for
//===----------------------------------------------------------------------===//

def Cnn_BlockedLayoutOpInterface : OpInterface<"BlockedLayoutOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    An operation in value form that can compute a blocked tensor. The default method is for
    operations that have one data operand, the first, and compute each lane of a block
    alone: they become blocked if that operand has a blocked form.
  }];
  let methods = [
    InterfaceMethod<"Makes the blocked form of the operation with the help of `forms`, or "
                    "returns false to leave the operation plain.",
      "bool", "assignBlocked", (ins "::convoy::cnn::BlockedForms &":$forms), [{}], [{
        return ::convoy::cnn::detail::followInput($_op, forms);
      }]>
  ];
}

def Cnn_DecomposeOpInterface : OpInterface<"DecomposeOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    An operation in value form that can be expressed in linalg. The operations without the
    trait `HasKernel` have this interface, as an external model of the schedule phase;
    `cnn-decompose` replaces them.
  }];
  let methods = [
    InterfaceMethod<"Makes linalg operations before this one that compute the same, and "
                    "returns their result; fails with a diagnostic if linalg cannot "
                    "express it.",
      "::llvm::FailureOr<::mlir::Value>", "decompose">
  ];
}

def Cnn_NarrowOpInterface : OpInterface<"NarrowOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    An operation with a kernel whose operands and result can be floats of 16 bits. The
    default method is for operations whose result has numbers no larger than those of the
    first operand: the result becomes narrow if that operand is.
  }];
  let methods = [
    InterfaceMethod<"Decides the element type of the result, and converts operands that the "
                    "kernel needs in another type.",
      "void", "narrow", (ins "::convoy::cnn::Narrowing &":$narrowing), [{}], [{
        ::convoy::cnn::detail::narrowLikeInput($_op, narrowing);
      }]>
  ];
}

def Cnn_CostOpInterface : OpInterface<"CostOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = "An operation whose cost is counted in multiply-adds.";
  let methods = [
    InterfaceMethod<"The number of multiply-adds on plain, unpacked data, those with padding "
                    "included.",
      "int64_t", "countMacs">
  ];
}

def Cnn_PerChannelOpInterface : OpInterface<"PerChannelOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    An operation that may be a multiply-add with constants for each channel:
    `x * scale[channel] + offset[channel]`.
  }];
  let methods = [
    InterfaceMethod<"The multiply-add and the operand it is applied to; nothing if the "
                    "operation is no such multiply-add. Call it on a value form with an f32 "
                    "result of rank 2 or more.",
      "::std::optional<::convoy::cnn::PerChannelStep>", "readPerChannelStep">
  ];
}

def Cnn_EvaluateOpInterface : OpInterface<"EvaluateOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = "An operation that can be computed when a model is compiled.";
  let methods = [
    InterfaceMethod<"The result; null if needed operands are not known, or if `operands` "
                    "tells that such a result is not wanted.",
      "::mlir::ElementsAttr", "evaluate",
      (ins "const ::convoy::cnn::ConstantOperands &":$operands)>
  ];
}

def Cnn_ReceptiveFieldOpInterface : OpInterface<"ReceptiveFieldOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    An operation that says on which elements of its operands one element of the result
    depends. The default method means the element in the same place of each operand.
  }];
  let methods = [
    InterfaceMethod<"Turns `field`, the receptive field of the operands' elements, into that "
                    "of the result's elements.", "void", "widenField",
      (ins "::convoy::cnn::ReceptiveField &":$field), [{}], [{ return; }]>
  ];
}

def Cnn_LayerKindOpInterface : OpInterface<"LayerKindOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    An operation that computes one of several functions, such as `cnn.unary`. Lists of layers
    show the name of the function instead of the operation's.
  }];
  let methods = [
    InterfaceMethod<"The name of the function, such as `relu`.", "::std::string",
      "getLayerKind">
  ];
}

#endif // CONVOY_DIALECT_CNN_IR_CNNINTERFACES_TD
