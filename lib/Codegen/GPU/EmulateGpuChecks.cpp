//===- EmulateGpuChecks.cpp - What can be emulated ------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulateGpuChecks.h"

#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;

bool convoy::gpu::isWorkgroup(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  return memref && mlir::gpu::GPUDialect::hasWorkgroupMemoryAddressSpace(memref);
}

int64_t convoy::gpu::getElementBytes(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isIndex() ? 8 : (element.getIntOrFloatBitWidth() + 7) / 8;
}

static LogicalResult verifyMma(nvgpu::MmaSyncOp op) {
  std::array<int64_t, 3> shape = op.getMmaShapeAsArray();
  Type element = op.getMatrixA().getType().getElementType();
  bool isKnown =
      shape[0] == 16 && shape[1] == 8 && op.getMatrixC().getType().getElementType().isF32();
  if (element.isF32())
    isKnown &= op.getTf32Enabled().has_value() && (shape[2] == 4 || shape[2] == 8);
  else
    isKnown &= element.isF16() && (shape[2] == 8 || shape[2] == 16);
  if (isKnown)
    return success();
  return op.emitOpError("cannot be emulated: use tf32 m16n8k4 or m16n8k8, or f16 m16n8k8 or "
                        "m16n8k16, with f32 sums");
}

static LogicalResult verifyWgmma(NVVM::WgmmaMmaAsyncOp op) {
  auto type = cast<LLVM::LLVMStructType>(op.getInouts().getType());
  NVVM::MMAShapeAttr shape = op.getShape();
  bool half = op.getTypeA() == NVVM::WGMMATypes::f16;
  bool isKnown =
      op.getTypeA() == op.getTypeB() && op.getTypeD() == NVVM::WGMMATypes::f32 &&
      (half || op.getTypeA() == NVVM::WGMMATypes::tf32) && shape.getK() == (half ? 16 : 8) &&
      type.getBody().size() * 2 == size_t(shape.getN()) &&
      op.getScaleA() == NVVM::WGMMAScaleIn::one && op.getScaleB() == NVVM::WGMMAScaleIn::one &&
      op.getLayoutA() == NVVM::MMALayout::row && op.getLayoutB() == NVVM::MMALayout::col;
  if (isKnown)
    return success();
  return op.emitOpError("cannot be emulated: use tf32 or f16 with the sum's dimension "
                        "innermost, and f32 sums");
}

static LogicalResult verifyBoxCopy(NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp op) {
  if (op.getMode() == NVVM::TMALoadMode::TILE && !op.getMulticastMask() &&
      !op.getL2CacheHint() && !op.getPredicate())
    return success();
  return op.emitOpError("cannot be emulated: use tiles, without multicast, cache hint "
                        "or predicate");
}

std::optional<Access> convoy::gpu::getAccess(Operation *op) {
  using Result = std::optional<Access>;
  // The rows of a vector with several dimensions are apart in memory.
  auto isMatrix = [](Type type) {
    auto vector = dyn_cast<VectorType>(type);
    return vector && vector.getRank() > 1;
  };
  if (llvm::any_of(op->getOperandTypes(), isMatrix) ||
      llvm::any_of(op->getResultTypes(), isMatrix))
    return std::nullopt;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([](memref::LoadOp op) {
        return Access{op.getMemRef(), op.getIndices(), op.getType(), false, {}};
      })
      .Case([](memref::StoreOp op) {
        return Access{op.getMemRef(), op.getIndices(), op.getValue().getType(), true, {}};
      })
      .Case([](vector::LoadOp op) {
        return Access{op.getBase(), op.getIndices(), op.getType(), false, {}};
      })
      .Case([](vector::StoreOp op) {
        return Access{op.getBase(), op.getIndices(), op.getValueToStore().getType(), true, {}};
      })
      .Case([](vector::MaskedLoadOp op) {
        return Access{op.getBase(), op.getIndices(), op.getType(), false, op.getMask()};
      })
      .Case([](vector::MaskedStoreOp op) {
        return Access{op.getBase(), op.getIndices(), op.getValueToStore().getType(), true,
                      op.getMask()};
      })
      .Case([](VectorTransferOpInterface op) -> Result {
        // Only transfers that do the same as vector.load or vector.store.
        if (op.hasOutOfBoundsDim() || op.getMask() ||
            !op.getPermutationMap().isMinorIdentity())
          return std::nullopt;
        return Access{op.getBase(),
                      op.getIndices(),
                      op.getVectorType(),
                      isa<vector::TransferWriteOp>(op),
                      {}};
      })
      .Default([](Operation *) { return std::nullopt; });
}

LogicalResult convoy::gpu::verifyEmulated(Operation *op) {
  if (auto mma = dyn_cast<nvgpu::MmaSyncOp>(op))
    return verifyMma(mma);
  if (auto wgmma = dyn_cast<NVVM::WgmmaMmaAsyncOp>(op))
    return verifyWgmma(wgmma);
  if (auto copy = dyn_cast<NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp>(op))
    return verifyBoxCopy(copy);
  if (isa<mlir::gpu::DynamicSharedMemoryOp, NVVM::MBarrierInitOp, NVVM::MBarrierArriveOp,
          NVVM::MBarrierArriveExpectTxOp, NVVM::MBarrierTryWaitParityOp,
          NVVM::FenceMbarrierInitOp, NVVM::FenceProxyOp, NVVM::WgmmaFenceAlignedOp,
          NVVM::WgmmaGroupSyncAlignedOp, NVVM::WgmmaWaitGroupSyncOp, cnn::WgmmaWaitOp,
          LLVM::IntToPtrOp, LLVM::ExtractValueOp, LLVM::UndefOp>(op))
    return success();
  if (isa<mlir::gpu::ThreadIdOp, mlir::gpu::BlockIdOp, mlir::gpu::BlockDimOp,
          mlir::gpu::GridDimOp, mlir::gpu::LaneIdOp, mlir::gpu::SubgroupIdOp,
          mlir::gpu::BarrierOp, mlir::gpu::ShuffleOp, mlir::gpu::ReturnOp, nvgpu::LdMatrixOp,
          nvgpu::DeviceAsyncCopyOp, nvgpu::DeviceAsyncCreateGroupOp, nvgpu::DeviceAsyncWaitOp>(
          op))
    return success();
  if (!isa<affine::AffineDialect, arith::ArithDialect, cf::ControlFlowDialect,
           math::MathDialect, memref::MemRefDialect, scf::SCFDialect, ub::UBDialect,
           vector::VectorDialect>(op->getDialect()))
    return op->emitOpError("cannot be emulated; docs/gpu.md says what a kernel may use");
  if (!llvm::any_of(op->getOperandTypes(), isWorkgroup) || getAccess(op))
    return success();
  auto effects = dyn_cast<MemoryEffectOpInterface>(op);
  if (effects && !effects.hasNoEffect())
    return op->emitOpError("on shared memory cannot be emulated: use loads and stores of "
                           "scalars and of vectors with one dimension");
  return success();
}
