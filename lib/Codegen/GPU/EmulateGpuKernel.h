//===- EmulateGpuKernel.h - A kernel as a function of one thread *- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_GPU_EMULATEGPUKERNEL_H
#define CONVOY_LIB_CODEGEN_GPU_EMULATEGPUKERNEL_H

#include "EmulateGpuChecks.h"
#include "convoy/Codegen/Common/RuntimeFunction.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"

namespace convoy::gpu {

/// Turns a kernel of a GPU into a function that the emulator runs.
class KernelEmulation {
public:
  /// `dynamicBytes` of shared memory are there for `gpu.dynamic_shared_memory`.
  KernelEmulation(mlir::gpu::GPUFuncOp kernel, mlir::SymbolTable &symbols,
                  int64_t dynamicBytes)
      : kernel(kernel), b(kernel.getLoc(), kernel.getContext()), symbols(symbols),
        dynamicBytes(dynamicBytes) {}

  /// Moves the kernel's body into a function of one thread.
  mlir::func::FuncOp run() {
    makeFunction();
    llvm::SmallVector<mlir::Operation *> ops;
    function.walk([&](mlir::Operation *op) { ops.push_back(op); });
    for (mlir::Operation *op : ops) {
      b.setInsertionPoint(op);
      b.setLoc(op->getLoc());
      rewrite(op);
    }
    dropTypesOfGpus();
    return function;
  }

  int64_t getSharedBytes() const { return sharedBytes + dynamicBytes; }

private:
  void makeFunction();
  void rewrite(mlir::Operation *op);
  void dropTypesOfGpus();

  mlir::Value getInt(int64_t value, int width = 32) {
    return mlir::LLVM::ConstantOp::create(b, b.getIntegerType(width), value);
  }
  mlir::Value getPointer(mlir::Value base, int32_t bytes) {
    return mlir::LLVM::GEPOp::create(b, pointer, b.getI8Type(), base,
                                     llvm::ArrayRef<mlir::LLVM::GEPArg>{bytes});
  }
  mlir::Value getNextSite() { return getInt(sites++); }

  /// Calls `function`, which the module declares then, for this thread.
  mlir::LLVM::CallOp call(const RuntimeFunction &function, mlir::ValueRange arguments);
  /// The number at an offset in convoy_gpu_thread.
  mlir::Value loadField(size_t offset);
  mlir::Value getAddress(mlir::Value memref, mlir::ValueRange indices);
  void report(const Access &access);
  mlir::Value flatten(mlir::Value vector);

  void replaceByField(mlir::Operation *op, size_t offset) {
    op->getResult(0).replaceAllUsesWith(loadField(offset));
    op->erase();
  }
  /// The same for one of the dimensions x, y and z.
  template <typename OpTy> void replaceDimension(OpTy op, size_t offset) {
    replaceByField(op, offset + size_t(op.getDimension()) * sizeof(int32_t));
  }
  /// Calls the function instead of an operation that gives nothing of use.
  void replaceByCall(mlir::Operation *op, const RuntimeFunction &function,
                     mlir::ValueRange arguments) {
    call(function, arguments);
    op->erase();
  }
  /// Tokens order nothing here: groups are counted.
  void replaceToken(mlir::Operation *op) {
    op->getResult(0).replaceAllUsesWith(
        mlir::arith::ConstantOp::create(b, b.getI32IntegerAttr(0)).getResult());
    op->erase();
  }

  /// Rewrites mbarriers, copies of boxes and products of warp groups.
  void rewriteForWarpGroups(mlir::Operation *op);
  void rewriteShuffle(mlir::gpu::ShuffleOp op);
  void rewriteMma(mlir::nvgpu::MmaSyncOp op);
  void rewriteLoadMatrix(mlir::nvgpu::LdMatrixOp op);
  void rewriteAsyncCopy(mlir::nvgpu::DeviceAsyncCopyOp op);
  void rewriteDynamicMemory(mlir::gpu::DynamicSharedMemoryOp op);
  void rewriteBoxCopy(mlir::NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp op);
  void rewriteWgmma(mlir::NVVM::WgmmaMmaAsyncOp op);
  void rewriteWgmmaWait(cnn::WgmmaWaitOp op);

  mlir::gpu::GPUFuncOp kernel;
  mlir::ImplicitLocOpBuilder b;
  mlir::SymbolTable &symbols;
  mlir::LLVM::LLVMPointerType pointer = mlir::LLVM::LLVMPointerType::get(b.getContext());
  mlir::func::FuncOp function;
  mlir::Value thread, exchange;
  /// Of buffers, which come first, and behind them.
  int64_t sharedBytes = 0, dynamicBytes;
  /// Operations so far at which threads meet.
  int32_t sites = 0;
};

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_EMULATEGPUKERNEL_H
