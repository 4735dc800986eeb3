//===- Compute.cpp - Kernels of cnn.compute on a GPU ----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A thread computes a point.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/ComputePoint.h"
#include "convoy/Codegen/GPU/GpuKernelBuilder.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using cnn::ComputeOp;

namespace {

struct ComputeFamily : GpuKernelFamily {
  bool matches(Operation *op, cnn::TargetAttr) const override { return isa<ComputeOp>(op); }

  LogicalResult build(GpuKernels &kernels, Operation *op, cnn::TargetAttr) const override {
    auto compute = cast<ComputeOp>(op);
    ArrayRef<int64_t> points = compute.getPoints();
    return kernels.addThreads(
        "compute", llvm::product_of(points), [&](GpuKernel &kernel, Value index) {
          emitComputePoint(kernel.b, compute, delinearize(kernel.b, index, points),
                           kernel.operands);
        });
  }
};

} // namespace

void convoy::gpu::addComputeKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<ComputeFamily>());
}
