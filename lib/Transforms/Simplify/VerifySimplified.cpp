//===- VerifySimplified.cpp - The border from simplify to schedule --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Transforms/Utils/PhaseBorder.h"

#include "convoy/Transforms/Simplify/Passes.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNVERIFYSIMPLIFIED
#include "convoy/Transforms/Simplify/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

std::string leftBatchNorm(Operation *) {
  return "cnn-fold-batch-norm folds it or makes it a cnn.scale_shift";
}

std::string laterOnly(Operation *) { return "it belongs to a later phase"; }

/// On tensors, without destination, epilogue, blocked layout or packed weights.
std::string plainValue(Operation *op) {
  auto destination = dyn_cast<DestinationOpInterface>(op);
  if (!destination || destination.hasMemRefForm() || destination.getDestination())
    return "it has a destination";
  auto activation = op->getAttrOfType<FunctionAttr>("activation");
  if (activation && !activation.isIdentity())
    return "it has an activation, which cnn-fuse-epilogue gives later";
  if (auto conv = dyn_cast<ConvOpInterface>(op)) {
    if (conv.getResidual())
      return "it has a residual, which cnn-fuse-epilogue gives later";
    if (conv.getInputScale())
      return "it has a prologue, which cnn-fuse-prologue gives later";
  }
  auto block = op->getAttrOfType<IntegerAttr>("output_block");
  if (op->hasAttr("blocked") || (block && block.getInt() != 0))
    return "it is blocked, which cnn-assign-layout does later";
  if (op->hasAttr("filter_shape"))
    return "its filter is packed, which cnn-pack-weights does later";
  return "";
}

const BorderRow kTable[] = {
    // The frame.
    {"builtin.module", fine},
    {"func.func", fine},
    {"func.return", fine},
    {"arith.constant", staticShapes},
    // The network.
    {"cnn.batch_norm", leftBatchNorm},
    {"cnn.launch", laterOnly},
    {"cnn.reorder", laterOnly},
    {"cnn.loop_begin", fine},
    {"cnn.loop_end", fine},
    {"cnn.*", plainValue},
    // Data movement, for which operations of upstream dialects are used.
    {"tensor.empty", staticShapes},
    {"tensor.extract_slice", staticShapes},
    {"tensor.insert_slice", staticShapes},
    {"tensor.expand_shape", staticShapes},
    {"tensor.collapse_shape", staticShapes},
    {"tensor.pad", staticShapes},
    {"tensor.yield", fine},
    {"linalg.transpose", staticShapes},
    {"linalg.yield", insideLinalg},
    // The bodies of cnn.compute.
    {"arith.*", insideCompute},
    {"math.*", insideCompute},
    {"memref.load", insideCompute},
    {"memref.store", insideCompute},
    {"scf.*", insideCompute},
    {"builtin.unrealized_conversion_cast", insideCompute},
};

struct VerifySimplified : convoy::cnn::impl::CnnVerifySimplifiedBase<VerifySimplified> {
  using CnnVerifySimplifiedBase::CnnVerifySimplifiedBase;

  void runOnOperation() override {
    if (failed(verifyBorder(getOperation(), "simplify", kTable)))
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
