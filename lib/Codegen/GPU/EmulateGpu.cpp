//===- EmulateGpu.cpp - GPU kernels as functions of one thread ------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/GPU/Emulation.h"
#include "convoy/Codegen/Passes.h"
#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/TypeSwitch.h"

namespace convoy {
#define GEN_PASS_DEF_CNNEMULATEGPU
#include "convoy/Codegen/Passes.h.inc"
} // namespace convoy

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;

namespace {

constexpr llvm::StringLiteral kAccess = "convoy_gpu_access";
constexpr llvm::StringLiteral kBarrier = "convoy_gpu_barrier";
constexpr llvm::StringLiteral kShuffle = "convoy_gpu_shuffle";
constexpr llvm::StringLiteral kMma = "convoy_gpu_mma";
constexpr llvm::StringLiteral kLoadMatrix = "convoy_gpu_load_matrix";
constexpr llvm::StringLiteral kAsyncCopy = "convoy_gpu_async_copy";
constexpr llvm::StringLiteral kAsyncGroup = "convoy_gpu_async_group";
constexpr llvm::StringLiteral kAsyncWait = "convoy_gpu_async_wait";
constexpr llvm::StringLiteral kMbarrierInit = "convoy_gpu_mbarrier_init";
constexpr llvm::StringLiteral kMbarrierArrive = "convoy_gpu_mbarrier_arrive";
constexpr llvm::StringLiteral kMbarrierWait = "convoy_gpu_mbarrier_wait";
constexpr llvm::StringLiteral kFenceAsync = "convoy_gpu_fence_async";
constexpr llvm::StringLiteral kCopyBox = "convoy_gpu_copy_box";
constexpr llvm::StringLiteral kWgmma = "convoy_gpu_wgmma";
constexpr llvm::StringLiteral kWgmmaFence = "convoy_gpu_wgmma_fence";
constexpr llvm::StringLiteral kWgmmaCommit = "convoy_gpu_wgmma_commit";
constexpr llvm::StringLiteral kWgmmaWait = "convoy_gpu_wgmma_wait";

/// Operands of warp operations lie here, on the thread's stack, 16 bytes each; or the sums
/// of a warp group's product.
constexpr int32_t kExchangeBytes = 512;

bool isWorkgroup(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  return memref && mlir::gpu::GPUDialect::hasWorkgroupMemoryAddressSpace(memref);
}

int64_t getElementBytes(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isIndex() ? 8 : (element.getIntOrFloatBitWidth() + 7) / 8;
}

//===----------------------------------------------------------------------===//
// What can be emulated
//===----------------------------------------------------------------------===//

LogicalResult verifyMma(nvgpu::MmaSyncOp op) {
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

LogicalResult verifyWgmma(NVVM::WgmmaMmaAsyncOp op) {
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

LogicalResult verifyBoxCopy(NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp op) {
  if (op.getMode() == NVVM::TMALoadMode::TILE && !op.getMulticastMask() &&
      !op.getL2CacheHint() && !op.getPredicate())
    return success();
  return op.emitOpError("cannot be emulated: use tiles, for the own block");
}

/// Accesses to memory whose address and size are known.
struct Access {
  Value memref;
  ValueRange indices;
  Type type;
  bool isWrite;
  Value mask;
};

std::optional<Access> getAccess(Operation *op) {
  using Result = std::optional<Access>;
  // Rows of a vector with several dimensions lie apart.
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
        // As plain as vector.load and store, or not at all.
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

LogicalResult verifyOp(Operation *op) {
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

//===----------------------------------------------------------------------===//
// One kernel
//===----------------------------------------------------------------------===//

class KernelEmulation {
public:
  /// `dynamicBytes` of shared memory are there for `gpu.dynamic_shared_memory`.
  KernelEmulation(mlir::gpu::GPUFuncOp kernel, SymbolTable &symbols, int64_t dynamicBytes)
      : kernel(kernel), b(kernel.getLoc(), kernel.getContext()), symbols(symbols),
        dynamicBytes(dynamicBytes) {}

  /// Moves the kernel's body into a function of one thread.
  func::FuncOp run() {
    makeFunction();
    SmallVector<Operation *> ops;
    function.walk([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : ops) {
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
  void rewrite(Operation *op);
  void dropTypesOfGpus();

  Value getInt(int64_t value, int width = 32) {
    return LLVM::ConstantOp::create(b, b.getIntegerType(width), value);
  }
  Value getPointer(Value base, int32_t bytes) {
    return LLVM::GEPOp::create(b, pointer, b.getI8Type(), base, ArrayRef<LLVM::GEPArg>{bytes});
  }
  Value getNextSite() { return getInt(sites++); }

  LLVM::CallOp call(StringRef name, ValueRange arguments, Type result = {});
  Value loadField(ThreadField field, int32_t index = 0);
  Value getAddress(Value memref, ValueRange indices);
  void report(const Access &access);
  Value flatten(Value vector);

  void replaceDimension(Operation *op, ThreadField field, mlir::gpu::Dimension dimension) {
    op->getResult(0).replaceAllUsesWith(loadField(field, int32_t(dimension) * 4));
    op->erase();
  }
  void rewriteShuffle(mlir::gpu::ShuffleOp op);
  void rewriteMma(nvgpu::MmaSyncOp op);
  void rewriteLoadMatrix(nvgpu::LdMatrixOp op);
  void rewriteAsyncCopy(nvgpu::DeviceAsyncCopyOp op);
  void rewriteDynamicMemory(mlir::gpu::DynamicSharedMemoryOp op);
  void rewriteBoxCopy(NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp op);
  void rewriteWgmma(NVVM::WgmmaMmaAsyncOp op);
  void rewriteWgmmaWait(cnn::WgmmaWaitOp op);
  /// Calls the function instead of an operation that gives nothing of use.
  void replaceByCall(Operation *op, StringRef name, ValueRange arguments) {
    call(name, arguments);
    op->erase();
  }
  /// Tokens order nothing here: groups are counted.
  void replaceToken(Operation *op) {
    op->getResult(0).replaceAllUsesWith(
        arith::ConstantOp::create(b, b.getI32IntegerAttr(0)).getResult());
    op->erase();
  }

  mlir::gpu::GPUFuncOp kernel;
  ImplicitLocOpBuilder b;
  SymbolTable &symbols;
  LLVM::LLVMPointerType pointer = LLVM::LLVMPointerType::get(b.getContext());
  func::FuncOp function;
  Value thread, exchange;
  /// Of buffers, which come first, and behind them.
  int64_t sharedBytes = 0, dynamicBytes;
  /// Operations so far at which threads meet.
  int32_t sites = 0;
};

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

  // Launches must find the kernel with its arguments.
  Block *empty = b.createBlock(&kernel.getBody());
  empty->addArguments(types, locations);
  b.setInsertionPointToStart(empty);
  mlir::gpu::ReturnOp::create(b);
}

LLVM::CallOp KernelEmulation::call(StringRef name, ValueRange arguments, Type result) {
  SmallVector<Value> all = {thread};
  llvm::append_range(all, arguments);
  if (!symbols.lookup(name)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&symbols.getOp()->getRegion(0).front());
    SmallVector<Type> types;
    for (Value value : all)
      types.push_back(isa<LLVM::LLVMPointerType>(value.getType()) ? pointer : value.getType());
    Type returned = result ? result : LLVM::LLVMVoidType::get(b.getContext());
    symbols.insert(
        LLVM::LLVMFuncOp::create(b, name, LLVM::LLVMFunctionType::get(returned, types)));
  }
  return LLVM::CallOp::create(b, result ? TypeRange(result) : TypeRange(), name, all);
}

Value KernelEmulation::loadField(ThreadField field, int32_t index) {
  Value number =
      LLVM::LoadOp::create(b, b.getI32Type(), getPointer(thread, int32_t(field) + index),
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
    call(kAccess, {address, getInt(element * count), isWrite});
    return;
  }
  for (int64_t lane = 0; lane < count; ++lane) {
    Value isOn = vector::ExtractOp::create(b, access.mask, lane);
    Value bytes = arith::SelectOp::create(b, isOn, getInt(element), getInt(0));
    // Lanes that are off may lie outside.
    Value place = arith::SelectOp::create(
        b, isOn, getPointer(address, int32_t(lane * element)),
        LLVM::LoadOp::create(b, pointer, getPointer(thread, int32_t(ThreadField::Shared))));
    call(kAccess, {place, bytes, isWrite});
  }
}

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
  Value valid = call(kShuffle,
                     {getNextSite(), getInt(int32_t(op.getMode())), exchange, getInt(bytes),
                      op.getOffset(), op.getWidth()},
                     b.getI32Type())
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
  call(kMma, {getNextSite(), getInt(op.getMmaShapeAsArray()[2]), getInt(isF16), places[0],
              places[1], places[2]});
  Value result = LLVM::LoadOp::create(b, sums.getType(), places[2]);
  op.replaceAllUsesWith(
      Value(vector::ShapeCastOp::create(b, cast<VectorType>(op.getType()), result)));
  op.erase();
}

void KernelEmulation::rewriteLoadMatrix(nvgpu::LdMatrixOp op) {
  auto type = cast<VectorType>(op.getType());
  Value row = getAddress(op.getSrcMemref(), op.getIndices());
  call(kLoadMatrix,
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
  call(kAsyncCopy, {getAddress(op.getDst(), op.getDstIndices()),
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
  replaceByCall(op, kCopyBox,
                {op.getDstMem(), op.getTmaDescriptor(), exchange,
                 getInt(op.getCoordinates().size()), op.getMbar()});
}

void KernelEmulation::rewriteWgmma(NVVM::WgmmaMmaAsyncOp op) {
  LLVM::StoreOp::create(b, op.getInouts(), exchange);
  bool isF16 = op.getTypeA() == NVVM::WGMMATypes::f16;
  bool adds = op.getScaleD() == NVVM::WGMMAScaleOut::one;
  call(kWgmma, {getNextSite(), op.getDescriptorA(), op.getDescriptorB(),
                getInt(op.getShape().getN()), getInt(isF16), getInt(adds), exchange});
  op.replaceAllUsesWith(
      LLVM::LoadOp::create(b, op.getInouts().getType(), exchange).getResult());
  op.erase();
}

void KernelEmulation::rewriteWgmmaWait(cnn::WgmmaWaitOp op) {
  LLVM::StoreOp::create(b, op.getStarted(), exchange);
  call(kWgmmaWait, {getNextSite(), getInt(op.getPending()), exchange});
  op.replaceAllUsesWith(
      LLVM::LoadOp::create(b, op.getStarted().getType(), exchange).getResult());
  op.erase();
}

void KernelEmulation::rewrite(Operation *op) {
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](mlir::gpu::ThreadIdOp op) {
        replaceDimension(op, ThreadField::ThreadId, op.getDimension());
      })
      .Case([&](mlir::gpu::BlockIdOp op) {
        replaceDimension(op, ThreadField::BlockId, op.getDimension());
      })
      .Case([&](mlir::gpu::BlockDimOp op) {
        replaceDimension(op, ThreadField::BlockDim, op.getDimension());
      })
      .Case([&](mlir::gpu::GridDimOp op) {
        replaceDimension(op, ThreadField::GridDim, op.getDimension());
      })
      .Case([&](mlir::gpu::LaneIdOp op) {
        replaceDimension(op, ThreadField::Lane, mlir::gpu::Dimension::x);
      })
      .Case([&](mlir::gpu::SubgroupIdOp op) {
        replaceDimension(op, ThreadField::Warp, mlir::gpu::Dimension::x);
      })
      .Case([&](mlir::gpu::BarrierOp op) {
        call(kBarrier, {getNextSite()});
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
        call(kAsyncGroup, {});
        replaceToken(op);
      })
      .Case([&](nvgpu::DeviceAsyncWaitOp op) {
        call(kAsyncWait, {getInt(op.getNumGroups().value_or(0))});
        op.erase();
      })
      .Case([&](mlir::gpu::DynamicSharedMemoryOp op) { rewriteDynamicMemory(op); })
      .Case([&](NVVM::MBarrierInitOp op) {
        replaceByCall(op, kMbarrierInit, {op.getAddr(), op.getCount()});
      })
      .Case([&](NVVM::MBarrierArriveOp op) {
        replaceByCall(op, kMbarrierArrive, {op.getAddr(), getInt(0)});
      })
      .Case([&](NVVM::MBarrierArriveExpectTxOp op) {
        replaceByCall(op, kMbarrierArrive, {op.getAddr(), op.getTxcount()});
      })
      .Case([&](NVVM::MBarrierTryWaitParityOp op) {
        replaceByCall(op, kMbarrierWait, {op.getAddr(), op.getPhase()});
      })
      .Case<NVVM::FenceMbarrierInitOp, NVVM::FenceProxyOp>(
          [&](Operation *op) { replaceByCall(op, kFenceAsync, {}); })
      .Case([&](NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp op) { rewriteBoxCopy(op); })
      .Case(
          [&](NVVM::WgmmaFenceAlignedOp op) { replaceByCall(op, kWgmmaFence, getNextSite()); })
      .Case([&](NVVM::WgmmaGroupSyncAlignedOp op) {
        replaceByCall(op, kWgmmaCommit, getNextSite());
      })
      .Case([&](NVVM::WgmmaWaitGroupSyncOp op) {
        replaceByCall(op, kWgmmaWait,
                      {getNextSite(), getInt(op.getGroup()),
                       LLVM::ZeroOp::create(b, pointer).getResult()});
      })
      .Case([&](NVVM::WgmmaMmaAsyncOp op) { rewriteWgmma(op); })
      .Case([&](cnn::WgmmaWaitOp op) { rewriteWgmmaWait(op); })
      .Default([&](Operation *op) {
        if (std::optional<Access> access = getAccess(op))
          if (isWorkgroup(access->memref.getType()))
            report(*access);
      });
}

/// Memory spaces and tokens mean nothing to the host.
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

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

struct EmulateGpu : convoy::impl::CnnEmulateGpuBase<EmulateGpu> {
  using CnnEmulateGpuBase::CnnEmulateGpuBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<cnn::TargetAttr> target = cnn::requireTarget(module);
    if (failed(target))
      return signalPassFailure();
    cnn::GpuAttr gpu = target->getGpu();
    if (!gpu || gpu.getPlatform() != cnn::GpuPlatform::emulator)
      return;
    SymbolTable symbols(module);
    OpBuilder builder(module.getContext());
    llvm::DenseMap<Attribute, int64_t> dynamicBytes;
    module.walk([&](mlir::gpu::LaunchFuncOp launch) {
      int64_t &bytes = dynamicBytes[launch.getKernel()];
      if (Value size = launch.getDynamicSharedMemorySize())
        bytes = std::max(bytes, getConstantIntValue(size).value_or(0));
    });
    llvm::DenseMap<Attribute, std::pair<FlatSymbolRefAttr, int64_t>> emulated;
    for (auto kernels : module.getOps<mlir::gpu::GPUModuleOp>())
      for (auto kernel : kernels.getOps<mlir::gpu::GPUFuncOp>()) {
        WalkResult result = kernel.walk([](Operation *op) {
          return isa<mlir::gpu::GPUFuncOp>(op) || succeeded(verifyOp(op))
                     ? WalkResult::advance()
                     : WalkResult::interrupt();
        });
        if (result.wasInterrupted())
          return signalPassFailure();
        auto name = SymbolRefAttr::get(kernels.getSymNameAttr(),
                                       {FlatSymbolRefAttr::get(kernel.getNameAttr())});
        KernelEmulation emulation(kernel, symbols, dynamicBytes.lookup(name));
        func::FuncOp function = emulation.run();
        emulated[name] = {FlatSymbolRefAttr::get(function), emulation.getSharedBytes()};
      }
    module.walk([&](mlir::gpu::LaunchFuncOp launch) {
      auto [function, bytes] = emulated.lookup(launch.getKernel());
      launch->setAttr(kEmulatedAttrName, function);
      launch->setAttr(kSharedBytesAttrName, builder.getI64IntegerAttr(bytes));
    });
  }
};

} // namespace
