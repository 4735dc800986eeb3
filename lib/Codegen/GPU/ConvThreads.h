//===- ConvThreads.h - Convolutions by independent threads ------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_GPU_CONVTHREADS_H
#define CONVOY_LIB_CODEGEN_GPU_CONVTHREADS_H

#include "convoy/Codegen/GPU/GpuKernelBuilder.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"

namespace convoy::gpu {

/// Kernels of the convolutions with one algorithm, in which no thread needs another.
/// `Plan` is made from the convolution, and its `extents` multiply to the number of threads.
/// `Builder` is made from kernel, convolution and plan, and its `build` emits one thread.
template <cnn::Algorithm algorithm, typename Plan, typename Builder>
class ConvThreadsFamily : public GpuKernelFamily {
public:
  explicit ConvThreadsFamily(llvm::StringRef kernelName) : kernelName(kernelName) {}

  bool matches(mlir::Operation *op, cnn::TargetAttr) const override {
    return cnn::isScheduledAs(op, algorithm);
  }

  mlir::LogicalResult build(GpuKernels &kernels, mlir::Operation *operation,
                            cnn::TargetAttr) const override {
    auto op = mlir::cast<cnn::ConvOpInterface>(operation);
    Plan plan(op);
    return kernels.addThreads(
        kernelName, llvm::product_of(plan.extents),
        [&](GpuKernel &kernel, mlir::Value index) { Builder(kernel, op, plan).build(index); });
  }

private:
  std::string kernelName;
};

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_CONVTHREADS_H
