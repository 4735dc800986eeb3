//===- CnnOpBase.td - What operations of cnn have in common -*- tablegen -*-==//
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

/// Shape inference is the verifier too: it is written once an operation, in
/// ShapeInference.cpp, and names the dimension that does not fit.
class Cnn_Op<string mnemonic, list<Trait> traits = []>
    : Op<Cnn_Dialect, mnemonic, !listconcat(traits, [
        Cnn_DestinationOpInterface,
        DeclareOpInterfaceMethods<InferTypeOpInterface>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        AlwaysSpeculatable])> {
  let results = (outs Variadic<AnyStaticShapeTensor>:$results);
  /// Operations with declarations of their own append them.
  code commonDeclarations = [{
    static bool isCompatibleReturnTypes(::mlir::TypeRange inferred, ::mlir::TypeRange actual);
  }];
  let extraClassDeclaration = commonDeclarations;
}

/// Builds the value form from the result types, which inference may still have to add, and
/// `parameters`. `call` is what the generated builder gets.
class Cnn_ValueBuilder<dag parameters, string call>
    : OpBuilder<!con((ins "::mlir::TypeRange":$types), parameters),
                "build($_builder, $_state, types, " # call # ");">;

/// Its kernels take buffers of whose first dimension each element (an image) is contiguous, but
/// which do not follow each other: a slice of each image of a concatenation along channels.
def Cnn_TakesImageSlices : NativeOpTrait<"TakesImageSlices"> {
  let cppNamespace = "::convoy::cnn";
}

/// Rules are in PartitionRules.cpp.
def Cnn_Partitionable : DeclareOpInterfaceMethods<Cnn_PartitionOpInterface>;

#endif // CONVOY_DIALECT_CNN_IR_CNNOPBASE_TD
