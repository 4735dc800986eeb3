//===- BufferizableOpInterfaceImpl.cpp - Bufferization of cnn ops ---------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Transforms/Bufferize/BufferizableOpInterfaceImpl.h"

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace convoy::cnn;

namespace {

/// One model for all operations: an operation reads its operands, writes its destination,
/// and becomes the same operation on memrefs.
template <typename OpTy>
struct CnnOpModel : BufferizableOpInterface::ExternalModel<CnnOpModel<OpTy>, OpTy> {
  static bool isDestination(Operation *op, OpOperand &operand) {
    return cast<DestinationOpInterface>(op).getDestination() &&
           operand.getOperandNumber() == op->getNumOperands() - 1;
  }
  bool bufferizesToAllocation(Operation *op, Value) const {
    return !cast<DestinationOpInterface>(op).getDestination();
  }
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    auto compute = dyn_cast<ComputeOp>(op);
    return !isDestination(op, operand) || isa<LimitLoopOp>(op) ||
           (compute && compute.getKeeps());
  }
  bool bufferizesToMemoryWrite(Operation *op, OpOperand &operand,
                               const AnalysisState &) const {
    return isDestination(op, operand);
  }
  AliasingValueList getAliasingValues(Operation *op, OpOperand &operand,
                                      const AnalysisState &) const {
    if (isDestination(op, operand))
      return {{op->getResult(0), BufferRelation::Equivalent}};
    return {};
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
    }
    auto cnnOp = cast<DestinationOpInterface>(op);
    if (!cnnOp.getDestination())
      return op->emitOpError("has no destination; run cnn-to-destination-style first");
    Value destination = operands.back();
    OperationState newState(op->getLoc(), op->getName(), operands, TypeRange(),
                            op->getAttrs());
    newState.propertiesAttr = op->getPropertiesAsAttribute();
    for (Region &region : op->getRegions())
      newState.addRegion()->takeBody(region);
    rewriter.setInsertionPoint(op);
    rewriter.create(newState);
    replaceOpWithBufferizedValues(rewriter, op, destination);
    return success();
  }
};

/// Attaches the model to an operation that computes a tensor. Some cnn operations do not.
template <typename OpTy> void attach(MLIRContext *context) {
  if constexpr (OpTy::template hasTrait<FollowsFromForm>())
    OpTy::template attachInterface<CnnOpModel<OpTy>>(*context);
}

template <typename... Ops> void attachAll(MLIRContext *context) {
  (attach<Ops>(context), ...);
}

} // namespace

void convoy::cnn::registerBufferizableOpInterfaceExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, CnnDialect *) {
    attachAll<
#define GET_OP_LIST
#include "convoy/Dialect/Cnn/IR/CnnOps.cpp.inc"
        >(context);
  });
}
