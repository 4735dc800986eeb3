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
  /// `dynamicBytes` of shared memory are reserved for `gpu.dynamic_shared_memory`.
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

  /// Calls `function` for this thread, and declares it in the module if that is not done yet.
  mlir::LLVM::CallOp call(const RuntimeFunction &function, mlir::ValueRange arguments);
  /// The 32-bit number at byte `offset` of convoy_gpu_thread, as an index.
  mlir::Value loadField(size_t offset);
  /// A pointer to the element at `indices`.
  mlir::Value getAddress(mlir::Value memref, mlir::ValueRange indices);
  /// Reports an access to shared memory to the emulator.
  void report(const Access &access);
  /// The vector with one dimension.
  mlir::Value flatten(mlir::Value vector);

  /// Replaces an operation by the field at byte `offset` of convoy_gpu_thread.
  void replaceByField(mlir::Operation *op, size_t offset) {
    op->getResult(0).replaceAllUsesWith(loadField(offset));
    op->erase();
  }
  /// The same for one of three fields in a row: x, y and z.
  template <typename OpTy> void replaceDimension(OpTy op, size_t offset) {
    replaceByField(op, offset + size_t(op.getDimension()) * sizeof(int32_t));
  }
  /// Replaces an operation whose results nothing uses by a call of `function`.
  void replaceByCall(mlir::Operation *op, const RuntimeFunction &function,
                     mlir::ValueRange arguments) {
    call(function, arguments);
    op->erase();
  }
  /// Replaces a token by a constant: the emulator counts groups and needs no order of tokens.
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
  /// Bytes of shared memory: of the kernel's buffers, which come first, and of the dynamic
  /// part after them.
  int64_t sharedBytes = 0, dynamicBytes;
  /// The number of operations so far at which threads meet.
  int32_t sites = 0;
};

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_EMULATEGPUKERNEL_H
