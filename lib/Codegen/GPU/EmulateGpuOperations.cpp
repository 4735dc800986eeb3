//===- EmulateGpuOperations.cpp - Calls of the emulator for operations ----===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulateGpuKernel.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;

// Shuffle modes are passed to the emulator as these numbers.
static_assert(int(mlir::gpu::ShuffleMode::XOR) == CONVOY_SHUFFLE_XOR &&
              int(mlir::gpu::ShuffleMode::DOWN) == CONVOY_SHUFFLE_DOWN &&
              int(mlir::gpu::ShuffleMode::UP) == CONVOY_SHUFFLE_UP &&
              int(mlir::gpu::ShuffleMode::IDX) == CONVOY_SHUFFLE_IDX);

Value KernelEmulation::flatten(Value vector) {
  auto type = cast<VectorType>(vector.getType());
  auto flat = VectorType::get({type.getNumElements()}, type.getElementType());
  return type == flat ? vector : vector::ShapeCastOp::create(b, flat, vector);
}

void KernelEmulation::rewriteShuffle(mlir::gpu::ShuffleOp op) {
  Type type = op.getValue().getType();
  auto vector = dyn_cast<VectorType>(type);
  int64_t bytes = getElementBytes(type) * (vector ? vector.getNumElements() : 1);
  LLVM::StoreOp::create(b, op.getValue(), exchange);
  Value valid = call(CONVOY_RUNTIME_FUNCTION(convoy_gpu_shuffle),
                     {getNextSite(), getInt(int32_t(op.getMode())), exchange, getInt(bytes),
                      op.getOffset(), op.getWidth()})
                    .getResult();
  Value isValid = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, valid, getInt(0));
  Value result = LLVM::LoadOp::create(b, type, exchange);
  op->replaceAllUsesWith(ValueRange{result, isValid});
  op.erase();
}

void KernelEmulation::rewriteMma(nvgpu::MmaSyncOp op) {
  Value places[] = {exchange, getPointer(exchange, 16), getPointer(exchange, 32)};
  Value sums = flatten(op.getMatrixC());
  LLVM::StoreOp::create(b, flatten(op.getMatrixA()), places[0]);
  LLVM::StoreOp::create(b, flatten(op.getMatrixB()), places[1]);
  LLVM::StoreOp::create(b, sums, places[2]);
  bool isF16 = op.getMatrixA().getType().getElementType().isF16();
  call(CONVOY_RUNTIME_FUNCTION(convoy_gpu_mma),
       {getNextSite(), getInt(op.getMmaShapeAsArray()[2]), getInt(isF16), places[0], places[1],
        places[2]});
  Value result = LLVM::LoadOp::create(b, sums.getType(), places[2]);
  op.replaceAllUsesWith(
      Value(vector::ShapeCastOp::create(b, cast<VectorType>(op.getType()), result)));
  op.erase();
}

void KernelEmulation::rewriteLoadMatrix(nvgpu::LdMatrixOp op) {
  auto type = cast<VectorType>(op.getType());
  Value row = getAddress(op.getSrcMemref(), op.getIndices());
  call(CONVOY_RUNTIME_FUNCTION(convoy_gpu_load_matrix),
       {getNextSite(), row, exchange, getInt(op.getNumTiles()), getInt(op.getTranspose())});
  auto flat = VectorType::get({type.getNumElements()}, type.getElementType());
  Value result = LLVM::LoadOp::create(b, flat, exchange);
  op.replaceAllUsesWith(Value(vector::ShapeCastOp::create(b, type, result)));
  op.erase();
}

void KernelEmulation::rewriteAsyncCopy(nvgpu::DeviceAsyncCopyOp op) {
  int64_t element = getElementBytes(op.getDst().getType());
  Value bytes = getInt(op.getDstElements().getSExtValue() * element);
  Value fromBytes = bytes;
  if (Value count = op.getSrcElements()) {
    Value product =
        arith::MulIOp::create(b, count, arith::ConstantIndexOp::create(b, element));
    fromBytes = arith::IndexCastOp::create(b, b.getI32Type(), product);
  }
  call(CONVOY_RUNTIME_FUNCTION(convoy_gpu_async_copy),
       {getAddress(op.getDst(), op.getDstIndices()),
        getAddress(op.getSrc(), op.getSrcIndices()), bytes, fromBytes});
  replaceToken(op);
}

void KernelEmulation::rewriteDynamicMemory(mlir::gpu::DynamicSharedMemoryOp op) {
  Value offset = arith::ConstantIndexOp::create(b, sharedBytes);
  Value size = arith::ConstantIndexOp::create(b, dynamicBytes);
  Value shared = function.getArgument(1);
  op.replaceAllUsesWith(
      Value(memref::ViewOp::create(b, op.getType(), shared, offset, ValueRange{size})));
  op.erase();
}

void KernelEmulation::rewriteBoxCopy(NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp op) {
  for (auto [i, coordinate] : llvm::enumerate(op.getCoordinates()))
    LLVM::StoreOp::create(b, coordinate, getPointer(exchange, int32_t(i) * 4));
  replaceByCall(op, CONVOY_RUNTIME_FUNCTION(convoy_gpu_copy_box),
                {op.getDstMem(), op.getTmaDescriptor(), exchange,
                 getInt(op.getCoordinates().size()), op.getMbar()});
}

void KernelEmulation::rewriteWgmma(NVVM::WgmmaMmaAsyncOp op) {
  LLVM::StoreOp::create(b, op.getInouts(), exchange);
  bool isF16 = op.getTypeA() == NVVM::WGMMATypes::f16;
  bool adds = op.getScaleD() == NVVM::WGMMAScaleOut::one;
  call(CONVOY_RUNTIME_FUNCTION(convoy_gpu_wgmma),
       {getNextSite(), op.getDescriptorA(), op.getDescriptorB(), getInt(op.getShape().getN()),
        getInt(isF16), getInt(adds), exchange});
  op.replaceAllUsesWith(
      LLVM::LoadOp::create(b, op.getInouts().getType(), exchange).getResult());
  op.erase();
}

void KernelEmulation::rewriteWgmmaWait(cnn::WgmmaWaitOp op) {
  LLVM::StoreOp::create(b, op.getStarted(), exchange);
  call(CONVOY_RUNTIME_FUNCTION(convoy_gpu_wgmma_wait),
       {getNextSite(), getInt(op.getPending()), exchange});
  op.replaceAllUsesWith(
      LLVM::LoadOp::create(b, op.getStarted().getType(), exchange).getResult());
  op.erase();
}
