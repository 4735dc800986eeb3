//===- ToDestinationStyle.cpp - Pass cnn-to-destination-style -------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/BufferPlan.h"
#include "convoy/Transforms/Schedule/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNTODESTINATIONSTYLE
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

Value createEmpty(OpBuilder &builder, Location loc, Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor::EmptyOp::create(builder, loc, tensor.getShape(), tensor.getElementType());
}

/// Whether the slice's elements are contiguous in the source. With `apart` only the elements
/// of each image need to be contiguous, but the slice must contain all images.
bool isContiguous(tensor::ExtractSliceOp slice, bool apart) {
  RankedTensorType source = slice.getSourceType();
  ArrayRef<int64_t> sizes = slice.getStaticSizes();
  bool whole = true; // every later dimension is taken whole
  for (int64_t i = source.getRank() - 1; i >= 0; --i) {
    if (slice.getStaticStrides()[i] != 1 && sizes[i] != 1)
      return false;
    if (i == 0 && apart)
      return sizes[i] == source.getDimSize(i);
    if (!whole && sizes[i] != 1)
      return false;
    whole = whole && sizes[i] == source.getDimSize(i);
  }
  return true;
}

/// Whether a slice starts at an aligned address, in each image.
bool isAligned(tensor::ExtractSliceOp slice) {
  RankedTensorType source = slice.getSourceType();
  int64_t first = 0, elements = 1;
  for (auto [i, offset, extent] :
       llvm::enumerate(slice.getStaticOffsets(), source.getShape())) {
    first = first * extent + offset;
    elements *= i == 0 ? 1 : extent;
  }
  int64_t bytes = (source.getElementTypeBitWidth() + 7) / 8, align = getPartAlignment(slice);
  return first * bytes % align == 0 &&
         (isContiguous(slice, /*apart=*/false) || elements * bytes % align == 0);
}

/// Whether all readers of a slice can read images that have gaps between them.
bool isReadByImages(tensor::ExtractSliceOp slice) {
  return llvm::all_of(slice->getUses(), [](OpOperand &use) {
    auto linalgOp = dyn_cast<linalg::LinalgOp>(use.getOwner());
    return takesImageSlices(use.getOwner()) && !(linalgOp && linalgOp.isDpsInit(&use));
  });
}

/// Whether `value` is in memory of the caller: it is returned, or a part of what is returned.
bool isReturned(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) {
    if (isa<func::ReturnOp>(user))
      return true;
    return isa<ConcatOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(user) &&
           isReturned(user->getResult(0));
  });
}

/// Copies a slice unless its readers can read it in place. They need contiguous data or, if
/// they take slices of images, contiguous images, at an aligned address. Slices of function
/// arguments are always copied, and slices of images of results.
void copySlice(tensor::ExtractSliceOp slice) {
  bool apart = isReadByImages(slice) && !isReturned(slice.getSource());
  if (isContiguous(slice, apart) && isAligned(slice) && !isa<BlockArgument>(slice.getSource()))
    return;
  OpBuilder builder(slice->getContext());
  builder.setInsertionPointAfter(slice);
  Value empty = createEmpty(builder, slice.getLoc(), slice.getType());
  auto copy = bufferization::MaterializeInDestinationOp::create(
      builder, slice.getLoc(), slice.getType(), slice.getResult(), empty);
  slice.getResult().replaceAllUsesExcept(copy->getResult(0), copy);
}

/// Gives `op` destinations of its own. A destination that several operations share, often
/// after CSE, would keep its buffer alive from the first of them to the last, and a shared
/// fill would be copied.
void unshareDestinations(Operation *op) {
  OpBuilder builder(op);
  for (OpOperand &operand : op->getOpOperands()) {
    Operation *source = operand.get().getDefiningOp();
    if (!isa_and_nonnull<tensor::EmptyOp, linalg::FillOp>(source) || source->hasOneUse())
      continue;
    Operation *own = builder.clone(*source);
    operand.set(own->getResult(0));
    unshareDestinations(own);
  }
}

struct ToDestinationStyle : convoy::cnn::impl::CnnToDestinationStyleBase<ToDestinationStyle> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (failed(requireTarget(function)))
      return signalPassFailure();
    OpBuilder builder(&getContext());
    function.walk([&](Operation *op) {
      if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
        return copySlice(slice);
      auto destination = dyn_cast<DestinationOpInterface>(op);
      if (!destination || destination.getDestination())
        return;
      builder.setInsertionPoint(op);
      destination.getDestinationMutable().assign(
          createEmpty(builder, op->getLoc(), op->getResult(0).getType()));
    });
    function.walk(unshareDestinations);
    // No operation may write its result into the memory of an input.
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (isa<TensorType>(function.getArgument(i).getType()))
        function.setArgAttr(i, bufferization::BufferizationDialect::kWritableAttrName,
                            builder.getBoolAttr(false));
  }
};

} // namespace
