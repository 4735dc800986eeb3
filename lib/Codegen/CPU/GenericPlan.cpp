//===- GenericPlan.cpp - Vectors and tasks of a generic kernel ------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GenericPlan.h"

#include "convoy/Codegen/Common/BodyEmitter.h"
#include "convoy/Machine/ByteShuffle.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;

/// Fewer element operations than this are not worth another task.
static constexpr int64_t kWorkPerTask = 16384;
/// The most tasks: enough for the threads of a large machine to share evenly.
static constexpr int64_t kMaxTasks = 64;

FailureOr<GenericPlan> GenericPlan::create(Operation *op, cnn::TargetAttr target) {
  FailureOr<GenericLoops> loops = GenericLoops::create(op);
  if (failed(loops))
    return failure();
  GenericPlan plan;
  static_cast<GenericLoops &>(plan) = std::move(*loops);
  if (!plan.isGeneral)
    plan.selectVector(op, target);
  plan.selectTasks(op);
  return plan;
}

void GenericPlan::selectVector(Operation *op, cnn::TargetAttr target) {
  int64_t bits = 32;
  for (const Access &access : accesses) {
    // A vector of i1 is packed in memory, a buffer of i1 is not.
    if (access.elementType.isInteger(1) && !access.isScalar)
      return;
    if (access.elementType.isIntOrFloat())
      bits = std::max<int64_t>(bits, access.elementType.getIntOrFloatBitWidth());
    else
      bits = 64;
  }
  lanes = isByteLookup(op, target) ? kByteShuffleLanes : target.getVectorLanes() * 32 / bits;
  if (lanes < 2 || !hasVectorBody(op)) {
    lanes = 1;
    return;
  }

  int64_t last = numParallel - 1, innermost = numLoops() - 1;
  auto countContiguous = [&](int64_t loop) {
    return llvm::count_if(accesses, [&](const Access &access) {
      return !access.isOutput && access.stride(loop) == 1;
    });
  };
  bool outputsContiguous = last >= 0 && llvm::all_of(accesses, [&](const Access &access) {
                             return !access.isOutput || access.strides[last] == 1;
                           });
  bool inputsContiguous = reduces() && llvm::all_of(accesses, [&](const Access &access) {
                            return access.isOutput ? access.stride(innermost) == 0
                                                   : access.stride(innermost) == 0 ||
                                                         access.stride(innermost) == 1;
                          });
  if (inputsContiguous && countContiguous(innermost) > 0 && findCombiners(op)) {
    vector = Vector::Reduction;
  } else if (outputsContiguous) {
    vector = Vector::Parallel;
  } else {
    lanes = 1;
    return;
  }
  if (vector != Vector::Parallel || reduces())
    return;

  // If inputs are contiguous in another loop, move it next to the last one.
  for (int64_t loop = last - 1; loop >= 0; --loop) {
    bool wanted = llvm::any_of(accesses, [&](const Access &access) {
      return !access.isScalar && !access.isOutput && access.strides[loop] == 1 &&
             access.strides[last] > 1;
    });
    if (!wanted || extents[loop] < lanes || extents[last] < lanes)
      continue;
    auto move = [&](SmallVector<int64_t> &values) {
      std::rotate(values.begin() + loop, values.begin() + loop + 1, values.begin() + last);
    };
    move(extents);
    for (Access &access : accesses)
      if (!access.isScalar)
        move(access.strides);
    transposes = true;
    return;
  }
}

void GenericPlan::selectTasks(Operation *op) {
  int64_t work = 1;
  for (int64_t extent : extents)
    work *= extent;
  // An exponential is worth several multiplications.
  int64_t functions = 0;
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    functions = llvm::count_if(*linalgOp.getBlock(), [](Operation &inner) {
      return inner.getDialect()->getNamespace() == "math";
    });
  work *= 1 + 4 * functions;
  int64_t wanted = std::min(kMaxTasks, work / kWorkPerTask);
  if (wanted < 2)
    return;
  int64_t outer = 1;
  for (int64_t loop = 0; loop < numParallel; ++loop) {
    int64_t pieces = llvm::divideCeil(wanted, outer);
    bool isVector = vector == Vector::Parallel && loop == numParallel - 1;
    bool isTile = isVector || (transposes && loop == numParallel - 2);
    int64_t grain = isTile ? 4 * lanes : 1;
    splitLoop = loop;
    if (extents[loop] / grain >= pieces || isTile || loop == numParallel - 1) {
      chunk = std::min(extents[loop],
                       int64_t(llvm::alignTo(llvm::divideCeil(extents[loop], pieces), grain)));
      tasks = outer * llvm::divideCeil(extents[loop], chunk);
      return;
    }
    outer *= extents[loop];
  }
}
