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
    An operation that computes one tensor from others, with an optional
    destination: no destination and a result; a tensor destination and a result
    tied to it; or a memref destination and no result.
  }];
  let methods = [
    InterfaceMethod<"The destination operand, empty in the value form.",
      "::mlir::MutableOperandRange", "getDestinationMutable", (ins), [{
        return $_op.getInitMutable();
      }]>,
    InterfaceMethod<"The destination, or null in the value form.",
      "::mlir::Value", "getDestination", (ins), [{ return $_op.getInit(); }]>,
    InterfaceMethod<"The shaped type of what is computed, in every form.",
      "::mlir::ShapedType", "getOutputType", (ins), [{
        return ::mlir::cast<::mlir::ShapedType>(
            $_op->getNumResults() ? $_op->getResult(0).getType()
                                  : $_op.getInit().getType());
      }]>
  ];
  let extraSharedClassDeclaration = [{
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
    InterfaceMethod<"How the layer is computed, or null.",
      "::convoy::cnn::ScheduleAttr", "getScheduleAttr">,
    InterfaceMethod<"Decides how the layer is computed.", "void", "setScheduleAttr",
      (ins "::convoy::cnn::ScheduleAttr":$schedule)>,
    InterfaceMethod<"The filter.", "::mlir::Value", "getFilter">,
    InterfaceMethod<"The bias, or null.", "::mlir::Value", "getBias">,
    InterfaceMethod<"The operand that is the filter.", "::mlir::MutableOperandRange",
      "getFilterMutable", (ins), [{
      return ::mlir::MutableOperandRange($_op.getFilterMutable());
    }]>,
    InterfaceMethod<"The operand that is the bias, if there is one.",
      "::mlir::MutableOperandRange", "getBiasMutable", (ins), [{
      return $_op.getBiasMutable();
    }]>,
    InterfaceMethod<"Whether the filter and the bias are packed.", "bool", "isPacked", (ins), [{
      return $_op.getFilterShape().has_value();
    }]>,
    InterfaceMethod<"The logical shape of the filter, packed or not.",
      "::llvm::SmallVector<int64_t>", "getLogicalFilterShape", (ins), [{
        if (auto shape = $_op.getFilterShape())
          return ::llvm::SmallVector<int64_t>(*shape);
        return ::llvm::to_vector(
            ::mlir::cast<::mlir::ShapedType>($_op.getFilter().getType()).getShape());
      }]>,
    InterfaceMethod<"Notes the logical shape of a filter that is packed.", "void",
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
    An operation whose kernel applies more to each element before it stores it:
    `activation(result + bias)`. `cnn-fuse-epilogue` moves readers of the result there.
  }];
  let methods = [
    InterfaceMethod<"The activation; the identity if there is none.",
      "::convoy::cnn::FunctionAttr", "getActivation">,
    InterfaceMethod<"Replaces the activation.", "void", "setActivation",
      (ins "::convoy::cnn::FunctionAttr":$function), [{
        $_op.setActivationAttr(function);
      }]>,
    InterfaceMethod<"The optional operand that is added for each channel; nothing if the "
                    "operation has no such operand.",
      "::std::optional<::mlir::MutableOperandRange>", "getEpilogueBias", (ins), [{}], [{
        return ::std::nullopt;
      }]>
  ];
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
    InterfaceMethod<"A tensor of the result's shape that is added to it, or null.",
      "::mlir::Value", "getResidual">,
    InterfaceMethod<"The residual as an operand that can be set and removed.",
      "::mlir::MutableOperandRange", "getResidualMutable", (ins), [{
        return $_op.getResidualMutable();
      }]>,
    InterfaceMethod<"Whether `cnn-fuse-epilogue` may set a residual.", "bool",
      "takesResidual", (ins), [{}], [{ return !$_op.isTransposed(); }]>,
    InterfaceMethod<"The factors of a prologue for each input channel, or null.",
      "::mlir::Value", "getInputScale", (ins), [{}], [{ return ::mlir::Value(); }]>,
    InterfaceMethod<"The summands of a prologue for each input channel, or null.",
      "::mlir::Value", "getInputOffset", (ins), [{}], [{ return ::mlir::Value(); }]>,
    InterfaceMethod<"The activation of a prologue; the identity if there is none.",
      "::convoy::cnn::FunctionAttr", "getInputActivation", (ins), [{}], [{
        return ::convoy::cnn::FunctionAttr::get($_op->getContext(),
                                                ::convoy::cnn::UnaryKind::identity);
      }]>,
    InterfaceMethod<"Lanes of a block of output channels; 0 makes the result plain.", "void",
      "setOutputBlock", (ins "uint64_t":$lanes)>,
    InterfaceMethod<"Parts of the channels that do not see each other; 1 for an ungrouped "
                    "convolution.", "int64_t", "getGroups">,
    InterfaceMethod<"Whether each input element is spread over a window of the output.", "bool",
      "isTransposed", (ins), [{}], [{ return false; }]>
  ];
  let extraSharedClassDeclaration = [{
    int64_t getSpatialRank() { return $_op.getWindow().getRank(); }
    int64_t getInputChannels() {
      auto shape = $_op.getLogicalFilterShape();
      return $_op.isTransposed() ? shape[0] : shape[1] * $_op.getGroups();
    }
    int64_t getOutputChannels() {
      auto shape = $_op.getLogicalFilterShape();
      return $_op.isTransposed() ? shape[1] * $_op.getGroups() : shape[0];
    }
    bool isDepthwise() {
      return !$_op.isTransposed() && $_op.getGroups() > 1 &&
             $_op.getGroups() == getInputChannels() &&
             getInputChannels() == getOutputChannels();
    }
    /// Whether each output pixel reads the input pixel of the same place and no other.
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
    An operation that reduces each position of its window to one element, channel by channel.
  }];
  let methods = [
    InterfaceMethod<"How the elements of a window become one.", "::convoy::cnn::PoolKind",
      "getPoolKind">,
    InterfaceMethod<"The data as an operand that can be replaced.",
      "::mlir::OpOperand &", "getInputMutable">,
    InterfaceMethod<"Whether a last window that reaches over the end counts.", "bool",
      "getCeilMode">,
    InterfaceMethod<"Whether a mean divides by the elements of the padding too.", "bool",
      "getCountIncludePad", (ins), [{}], [{ return false; }]>,
    InterfaceMethod<"Whether elements of this number around the input count as its "
                    "padding.", "bool", "isNeutral", (ins "double":$number)>,
    InterfaceMethod<"Replaces the window by one whose pads take in neutral elements that were "
                    "around the input.", "void", "absorbPads",
      (ins "::convoy::cnn::WindowAttr":$window), [{}], [{ $_op.setWindowAttr(window); }]>
  ];
}

def Cnn_PartitionOpInterface : OpInterface<"PartitionOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    An operation in value form that devices can share, in the manner of Shardy's
    factors: each factor is a dimension of the iteration space, and tells which
    dimension of each operand and of the result it walks along. From that follows
    what every device needs and makes, and so all communication.
  }];
  let methods = [
    InterfaceMethod<"The factors along which the operation can be cut.",
      "::llvm::SmallVector<::convoy::cnn::PartitionFactor>", "getPartitionFactors">,
    InterfaceMethod<[{
        The operation on `[begin, end)` of a factor, computed from the parts of the
        operands that belong to it. Operands that are added once are left out where
        `begin` is not 0.
      }], "::mlir::Value", "buildPart",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$operands,
           "const ::convoy::cnn::PartitionFactor &":$factor, "int64_t":$begin,
           "int64_t":$end), [{}], [{
        return ::convoy::cnn::detail::buildPart($_op, builder, operands, factor, begin, end);
      }]>,
    InterfaceMethod<[{
        Changes the attributes and optional operands of this operation, a copy of one that
        is cut, which computes `[begin, end)` of a factor of it. Its operands are parts already;
        the type of its result follows.
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
    InterfaceMethod<"The tensor that this device gives.", "::mlir::Value", "getInput">,
    InterfaceMethod<"The destination of the data it gets, null in the value form.",
      "::mlir::Value", "getInit">,
    InterfaceMethod<"Whether it is only started.", "bool", "getAsync">,
    InterfaceMethod<"Makes it one that is only started, or one that waits.", "void",
      "setAsync", (ins "bool":$async)>
  ];
}

//===----------------------------------------------------------------------===//
// Properties that passes and analyses ask for
//===----------------------------------------------------------------------===//

def Cnn_BlockedLayoutOpInterface : OpInterface<"BlockedLayoutOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    An operation in value form that can compute a blocked tensor. Without a method of its
    own, its only data operand is the first, it works on the lanes of a block one by one,
    and it is blocked if that operand is.
  }];
  let methods = [
    InterfaceMethod<"Makes the blocked form of the operation, or returns false to leave it plain.",
      "bool", "assignBlocked", (ins "::convoy::cnn::BlockedForms &":$forms), [{}], [{
        return ::convoy::cnn::detail::followInput($_op, forms);
      }]>
  ];
}

def Cnn_DecomposeOpInterface : OpInterface<"DecomposeOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    An operation in value form that linalg can compute. `cnn-decompose` gives it to the
    operations without `HasKernel`, as an external model, and replaces them.
  }];
  let methods = [
    InterfaceMethod<"Makes linalg that computes the result, in front of the operation; failure "
                    "with a diagnostic if there is none.",
      "::llvm::FailureOr<::mlir::Value>", "decompose">
  ];
}

def Cnn_NarrowOpInterface : OpInterface<"NarrowOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    An operation with a GPU kernel whose result can be f16. Without a method of its own, its
    result has numbers as large as those of its first operand, and becomes f16 if that is.
  }];
  let methods = [
    InterfaceMethod<"Changes the type of the result, and the operands that kernels need in f16.",
      "void", "narrow", (ins "::convoy::cnn::Narrowing &":$narrowing), [{}], [{
        ::convoy::cnn::detail::narrowLikeInput($_op, narrowing);
      }]>
  ];
}

def Cnn_CostOpInterface : OpInterface<"CostOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = "An operation whose cost is that of its multiply-adds.";
  let methods = [
    InterfaceMethod<"Multiply-adds on plain, unpacked data, those on padding included.",
      "int64_t", "countMacs">
  ];
}

def Cnn_PerChannelOpInterface : OpInterface<"PerChannelOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = "An operation that may be one multiply-add with constants for each channel.";
  let methods = [
    InterfaceMethod<"The multiply-add and the operand it is applied to; nothing if the operation "
                    "is none. It is in value form, with an f32 result of rank 2 or more.",
      "::std::optional<::convoy::cnn::PerChannelStep>", "readPerChannelStep">
  ];
}

def Cnn_EvaluateOpInterface : OpInterface<"EvaluateOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = "An operation that can be computed when a model is compiled.";
  let methods = [
    InterfaceMethod<"The result, or null if the operands are not known or it is not wanted.",
      "::mlir::ElementsAttr", "evaluate",
      (ins "const ::convoy::cnn::ConstantOperands &":$operands)>
  ];
}

def Cnn_ReceptiveFieldOpInterface : OpInterface<"ReceptiveFieldOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    An operation that says on which elements one of the result depends. Without a
    method of its own, that is the same place of each operand.
  }];
  let methods = [
    InterfaceMethod<"Turns the field of the operands into the result's.", "void", "widenField",
      (ins "::convoy::cnn::ReceptiveField &":$field), [{}], [{ return; }]>
  ];
}

def Cnn_LayerKindOpInterface : OpInterface<"LayerKindOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = "An operation that computes one of several functions, which lists of layers name.";
  let methods = [
    InterfaceMethod<"The name of the function, such as `relu`.", "::std::string",
      "getLayerKind">
  ];
}

#endif // CONVOY_DIALECT_CNN_IR_CNNINTERFACES_TD
