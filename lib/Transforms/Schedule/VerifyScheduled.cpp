//===- VerifyScheduled.cpp - Pass cnn-verify-scheduled --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Transforms/Utils/PhaseBorder.h"

#include "convoy/Analysis/LayerSchedule.h"
#include "convoy/Transforms/Schedule/Passes.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNVERIFYSCHEDULED
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

/// The operation has a kernel, is on tensors, and has a destination. Its filter and bias are
/// packed as its schedule says.
std::string destinationForm(Operation *op) {
  if (std::string reason = whyNoKernel(op); !reason.empty())
    return reason;
  Value destination = cast<DestinationOpInterface>(op).getDestination();
  if (!destination)
    return "it has no destination, which cnn-to-destination-style gives";
  if (!isa<TensorType>(destination.getType()))
    return "it is on memrefs";
  return convoy::whyNotScheduled(op);
}

const BorderRow kTable[] = {
    // The frame.
    {"func.func", fine},
    {"func.return", fine},
    {"arith.constant", staticShapes},
    // Operations with a kernel of their own.
    {"cnn.check_range", fine},
    {"cnn.limit_loop", fine},
    {"cnn.yield", fine},
    {"cnn.*", destinationForm},
    // The generic kernel: linalg around scalar arithmetic.
    {"arith.*", insideBody},
    {"math.*", insideBody},
    {"vector.extract", insideBody},
    {"tensor.extract", conditionOrInBody},
    {"linalg.index", insideLinalg},
    {"linalg.yield", insideLinalg},
    {"linalg.*", staticShapes},
    {"memref.load", insideCompute},
    // The bodies of cnn.compute.
    {"memref.store", insideCompute},
    {"scf.if", fine},
    {"scf.while", fine},
    {"scf.condition", inBranchLoopOrCompute},
    {"scf.yield", inBranchLoopOrCompute},
    {"scf.*", insideCompute},
    {"builtin.unrealized_conversion_cast", insideCompute},
    // Data movement.
    {"tensor.empty", staticShapes},
    {"tensor.extract_slice", staticShapes},
    {"tensor.insert_slice", staticShapes},
    {"tensor.expand_shape", staticShapes},
    {"tensor.collapse_shape", staticShapes},
    {"bufferization.materialize_in_destination", staticShapes},
};

struct VerifyScheduled : convoy::cnn::impl::CnnVerifyScheduledBase<VerifyScheduled> {
  void runOnOperation() override {
    if (failed(verifyBorder(getOperation(), "schedule", kTable)))
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
