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
    InterfaceMethod<"The data that the window slides over.", "::mlir::Value", "getInput">,
    InterfaceMethod<"", "::convoy::cnn::WindowAttr", "getWindow">,
    InterfaceMethod<"", "void", "setWindow", (ins "::convoy::cnn::WindowAttr":$window), [{
      $_op.setWindowAttr(window);
    }]>
  ];
}

def Cnn_ConvOpInterface : OpInterface<"ConvOpInterface",
    [Cnn_WindowOpInterface, Cnn_ScheduledOpInterface]> {
  let cppNamespace = "::convoy::cnn";
  let description = [{
    What `cnn.conv`, `cnn.group_conv` and `cnn.conv_transpose` share. The
    logical filter shape is `O x I/group x spatial...` (transposed:
    `I x O/group x spatial...`) whether or not the filter is packed.
  }];
  let methods = [
    InterfaceMethod<"", "::mlir::Value", "getResidual">,
    InterfaceMethod<"", "::mlir::MutableOperandRange", "getResidualMutable", (ins), [{
      return $_op.getResidualMutable();
    }]>,
    InterfaceMethod<"The factors of a prologue, or null.", "::mlir::Value", "getInputScale",
      (ins), [{}], [{ return ::mlir::Value(); }]>,
    InterfaceMethod<"Its summands.", "::mlir::Value", "getInputOffset",
      (ins), [{}], [{ return ::mlir::Value(); }]>,
    InterfaceMethod<"Its activation.", "::convoy::cnn::FunctionAttr", "getInputActivation",
      (ins), [{}], [{
        return ::convoy::cnn::FunctionAttr::get($_op->getContext(),
                                                ::convoy::cnn::UnaryKind::identity);
      }]>,
    InterfaceMethod<"", "::convoy::cnn::FunctionAttr", "getActivation">,
    InterfaceMethod<"", "void", "setActivation", (ins "::convoy::cnn::FunctionAttr":$function), [{
      $_op.setActivationAttr(function);
    }]>,
    InterfaceMethod<"1 for an ungrouped convolution.", "int64_t", "getGroups">,
    InterfaceMethod<"", "bool", "isTransposed", (ins), [{}], [{ return false; }]>
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
      }]>
  ];
}

def Cnn_CommunicationOpInterface : OpInterface<"CommunicationOpInterface"> {
  let cppNamespace = "::convoy::cnn";
  let description = "An operation that exchanges data with other devices.";
  let methods = [
    InterfaceMethod<"The number of the device whose program this is.", "uint64_t", "getDevice">,
    InterfaceMethod<"What this device gives.", "::mlir::Value", "getInput">,
    InterfaceMethod<"What it gets, in destination and memref form.", "::mlir::Value", "getInit">,
    InterfaceMethod<"Whether it is only started.", "bool", "getAsync">,
    InterfaceMethod<"", "void", "setAsync", (ins "bool":$async)>
  ];
}

#endif // CONVOY_DIALECT_CNN_IR_CNNINTERFACES_TD
