//===- Compute.cpp - Kernels of cnn.compute -------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The leading dimensions of the space of points become tasks, the others loops of a task.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/CpuKernelBuilder.h"
#include "convoy/Codegen/Common/ComputePoint.h"
#include "convoy/Dialect/Cnn/IR/ComputeBody.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using cnn::ComputeOp;

namespace {

/// Enough tasks for the threads of a large machine to share evenly.
constexpr int64_t kMinTasks = 64;
/// An operation on fewer elements than this, with cheap points, is not worth a second task.
constexpr int64_t kMinElements = 4096;

/// How many leading dimensions of the space are tasks.
size_t countTaskDims(ComputeOp op) {
  int64_t elements = 0;
  for (Value operand : op->getOperands())
    elements += cast<MemRefType>(operand.getType()).getNumElements();
  ArrayRef<int64_t> points = op.getPoints();
  bool isCheap = elements < kMinElements && llvm::product_of(points) <= elements;
  size_t count = 0;
  for (int64_t tasks = 1; !isCheap && count < points.size() && tasks < kMinTasks; ++count)
    tasks *= points[count];
  return count;
}

struct ComputeFamily : KernelFamily {
  StringRef getName() const override { return "compute"; }

  bool matches(Operation *op, cnn::TargetAttr) const override { return isa<ComputeOp>(op); }

  int64_t countTasks(Operation *op, cnn::TargetAttr) const override {
    auto compute = cast<ComputeOp>(op);
    return llvm::product_of(compute.getPoints().take_front(countTaskDims(compute)));
  }

  LogicalResult buildTask(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands,
                          Value task, cnn::TargetAttr) const override {
    auto compute = cast<ComputeOp>(op);
    ArrayRef<int64_t> points = compute.getPoints();
    size_t outer = countTaskDims(compute);
    SmallVector<Value> point = delinearize(b, task, points.take_front(outer));
    std::function<void(size_t)> nest = [&](size_t dim) {
      if (dim == points.size())
        return emitComputePoint(b, compute, point, operands);
      emitLoop(b, points[dim], {}, [&](Value iv, ValueRange) {
        point.push_back(iv);
        nest(dim + 1);
        point.pop_back();
        return SmallVector<Value>();
      });
    };
    nest(outer);
    b.getInsertionBlock()->walk([](scf::ForOp loop) {
      if (loop->removeAttr(cnn::kVectorLoopAttrName))
        allowVectors(loop);
    });
    return success();
  }
};

} // namespace

void convoy::cpu::addComputeKernels(KernelFamilies &families) {
  families.push_back(std::make_unique<ComputeFamily>());
}
