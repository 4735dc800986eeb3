//===- EmulateGpuKernel.cpp - A kernel as a function of one thread --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulateGpuKernel.h"

#include "convoy/Codegen/GPU/Emulation.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;

/// Bytes of a buffer on the thread's stack for the operands of a warp operation, 16 bytes
/// each, or for the sums of a warp group's product.
static constexpr int32_t kExchangeBytes = 512;

void KernelEmulation::makeFunction() {
  Block &body = kernel.getBody().front();
  unsigned arguments = kernel.getNumArguments();
  unsigned sharedBuffers = kernel.getNumWorkgroupAttributions();
  SmallVector<Type> types(body.getArgumentTypes());
  SmallVector<Location> locations;
  for (BlockArgument argument : body.getArguments())
    locations.push_back(argument.getLoc());

  SmallVector<int64_t> offsets;
  for (unsigned i = 0; i < sharedBuffers; ++i) {
    auto type = cast<MemRefType>(types[arguments + i]);
    offsets.push_back(sharedBytes);
    sharedBytes += llvm::alignTo(type.getNumElements() * getElementBytes(type), 16);
  }
  auto sharedType = MemRefType::get(
      {getSharedBytes()}, b.getI8Type(), AffineMap(),
      mlir::gpu::AddressSpaceAttr::get(b.getContext(), mlir::gpu::AddressSpace::Workgroup));
  SmallVector<Type> inputs = {pointer, sharedType};
  llvm::append_range(inputs, kernel.getArgumentTypes());
  function = func::FuncOp::create(b.getLoc(), kernel.getName(), b.getFunctionType(inputs, {}));
  function.setPrivate();
  function->setAttr(kEmulatedAttrName, b.getUnitAttr());
  symbols.insert(function);
  function.getBody().takeBody(kernel.getBody());

  body.insertArgument(0u, pointer, b.getLoc());
  body.insertArgument(1u, sharedType, b.getLoc());
  thread = body.getArgument(0);
  b.setInsertionPointToStart(&body);
  exchange = LLVM::AllocaOp::create(b, pointer, b.getI8Type(), getInt(kExchangeBytes, 64),
                                    /*alignment=*/16);
  for (unsigned i = arguments; i < types.size(); ++i) {
    Value buffer;
    if (i - arguments < sharedBuffers) {
      Value offset = arith::ConstantIndexOp::create(b, offsets[i - arguments]);
      buffer = memref::ViewOp::create(b, types[i], body.getArgument(1), offset, ValueRange());
    } else {
      buffer = memref::AllocaOp::create(b, cast<MemRefType>(types[i]));
    }
    body.getArgument(2 + arguments).replaceAllUsesWith(buffer);
    body.eraseArgument(2 + arguments);
  }

  // Launches still refer to the kernel, with its arguments.
  Block *empty = b.createBlock(&kernel.getBody());
  empty->addArguments(types, locations);
  b.setInsertionPointToStart(empty);
  mlir::gpu::ReturnOp::create(b);
}

LLVM::CallOp KernelEmulation::call(const RuntimeFunction &function, ValueRange arguments) {
  LLVM::LLVMFunctionType type = function.getType(b.getContext());
  if (!symbols.lookup(function.name)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&symbols.getOp()->getRegion(0).front());
    symbols.insert(LLVM::LLVMFuncOp::create(b, function.name, type));
  }
  SmallVector<Value> all = {thread};
  llvm::append_range(all, arguments);
  return LLVM::CallOp::create(b, type, function.name, all);
}

Value KernelEmulation::loadField(size_t offset) {
  Value number = LLVM::LoadOp::create(b, b.getI32Type(), getPointer(thread, int32_t(offset)),
                                      /*alignment=*/4, /*isVolatile=*/false,
                                      /*isNonTemporal=*/false, /*isInvariant=*/true);
  return arith::IndexCastUIOp::create(b, b.getIndexType(), number);
}

Value KernelEmulation::getAddress(Value memref, ValueRange indices) {
  auto type = cast<MemRefType>(memref.getType());
  auto [strides, offset] = type.getStridesAndOffset();
  SmallVector<OpFoldResult> strideValues;
  Value sum;
  if (ShapedType::isDynamic(offset) || llvm::any_of(strides, ShapedType::isDynamic)) {
    auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
    sum = metadata.getOffset();
    strideValues = metadata.getConstifiedMixedStrides();
  } else {
    sum = arith::ConstantIndexOp::create(b, offset);
    strideValues = getAsIndexOpFoldResult(b.getContext(), strides);
  }
  for (auto [index, stride] : llvm::zip_equal(indices, strideValues)) {
    Value step = getValueOrCreateConstantIndexOp(b, b.getLoc(), stride);
    sum = b.createOrFold<arith::AddIOp>(sum, b.createOrFold<arith::MulIOp>(index, step));
  }
  Value bytes = b.createOrFold<arith::MulIOp>(
      sum, arith::ConstantIndexOp::create(b, getElementBytes(type)));
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(b, memref);
  Value address = b.createOrFold<arith::AddIOp>(base, bytes);
  Value number = arith::IndexCastOp::create(b, b.getI64Type(), address);
  return LLVM::IntToPtrOp::create(b, pointer, number);
}

void KernelEmulation::report(const Access &access) {
  Value address = getAddress(access.memref, access.indices);
  auto vector = dyn_cast<VectorType>(access.type);
  int64_t element = getElementBytes(access.type);
  int64_t count = vector ? vector.getNumElements() : 1;
  Value isWrite = getInt(access.isWrite);
  if (!access.mask) {
    call(CONVOY_RUNTIME_FUNCTION(convoy_gpu_access),
         {address, getInt(element * count), isWrite});
    return;
  }
  for (int64_t lane = 0; lane < count; ++lane) {
    Value isOn = vector::ExtractOp::create(b, access.mask, lane);
    Value bytes = arith::SelectOp::create(b, isOn, getInt(element), getInt(0));
    // Lanes that are off may be outside of the buffer: for them, 0 bytes at its start are
    // reported.
    Value place = arith::SelectOp::create(
        b, isOn, getPointer(address, int32_t(lane * element)),
        LLVM::LoadOp::create(
            b, pointer, getPointer(thread, int32_t(offsetof(convoy_gpu_thread, shared)))));
    call(CONVOY_RUNTIME_FUNCTION(convoy_gpu_access), {place, bytes, isWrite});
  }
}

void KernelEmulation::rewrite(Operation *op) {
  if (isa<NVVM::NVVMDialect>(op->getDialect()) || isa<cnn::WgmmaWaitOp>(op))
    return rewriteForWarpGroups(op);
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](mlir::gpu::ThreadIdOp op) {
        replaceDimension(op, offsetof(convoy_gpu_thread, thread_id));
      })
      .Case([&](mlir::gpu::BlockIdOp op) {
        replaceDimension(op, offsetof(convoy_gpu_thread, block_id));
      })
      .Case([&](mlir::gpu::BlockDimOp op) {
        replaceDimension(op, offsetof(convoy_gpu_thread, block_dim));
      })
      .Case([&](mlir::gpu::GridDimOp op) {
        replaceDimension(op, offsetof(convoy_gpu_thread, grid_dim));
      })
      .Case([&](mlir::gpu::LaneIdOp op) {
        replaceByField(op, offsetof(convoy_gpu_thread, lane));
      })
      .Case([&](mlir::gpu::SubgroupIdOp op) {
        replaceByField(op, offsetof(convoy_gpu_thread, warp));
      })
      .Case([&](mlir::gpu::BarrierOp op) {
        call(CONVOY_RUNTIME_FUNCTION(convoy_gpu_barrier), {getNextSite()});
        op.erase();
      })
      .Case([&](mlir::gpu::ReturnOp op) {
        func::ReturnOp::create(b);
        op.erase();
      })
      .Case([&](mlir::gpu::ShuffleOp op) { rewriteShuffle(op); })
      .Case([&](nvgpu::MmaSyncOp op) { rewriteMma(op); })
      .Case([&](nvgpu::LdMatrixOp op) { rewriteLoadMatrix(op); })
      .Case([&](nvgpu::DeviceAsyncCopyOp op) { rewriteAsyncCopy(op); })
      .Case([&](nvgpu::DeviceAsyncCreateGroupOp op) {
        call(CONVOY_RUNTIME_FUNCTION(convoy_gpu_async_group), {});
        replaceToken(op);
      })
      .Case([&](nvgpu::DeviceAsyncWaitOp op) {
        call(CONVOY_RUNTIME_FUNCTION(convoy_gpu_async_wait),
             {getInt(op.getNumGroups().value_or(0))});
        op.erase();
      })
      .Case([&](mlir::gpu::DynamicSharedMemoryOp op) { rewriteDynamicMemory(op); })
      .Default([&](Operation *op) {
        if (std::optional<Access> access = getAccess(op))
          if (isWorkgroup(access->memref.getType()))
            report(*access);
      });
}

void KernelEmulation::rewriteForWarpGroups(Operation *op) {
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](NVVM::MBarrierInitOp op) {
        replaceByCall(op, CONVOY_RUNTIME_FUNCTION(convoy_gpu_mbarrier_init),
                      {op.getAddr(), op.getCount()});
      })
      .Case([&](NVVM::MBarrierArriveOp op) {
        replaceByCall(op, CONVOY_RUNTIME_FUNCTION(convoy_gpu_mbarrier_arrive),
                      {op.getAddr(), getInt(0)});
      })
      .Case([&](NVVM::MBarrierArriveExpectTxOp op) {
        replaceByCall(op, CONVOY_RUNTIME_FUNCTION(convoy_gpu_mbarrier_arrive),
                      {op.getAddr(), op.getTxcount()});
      })
      .Case([&](NVVM::MBarrierTryWaitParityOp op) {
        replaceByCall(op, CONVOY_RUNTIME_FUNCTION(convoy_gpu_mbarrier_wait),
                      {op.getAddr(), op.getPhase()});
      })
      .Case<NVVM::FenceMbarrierInitOp, NVVM::FenceProxyOp>([&](Operation *op) {
        replaceByCall(op, CONVOY_RUNTIME_FUNCTION(convoy_gpu_fence_async), {});
      })
      .Case([&](NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp op) { rewriteBoxCopy(op); })
      .Case([&](NVVM::WgmmaFenceAlignedOp op) {
        replaceByCall(op, CONVOY_RUNTIME_FUNCTION(convoy_gpu_wgmma_fence), getNextSite());
      })
      .Case([&](NVVM::WgmmaGroupSyncAlignedOp op) {
        replaceByCall(op, CONVOY_RUNTIME_FUNCTION(convoy_gpu_wgmma_commit), getNextSite());
      })
      .Case([&](NVVM::WgmmaWaitGroupSyncOp op) {
        replaceByCall(op, CONVOY_RUNTIME_FUNCTION(convoy_gpu_wgmma_wait),
                      {getNextSite(), getInt(op.getGroup()),
                       LLVM::ZeroOp::create(b, pointer).getResult()});
      })
      .Case([&](NVVM::WgmmaMmaAsyncOp op) { rewriteWgmma(op); })
      .Case([&](cnn::WgmmaWaitOp op) { rewriteWgmmaWait(op); });
}

/// Drops memory spaces, and makes integers of tokens: both mean nothing to the host.
void KernelEmulation::dropTypesOfGpus() {
  AttrTypeReplacer replacer;
  replacer.addReplacement([](MemRefType type) -> std::optional<Type> {
    if (!type.getMemorySpace())
      return std::nullopt;
    return MemRefType::get(type.getShape(), type.getElementType(), type.getLayout());
  });
  replacer.addReplacement([](LLVM::LLVMPointerType type) -> std::optional<Type> {
    return LLVM::LLVMPointerType::get(type.getContext());
  });
  replacer.addReplacement([](nvgpu::DeviceAsyncTokenType type) -> std::optional<Type> {
    return IntegerType::get(type.getContext(), 32);
  });
  replacer.recursivelyReplaceElementsIn(function, /*replaceAttrs=*/true,
                                        /*replaceLocs=*/false, /*replaceTypes=*/true);
}
