//===- Cnn.h - The cnn dialect ----------------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_IR_CNN_H
#define CONVOY_DIALECT_CNN_IR_CNN_H

#include "convoy/Dialect/Cnn/IR/PartitionFactor.h"
#include "convoy/Dialect/Cnn/IR/PerChannel.h"
#include "convoy/Dialect/Cnn/IR/Schedule.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace convoy::cnn {
class BlockedForms;
class ConstantOperands;
class Narrowing;
class ReceptiveField;
struct InferredType;
struct ShapeRule;
} // namespace convoy::cnn

namespace convoy::cnn::detail {
/// Checks that operands and results are in one of the three forms, and that a tensor
/// destination has the type of the result.
mlir::LogicalResult verifyDestination(mlir::Operation *op);
/// Adds the memory effects of `op`. In memref form, an operation writes its destination and
/// reads the other operands; in the other forms it has no effects on memory. Communication
/// also writes the links between devices, in each form, so that it keeps its order.
void addEffects(
    mlir::Operation *op,
    llvm::SmallVectorImpl<mlir::SideEffects::EffectInstance<mlir::MemoryEffects::Effect>>
        &effects);
/// Whether results may have the types `actual` if the shape rule gives `inferred`. Where the
/// rule gives f32, f16 is possible, and the other way round: kernels of a GPU convert.
bool areCompatible(mlir::TypeRange inferred, mlir::TypeRange actual);
/// Checks the region of an epilogue, its inputs and their maps.
mlir::LogicalResult verifyEpilogueRegion(mlir::Operation *op);
/// The default of BlockedLayoutOpInterface.
bool followInput(mlir::Operation *op, BlockedForms &forms);
/// The default of NarrowOpInterface.
void narrowLikeInput(mlir::Operation *op, Narrowing &narrowing);
} // namespace convoy::cnn::detail

namespace convoy::cnn {
/// See Cnn_TakesImageSlices.
template <typename ConcreteType>
class TakesImageSlices : public mlir::OpTrait::TraitBase<ConcreteType, TakesImageSlices> {};

/// See Cnn_HasKernel.
template <typename ConcreteType>
class HasKernel : public mlir::OpTrait::TraitBase<ConcreteType, HasKernel> {};
/// See Cnn_RunsOnHost.
template <typename ConcreteType>
class RunsOnHost : public mlir::OpTrait::TraitBase<ConcreteType, RunsOnHost> {};
/// See Cnn_TakesF64.
template <typename ConcreteType>
class TakesF64 : public mlir::OpTrait::TraitBase<ConcreteType, TakesF64> {};
/// See Cnn_FollowsFromForm.
template <typename ConcreteType>
class FollowsFromForm : public mlir::OpTrait::TraitBase<ConcreteType, FollowsFromForm> {};

/// Whether each image (an element of the first dimension) is contiguous, and the first image
/// begins at offset 0. There may be gaps between images.
bool hasContiguousImages(mlir::MemRefType type);
/// Elements from the start of an image to the start of the next.
int64_t getImageStride(mlir::MemRefType type);
/// Number of elements from the first to the last of a buffer with contiguous images, those in
/// gaps between the images included.
int64_t countSpan(mlir::MemRefType type);
} // namespace convoy::cnn

#include "convoy/Dialect/Cnn/IR/CnnDialect.h.inc"
#include "convoy/Dialect/Cnn/IR/CnnEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "convoy/Dialect/Cnn/IR/CnnAttributes.h.inc"
#include "convoy/Dialect/Cnn/IR/CnnInterfaces.h.inc"
#define GET_OP_CLASSES
#include "convoy/Dialect/Cnn/IR/CnnOps.h.inc"

namespace convoy::cnn {

/// Name of the module attribute that holds the #cnn.target.
inline constexpr llvm::StringLiteral kTargetAttrName = "cnn.target";

/// Name of the attribute that holds an operation's #cnn.partition.
inline constexpr llvm::StringLiteral kPartitionAttrName = "cnn.partition";

/// Name of the attribute that holds an operation's array of #cnn.sharding.
inline constexpr llvm::StringLiteral kShardingAttrName = "cnn.sharding";

/// Marks the last argument of a kernel that is the thread's scratch memory.
inline constexpr llvm::StringLiteral kScratchAttrName = "cnn.scratch";

/// Attributes of a GPU launch, each an i64:
/// - the layer's floating-point operations, 0 for launches that only help to compute it;
/// - the operations that the kernel executes, if their number differs, as with Winograd;
/// - the bytes that it reads and writes if each byte is moved once.
inline constexpr llvm::StringLiteral kFlopsAttrName = "cnn.flops";
inline constexpr llvm::StringLiteral kComputedFlopsAttrName = "cnn.computed_flops";
inline constexpr llvm::StringLiteral kBytesAttrName = "cnn.bytes";

/// The largest magnitude of a difference of two integers of 8 bits: of an input of a layer of
/// integers.
inline constexpr int64_t kLargestDifference = 255;

/// The m of an algorithm of Winograd's, which computes `m x m` outputs at a time: 2 or 4; 0
/// for all other algorithms.
inline int64_t getWinogradOutputs(Algorithm algorithm) {
  switch (algorithm) {
  case Algorithm::winograd_2x2:
    return 2;
  case Algorithm::winograd_4x4:
  case Algorithm::winograd_4x4_compact:
    return 4;
  default:
    return 0;
  }
}
inline bool isWinograd(Algorithm algorithm) { return getWinogradOutputs(algorithm) > 0; }

/// The fields of a #cnn.schedule, to make one, or to change some fields of one.
struct Schedule {
  Schedule() = default;
  explicit Schedule(ScheduleAttr attr);
  ScheduleAttr getAttr() const;

  Algorithm algorithm = Algorithm::direct;
  llvm::SmallVector<int64_t> tile;
  PixelSpan span = PixelSpan::row;
  LoopOrder order = LoopOrder::channels;
  llvm::SmallVector<int64_t> box;
  int64_t strip = 0, chunk = 0, splits = 1, stages = 0, warpgroups = 0;
  Precision precision = Precision::f32;
  FilterLayoutAttr filter;
  int64_t scratch = 0;
};

/// Whether `op` is a layer whose schedule has this algorithm.
bool isScheduledAs(mlir::Operation *op, Algorithm algorithm);

/// The `cnn.target` of the outermost module around `op`; null if there is none. A pass that
/// needs a target calls requireTarget first.
TargetAttr getTarget(mlir::Operation *op);

/// As getTarget, but emits an error at that module if there is no target.
mlir::FailureOr<TargetAttr> requireTarget(mlir::Operation *op);

/// Creates `OpTy` in value form and infers the type of its result; returns the result, or what
/// the operation folds to. If the operands do not fit, emits a diagnostic at `loc` and returns
/// failure; the generated builders would end the program. `args` are the arguments of a
/// builder after the result types.
template <typename OpTy, typename... Args>
mlir::FailureOr<mlir::Value> createChecked(mlir::OpBuilder &builder, mlir::Location loc,
                                           Args &&...args) {
  mlir::OperationState state(loc, OpTy::getOperationName());
  OpTy::build(builder, state, mlir::TypeRange(), std::forward<Args>(args)...);
  llvm::SmallVector<mlir::Type, 1> types;
  mlir::MLIRContext *context = builder.getContext();
  if (mlir::failed(OpTy::inferReturnTypes(context, loc, state.operands,
                                          state.attributes.getDictionary(context),
                                          state.getRawProperties(), state.regions, types)))
    return mlir::failure();
  state.addTypes(types);
  // A listener must not hear of an operation that folds: see OpBuilder::createOrFold.
  mlir::Operation *op = mlir::Operation::create(state);
  mlir::Block *block = builder.getInsertionBlock();
  if (block)
    block->getOperations().insert(builder.getInsertionPoint(), op);
  llvm::SmallVector<mlir::Value, 1> folded;
  if (mlir::succeeded(builder.tryFold(op, folded)) && !folded.empty()) {
    op->erase();
    return folded.front();
  }
  if (block && builder.getListener())
    builder.getListener()->notifyOperationInserted(op, /*previous=*/{});
  return op->getResult(0);
}

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_IR_CNN_H
