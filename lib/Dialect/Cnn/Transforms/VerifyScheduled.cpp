//===- VerifyScheduled.cpp - Pass cnn-verify-scheduled --------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelOps.h"
#include "PhaseBorder.h"

#include "convoy/Dialect/Cnn/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNVERIFYSCHEDULED
#include "convoy/Dialect/Cnn/Transforms/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

std::string fine(Operation *) { return ""; }

/// Has a kernel: on tensors, with a destination.
std::string destinationForm(Operation *op) {
  if (!hasKernel(op))
    return "it has no kernel; cnn-decompose replaces it";
  Value destination = cast<DestinationOpInterface>(op).getDestination();
  if (!destination)
    return "it has no destination, which cnn-to-destination-style gives";
  return isa<TensorType>(destination.getType()) ? "" : "it is on memrefs";
}

std::string staticTensors(Operation *op) {
  for (Type type : op->getResultTypes())
    if (auto tensor = dyn_cast<TensorType>(type); tensor && !tensor.hasStaticShape())
      return "its shape is not static";
  return "";
}

std::string insideLinalg(Operation *op) {
  return op->getParentOfType<linalg::LinalgOp>() ? ""
                                                 : "it stands outside of a linalg operation";
}

const BorderRow kTable[] = {
    // The frame.
    {"func.func", fine},
    {"func.return", fine},
    {"arith.constant", staticTensors},
    // Operations with a kernel of their own, which KernelOps.h lists.
    {"cnn.*", destinationForm},
    // What the generic kernel computes: linalg around scalar arithmetic.
    {"arith.*", insideLinalg},
    {"math.*", insideLinalg},
    {"tensor.extract", insideLinalg},
    {"linalg.index", insideLinalg},
    {"linalg.yield", insideLinalg},
    {"linalg.*", staticTensors},
    // Data movement.
    {"tensor.empty", staticTensors},
    {"tensor.extract_slice", staticTensors},
    {"tensor.insert_slice", staticTensors},
    {"tensor.expand_shape", staticTensors},
    {"tensor.collapse_shape", staticTensors},
    {"bufferization.materialize_in_destination", staticTensors},
};

struct VerifyScheduled : convoy::cnn::impl::CnnVerifyScheduledBase<VerifyScheduled> {
  void runOnOperation() override {
    if (failed(verifyBorder(getOperation(), "schedule", kTable)))
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
