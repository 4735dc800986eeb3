//===- CnnOpBase.td - Common parts of operations of cnn -----*- tablegen -*-==//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_CNNOPBASE_TD
#define CONVOY_DIALECT_CNN_IR_CNNOPBASE_TD

include "convoy/Dialect/Cnn/IR/CnnBase.td"
include "convoy/Dialect/Cnn/IR/CnnInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// A tensor before bufferization, a memref after; always of static shape.
def Cnn_Shaped : AnyTypeOf<[AnyStaticShapeTensor, AnyStaticShapeMemRef],
                           "statically shaped tensor or memref">;

/// Memory effects and type inference, which are the same for all operations that compute: they
/// follow from the form of the operation (value, destination or memref). Each operation states
/// its shape rule, `inferShape`, once, in the file of its family. The rule gives the type of
/// the result when an operation is built, and MLIR runs it again to verify one, in any form.
def Cnn_FollowsFromForm : NativeOpTrait<"FollowsFromForm", [],
  /*extraOpDeclaration=*/[{
    /// The shape rule: sets `result`. On failure it has emitted an error at the location of
    /// `rule` that says which dimension does not fit.
    static ::llvm::LogicalResult inferShape(const ::convoy::cnn::ShapeRule &rule, Adaptor op,
                                            ::convoy::cnn::InferredType &result);
    static bool isCompatibleReturnTypes(::mlir::TypeRange inferred, ::mlir::TypeRange actual);
  }],
  /*extraOpDefinition=*/[{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location> location,
        ::mlir::ValueRange operands, ::mlir::DictionaryAttr attributes,
        ::mlir::OpaqueProperties properties, ::mlir::RegionRange regions,
        ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::convoy::cnn::detail::inferTypes<$cppClass>(location, operands, attributes,
                                                          properties, regions, types);
    }
    bool $cppClass::isCompatibleReturnTypes(::mlir::TypeRange inferred,
                                            ::mlir::TypeRange actual) {
      return ::convoy::cnn::detail::areCompatible(inferred, actual);
    }
    void $cppClass::getEffects(
        ::llvm::SmallVectorImpl<
            ::mlir::SideEffects::EffectInstance<::mlir::MemoryEffects::Effect>> &effects) {
      ::convoy::cnn::detail::addEffects(*this, effects);
    }
  }]> {
  let cppNamespace = "::convoy::cnn";
}

class Cnn_Op<string mnemonic, list<Trait> traits = []>
    : Op<Cnn_Dialect, mnemonic, !listconcat(traits, [
        Cnn_DestinationOpInterface,
        DeclareOpInterfaceMethods<InferTypeOpInterface>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        AlwaysSpeculatable,
        Cnn_FollowsFromForm])> {
  let results = (outs Variadic<AnyStaticShapeTensor>:$results);
}

/// An operation that a kernel computes, on a CPU and on a GPU. An operation without this trait
/// has a decomposition instead: `cnn-decompose` replaces it by linalg.
def Cnn_HasKernel : NativeOpTrait<"HasKernel"> {
  let cppNamespace = "::convoy::cnn";
}

/// An operation that the host's code computes on CPUs, without a kernel.
def Cnn_RunsOnHost : NativeOpTrait<"RunsOnHost"> {
  let cppNamespace = "::convoy::cnn";
}

/// An operation that computes in f64 if its operands are f64: it moves data, or is decomposed.
/// Kernels of the others compute in f32, so `cnn-widen-floats` casts their operands.
def Cnn_TakesF64 : NativeOpTrait<"TakesF64"> {
  let cppNamespace = "::convoy::cnn";
}

/// A builder of the value form from the result types and `parameters`. (`createChecked` passes
/// no result types and infers them.) `call` is the list of arguments that this builder passes
/// on to the builder that TableGen generates.
class Cnn_ValueBuilder<dag parameters, string call>
    : OpBuilder<!con((ins "::mlir::TypeRange":$types), parameters),
                "build($_builder, $_state, types, " # call # ");">;

/// An operation whose kernels accept buffers with gaps between the images. An image is one
/// element of the first dimension, the batch. Each image must be contiguous, but the next one
/// may begin further on. Such a buffer is a slice of each image of a larger buffer: for
/// example, the channels that one input contributes to a concatenation along channels.
def Cnn_TakesImageSlices : NativeOpTrait<"TakesImageSlices"> {
  let cppNamespace = "::convoy::cnn";
}

defvar noActivation = "::convoy::cnn::FunctionAttr::get($_builder.getContext(), "
                      "::convoy::cnn::UnaryKind::identity)";
/// The activation of an epilogue or a prologue: the identity unless a pass fuses one.
def Cnn_Activation : DefaultValuedAttr<Cnn_FunctionAttr, noActivation>;

// Short names for the interfaces of CnnInterfaces.td, for operations that define methods of
// the interface themselves instead of using its defaults. The definitions are in the file of
// the operation's family.
def Cnn_Partitionable : DeclareOpInterfaceMethods<Cnn_PartitionOpInterface>;
class Cnn_PartitionableBy<list<string> methods>
    : DeclareOpInterfaceMethods<Cnn_PartitionOpInterface, methods>;
def Cnn_HasBlockedForm
    : DeclareOpInterfaceMethods<Cnn_BlockedLayoutOpInterface, ["assignBlocked"]>;
def Cnn_Narrows : DeclareOpInterfaceMethods<Cnn_NarrowOpInterface, ["narrow"]>;
def Cnn_TakesBias : DeclareOpInterfaceMethods<Cnn_EpilogueOpInterface, ["getEpilogueBias"]>;
def Cnn_TakesRegion
    : DeclareOpInterfaceMethods<Cnn_EpilogueRegionOpInterface, ["takesEpilogueRegion"]>;
def Cnn_HasMacs : DeclareOpInterfaceMethods<Cnn_CostOpInterface>;
def Cnn_PerChannel : DeclareOpInterfaceMethods<Cnn_PerChannelOpInterface>;
def Cnn_Evaluable : DeclareOpInterfaceMethods<Cnn_EvaluateOpInterface>;
def Cnn_WidensField
    : DeclareOpInterfaceMethods<Cnn_ReceptiveFieldOpInterface, ["widenField"]>;
def Cnn_NamesLayer : DeclareOpInterfaceMethods<Cnn_LayerKindOpInterface>;

#endif // CONVOY_DIALECT_CNN_IR_CNNOPBASE_TD
