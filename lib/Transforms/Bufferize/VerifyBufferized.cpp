//===- VerifyBufferized.cpp - Pass cnn-verify-bufferized ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/BufferPlan.h"
#include "convoy/Dialect/Cnn/Utils/Program.h"
#include "convoy/Transforms/Bufferize/Passes.h"
#include "convoy/Transforms/Utils/PhaseBorder.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNVERIFYBUFFERIZED
#include "convoy/Transforms/Bufferize/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

std::string onlyMain(Operation *op) {
  return cast<func::FuncOp>(op).getName() == "main" ? "" : "only @main is compiled";
}

/// The operation has a kernel, and its operands are contiguous memrefs or, for some
/// operations, slices of images.
std::string memrefForm(Operation *op) {
  if (std::string reason = whyNoKernel(op); !reason.empty())
    return reason;
  if (!cast<DestinationOpInterface>(op).hasMemRefForm())
    return "it is on tensors";
  for (OpOperand &operand : op->getOpOperands())
    if (auto type = cast<MemRefType>(operand.get().getType());
        !type.getLayout().isIdentity() &&
        !(op->hasTrait<TakesImageSlices>() && hasContiguousImages(type)))
      return "operand " + std::to_string(operand.getOperandNumber()) + " is not contiguous";
  return "";
}

/// Tables that bodies look up are vectors.
std::string noTensor(Operation *op) {
  return llvm::any_of(op->getResultTypes(), llvm::IsaPred<TensorType, MemRefType>)
             ? "it is neither a scalar nor a vector"
             : "";
}

std::string onMemRefs(Operation *op) {
  return cast<linalg::LinalgOp>(op).hasPureBufferSemantics() ? "" : "it is on tensors";
}

std::string atConstantOffset(Operation *op) {
  return matchPattern(cast<memref::ViewOp>(op).getByteShift(), m_Constant())
             ? ""
             : "it is not at a constant offset";
}

std::string withoutResults(Operation *op) {
  bool hasNone = op->getNumResults() == 0 &&
                 llvm::all_of(op->getRegions(),
                              [](Region &region) { return region.getNumArguments() == 0; });
  return hasNone || insideCompute(op).empty() ? "" : "it has results or variables";
}

const BorderRow kTable[] = {
    // The frame.
    {"func.func", onlyMain},
    {"func.return", fine},
    {"arith.constant", noTensor},
    // Views of the arena, the weights, inputs and outputs.
    {"memref.view", atConstantOffset},
    {"memref.reinterpret_cast", fine},
    // Operations with a kernel of their own, and the rest of asynchronous communication.
    {"cnn.await", fine},
    {"cnn.release", fine},
    {"cnn.check_range", fine},
    {"cnn.limit_loop", fine},
    {"cnn.yield", fine},
    {"cnn.*", memrefForm},
    {"memref.copy", fine},
    // The generic kernel: linalg around scalar arithmetic.
    {"arith.*", insideBody},
    {"math.*", insideBody},
    {"vector.extract", insideBody},
    {"memref.load", conditionOrInBody},
    {"linalg.index", insideLinalg},
    {"linalg.yield", insideLinalg},
    {"linalg.*", onMemRefs},
    // The bodies of cnn.compute.
    {"memref.store", insideCompute},
    {"scf.if", withoutResults},
    {"scf.while", withoutResults},
    {"scf.condition", inBranchLoopOrCompute},
    {"scf.yield", inBranchLoopOrCompute},
    {"scf.*", insideCompute},
    {"builtin.unrealized_conversion_cast", insideCompute},
};

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

/// The bytes of a function argument (`base`) that a buffer covers: all from `begin` to `end`;
/// or, if `period` is not 0, only the first `image` bytes of each `period`.
struct Span {
  Value base;
  int64_t begin, end, image, period;

  bool overlaps(const Span &other) const {
    if (base != other.base || begin >= other.end || other.begin >= end)
      return false;
    if (period == 0 || period != other.period)
      return true;
    // From the start of an image of `from` to the start of the next image of `to`.
    auto distance = [&](const Span &from, const Span &to) {
      return ((to.begin - from.begin) % period + period) % period;
    };
    return distance(*this, other) < image || distance(other, *this) < other.image;
  }
};

FailureOr<Span> getSpan(Operation *reader, Value value) {
  auto type = dyn_cast<MemRefType>(value.getType());
  SmallVector<int64_t> strides;
  int64_t first;
  if (!type || !type.hasStaticShape() || failed(type.getStridesAndOffset(strides, first)) ||
      ShapedType::isDynamic(first) || llvm::any_of(strides, ShapedType::isDynamic))
    return reader->emitError("has a buffer without static layout: ") << value.getType();
  int64_t last = first;
  for (auto [size, stride] : llvm::zip_equal(type.getShape(), strides))
    last += (size - 1) * stride;
  int64_t bytes = *getElementBytes(type.getElementType());
  Span span{value, first * bytes, (last + 1) * bytes, 0, 0};
  if (!type.getLayout().isIdentity() && hasContiguousImages(type)) {
    span.period = strides[0] * bytes;
    span.image = type.getNumElements() / type.getDimSize(0) * bytes;
  }
  while (Operation *op = span.base.getDefiningOp()) {
    if (auto view = dyn_cast<memref::ViewOp>(op)) {
      APInt shift;
      matchPattern(view.getByteShift(), m_ConstantInt(&shift));
      span.begin += shift.getSExtValue();
      span.end += shift.getSExtValue();
    }
    span.base = op->getOperand(0);
  }
  if (span.begin < 0 || span.end > getByteSize(cast<MemRefType>(span.base.getType())))
    return reader->emitError("reaches outside of argument ")
           << cast<BlockArgument>(span.base).getArgNumber() << ": bytes " << span.begin
           << " to " << span.end;
  return span;
}

/// No operation may write a buffer that it reads.
LogicalResult checkBuffers(Operation *op) {
  if (isa<memref::ViewOp, memref::ReinterpretCastOp>(op))
    return success();
  SmallVector<std::pair<Span, bool>> spans;
  // A convolution may add to its residual in place.
  OpOperand *updated = nullptr;
  if (auto conv = dyn_cast<ConvOpInterface>(op))
    if (conv.getResidual() == op->getOperands().back())
      updated = &conv.getResidualMutable()[0];
  WalkResult result = op->walk<WalkOrder::PreOrder>([&](Operation *inner) -> WalkResult {
    for (OpOperand &use : inner->getOpOperands()) {
      Value operand = use.get();
      if (!isa<BaseMemRefType>(operand.getType()) || &use == updated)
        continue;
      FailureOr<Span> span = getSpan(op, operand);
      if (failed(span))
        return WalkResult::interrupt();
      auto effects = cast<MemoryEffectOpInterface>(inner);
      spans.emplace_back(*span,
                         effects.getEffectOnValue<MemoryEffects::Write>(operand).has_value());
    }
    // The body of a cnn.compute has buffers of its own.
    return isa<ComputeOp>(inner) ? WalkResult::skip() : WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  for (auto [i, a] : llvm::enumerate(spans))
    for (auto &b : ArrayRef(spans).drop_front(i + 1))
      if ((a.second || b.second) && a.first.overlaps(b.first))
        return op->emitOpError("writes a buffer that it reads");
  return success();
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// The sizes of the arena and of the weights must match the types of the first two arguments.
LogicalResult checkArguments(ModuleOp module, func::FuncOp main) {
  if (!isa_and_nonnull<ArrayAttr>(module->getAttr("cnn.weights")))
    return module.emitError("has no attribute cnn.weights after bufferize");
  unsigned index = 0;
  for (StringRef name : {"cnn.arena_size", "cnn.weights_size"}) {
    auto size = module->getAttrOfType<IntegerAttr>(name);
    if (!size)
      return module.emitError("has no attribute ") << name << " after bufferize";
    auto type = MemRefType::get({size.getInt()}, IntegerType::get(module.getContext(), 8));
    if (index >= main.getNumArguments() || main.getArgument(index).getType() != type)
      return main.emitError("argument ") << index << " does not match " << name;
    ++index;
  }
  return success();
}

LogicalResult check(ModuleOp module) {
  if (failed(verifyBorder(module, "bufferize", kTable)))
    return failure();
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || !main.getBody().hasOneBlock() || main.getNumResults() != 0)
    return module.emitError("has no function @main of one block without results");
  if (failed(checkArguments(module, main)))
    return failure();
  bool legal = true;
  (void)walkProgram(main, [&](Operation *op) {
    legal &= isa<scf::IfOp, scf::WhileOp>(op) || succeeded(checkBuffers(op));
    return WalkResult::advance();
  });
  return success(legal);
}

struct VerifyBufferized : convoy::cnn::impl::CnnVerifyBufferizedBase<VerifyBufferized> {
  void runOnOperation() override {
    if (failed(check(getOperation())))
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
