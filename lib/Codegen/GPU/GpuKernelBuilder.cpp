//===- GpuKernelBuilder.cpp - Helpers of the GPU kernel families ----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/GPU/GpuKernelBuilder.h"

#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"
#include "convoy/Machine/Gpu.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

#include <utility>

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;

static mlir::gpu::Dimension toDimension(int64_t dimension) {
  return mlir::gpu::Dimension(dimension);
}

Value GpuKernel::thread(int64_t dimension) {
  return mlir::gpu::ThreadIdOp::create(b, b.getIndexType(), toDimension(dimension));
}

Value GpuKernel::block(int64_t dimension) {
  return mlir::gpu::BlockIdOp::create(b, b.getIndexType(), toDimension(dimension));
}

Value GpuKernel::shared(ArrayRef<int64_t> shape, Type element) {
  auto space = mlir::gpu::AddressSpaceAttr::get(
      b.getContext(), mlir::gpu::GPUDialect::getWorkgroupAddressSpace());
  auto type = MemRefType::get(shape, element, MemRefLayoutAttrInterface(), space);
  Value buffer = function.addWorkgroupAttribution(type, b.getLoc());
  function.setWorkgroupAttributionAttr(function.getNumWorkgroupAttributions() - 1,
                                       StringRef("llvm.align"), b.getI64IntegerAttr(16));
  return buffer;
}

void GpuKernel::barrier() { mlir::gpu::BarrierOp::create(b); }

void GpuKernel::when(Value condition, llvm::function_ref<void()> body) {
  if (!condition)
    return body();
  emitIf(b, condition, body);
}

/// The size and alignment of a CUtensorMap.
static constexpr int64_t kMapBytes = 128, kMapAlignment = 64;

static bool isMemRef(Value value) { return isa<MemRefType>(value.getType()); }

LogicalResult GpuKernels::add(StringRef name, GpuExtents grid, GpuExtents block,
                              llvm::function_ref<void(GpuKernel &)> body,
                              int64_t scratchBytes) {
  return add(name, grid, block, body, scratchBytes, /*maps=*/{}, /*dynamicBytes=*/0);
}

LogicalResult GpuKernels::add(StringRef name, GpuExtents grid, GpuExtents block,
                              llvm::function_ref<void(GpuKernel &)> body, int64_t scratchBytes,
                              ArrayRef<GpuTensorMap> maps, int64_t dynamicBytes) {
  grid.resize(3, 1);
  block.resize(3, 1);
  // Limits of compute capability 3.0 and later.
  if (grid[0] > std::numeric_limits<int32_t>::max() || grid[1] > 65535 || grid[2] > 65535)
    return op->emitError("is too large for a grid of GPU blocks: use a smaller batch");
  ImplicitLocOpBuilder b(op->getLoc(), op->getContext());
  SmallVector<Type> types;
  for (Value operand : op->getOperands())
    if (isMemRef(operand)) {
      // Kernels compute indices in 32 bits.
      auto type = cast<MemRefType>(operand.getType());
      if (cnn::countSpan(type) > std::numeric_limits<int32_t>::max())
        return op->emitError("has a buffer of 2^31 elements or more, which GPU kernels "
                             "cannot index: use a smaller batch");
      types.push_back(type);
    }
  if (scratchBytes > 0)
    types.push_back(MemRefType::get({scratchBytes}, b.getI8Type()));
  if (rounds > 1)
    types.push_back(b.getIndexType());
  scratchSize = std::max(scratchSize, scratchBytes);
  unsigned firstMap = types.size();
  types.append(maps.size(), LLVM::LLVMPointerType::get(b.getContext()));

  b.setInsertionPointToEnd(module.getBody());
  auto function = mlir::gpu::GPUFuncOp::create(b, name, b.getFunctionType(types, {}));
  function->setAttr(mlir::gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  auto toArray = [&](const GpuExtents &extents) {
    return b.getDenseI32ArrayAttr(SmallVector<int32_t>(extents.begin(), extents.end()));
  };
  function.setKnownGridSizeAttr(toArray(grid));
  function.setKnownBlockSizeAttr(toArray(block));
  // Without this hint, ptxas spills registers to fit more blocks than it is worth.
  constexpr int64_t threadRegisters = 168;
  int64_t blocks = kGpuRegisters / (threadRegisters * llvm::product_of(block));
  function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                    b.getI32IntegerAttr(std::max<int64_t>(1, blocks)));
  symbols.insert(function);
  b.setInsertionPointToStart(&function.getBody().front());

  GpuKernel kernel{b, function, {}, Value(), Value(), {}};
  unsigned next = 0;
  for (Value operand : op->getOperands()) {
    if (isMemRef(operand)) {
      kernel.operands.push_back(function.getArgument(next++));
      continue;
    }
    Operation *constant = operand.getDefiningOp();
    if (!constant || !constant->hasTrait<OpTrait::ConstantLike>())
      return op->emitError("has an operand that is neither a buffer nor a constant");
    kernel.operands.push_back(b.clone(*constant)->getResult(0));
  }
  if (scratchBytes > 0)
    kernel.scratch = function.getArgument(next++);
  if (rounds > 1)
    kernel.round = function.getArgument(next);
  for (unsigned i = firstMap; i < types.size(); ++i) {
    // The map is the parameter itself, by value: the hardware reads it in place.
    function.setArgAttr(i, LLVM::LLVMDialect::getByValAttrName(),
                        TypeAttr::get(LLVM::LLVMArrayType::get(b.getI8Type(), kMapBytes)));
    function.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(),
                        b.getI64IntegerAttr(kMapAlignment));
    kernel.maps.push_back(function.getArgument(i));
  }
  body(kernel);
  b.setInsertionPointToEnd(&function.getBody().back());
  mlir::gpu::ReturnOp::create(b);
  launches.push_back({function, grid, block, std::exchange(computedFlops, 0),
                      llvm::to_vector_of<GpuTensorMap, 2>(maps), dynamicBytes});
  return success();
}

LogicalResult GpuKernels::addThreads(StringRef name, int64_t count,
                                     llvm::function_ref<void(GpuKernel &, Value)> body,
                                     int64_t scratchBytes) {
  int64_t threads = std::min(kGpuBlockThreads, int64_t(llvm::alignTo(count, 32)));
  int64_t blocks = llvm::divideCeil(count, threads);
  return add(
      name, {blocks}, {threads},
      [&](GpuKernel &kernel) {
        ImplicitLocOpBuilder &b = kernel.b;
        Value index = convoy::add(b, affine(b, kernel.block(), threads, 0), kernel.thread());
        Value exists = count == blocks * threads ? Value() : emitIsInside(b, index, count);
        kernel.when(exists, [&] { body(kernel, index); });
      },
      scratchBytes);
}

static constexpr llvm::StringLiteral kAligned = "cnn.aligned";

/// Whether a buffer of @main begins at a multiple of an access, as far as is known.
static bool isAlignedBuffer(Value buffer) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  if (!type)
    return false;
  auto isMultiple = [](std::optional<int64_t> bytes) {
    return bytes && *bytes % kGpuAccessBytes == 0;
  };
  if (auto view = buffer.getDefiningOp<memref::ViewOp>()) {
    // A view of the arena or the weights is aligned; inputs and outputs are allocated by the
    // caller.
    auto source = dyn_cast<BlockArgument>(view.getSource());
    return source && source.getArgNumber() < 2 &&
           isMultiple(getConstantIntValue(view.getByteShift()));
  }
  auto cast = buffer.getDefiningOp<memref::ReinterpretCastOp>();
  int64_t offset = std::get<1>(type.getStridesAndOffset());
  Type element = type.getElementType();
  return cast && !ShapedType::isDynamic(offset) && element.isIntOrFloat() &&
         isMultiple(offset * llvm::divideCeil(element.getIntOrFloatBitWidth(), 8)) &&
         isAlignedBuffer(cast.getSource());
}

void convoy::gpu::markAligned(Operation *op) {
  SmallVector<bool> aligned;
  for (Value operand : op->getOperands())
    aligned.push_back(isAlignedBuffer(operand));
  op->setAttr(kAligned, DenseBoolArrayAttr::get(op->getContext(), aligned));
}

bool convoy::gpu::isAligned(Operation *op, unsigned operand) {
  auto aligned = op->getAttrOfType<DenseBoolArrayAttr>(kAligned);
  return aligned && aligned[operand];
}

Value convoy::gpu::emitIsInside(ImplicitLocOpBuilder &b, Value value, int64_t extent) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, value, indexConstant(b, extent));
}

Value convoy::gpu::emitBoth(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  if (!lhs || !rhs)
    return lhs ? lhs : rhs;
  return arith::AndIOp::create(b, lhs, rhs);
}

int64_t convoy::gpu::getImageStride(Value buffer) {
  return cnn::getImageStride(cast<MemRefType>(buffer.getType()));
}

bool convoy::gpu::isGpuFloat(Type element) { return element.isF32() || element.isF16(); }

int64_t convoy::gpu::getAccessLanes(ArrayRef<Type> elements, int64_t count,
                                    llvm::function_ref<bool(int64_t)> fit) {
  // From this many elements on, a GPU is full even if each thread moves 8 of them.
  constexpr int64_t many = 1 << 18;
  unsigned widest = 0;
  for (Type element : elements) {
    unsigned bits = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
    if (bits > 32 || bits % 8 != 0)
      return 1;
    widest = std::max(widest, bits);
  }
  for (int64_t lanes : {2 * kGpuQuad, kGpuQuad})
    if ((lanes == kGpuQuad || (widest <= 16 && count >= many)) && count % lanes == 0 &&
        fit(lanes))
      return lanes;
  return 1;
}

/// The alignment of an access to `lanes` elements of type `element`.
static llvm::MaybeAlign getAlignment(Type element, int64_t lanes) {
  return llvm::MaybeAlign(
      std::min(kGpuAccessBytes, lanes * element.getIntOrFloatBitWidth() / 8));
}

/// `value` converted to elements of type `element`, if one type is f16 and the other f32.
static Value changeWidth(ImplicitLocOpBuilder &b, Value value, Type element) {
  Type from = getElementTypeOrSelf(value.getType());
  if (from == element || !isGpuFloat(from) || !isGpuFloat(element))
    return value;
  return emitCast(b, b.getLoc(), value, element);
}

/// A loaded value in the type in which kernels compute: f16 becomes f32.
static Value widen(ImplicitLocOpBuilder &b, Value loaded) {
  return changeWidth(b, loaded, b.getF32Type());
}

static Type getElementType(Value buffer) {
  return cast<MemRefType>(buffer.getType()).getElementType();
}

Value convoy::gpu::loadLanes(ImplicitLocOpBuilder &b, Value flat, Value index, int64_t lanes) {
  Type element = getElementType(flat);
  return widen(b, vector::LoadOp::create(b, VectorType::get({lanes}, element), flat, index,
                                         /*nontemporal=*/false, getAlignment(element, lanes)));
}

void convoy::gpu::storeLanes(ImplicitLocOpBuilder &b, Value value, Value flat, Value index) {
  Type element = getElementType(flat);
  value = changeWidth(b, value, element);
  vector::StoreOp::create(
      b, value, flat, index, /*nontemporal=*/false,
      getAlignment(element, cast<VectorType>(value.getType()).getNumElements()));
}

Value convoy::gpu::loadElements(ImplicitLocOpBuilder &b, Value flat, Value index,
                                int64_t lanes) {
  if (lanes == 1)
    return widen(b, memref::LoadOp::create(b, flat, index));
  return loadLanes(b, flat, index, lanes);
}

void convoy::gpu::storeElements(ImplicitLocOpBuilder &b, Value value, Value flat,
                                Value index) {
  if (isa<VectorType>(value.getType()))
    storeLanes(b, value, flat, index);
  else
    memref::StoreOp::create(b, changeWidth(b, value, getElementType(flat)), flat, index);
}

Value convoy::gpu::loadElementsOr(ImplicitLocOpBuilder &b, Value flat, Value index,
                                  int64_t lanes, Value inside, Value otherwise) {
  if (!inside)
    return loadElements(b, flat, index, lanes);
  // Without a branch, so that many loads are under way at once. If not `inside`, the first
  // element, which always exists, is read instead.
  index = arith::SelectOp::create(b, inside, index, indexConstant(b, 0));
  Value loaded = loadElements(b, flat, index, lanes);
  return arith::SelectOp::create(b, inside, loaded, otherwise);
}
