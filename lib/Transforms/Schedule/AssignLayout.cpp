//===- AssignLayout.cpp - Pass cnn-assign-layout --------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// One walk in program order. Operations of cnn choose their form themselves
// (BlockedLayoutOpInterface). This file chooses it for operations of upstream
// dialects.
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/BlockedForms.h"
#include "convoy/Transforms/Schedule/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNASSIGNLAYOUT
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

using Shape = SmallVector<int64_t>;

bool assignSlice(tensor::ExtractSliceOp op, BlockedForms &forms) {
  Value source = op.getSource();
  if (!forms.isData(source) || !forms.hasBlocked(source) || !forms.isData(op.getResult()) ||
      !op.getOffsets().empty() || !op.getSizes().empty() || !op.getStrides().empty())
    return false;
  Shape offsets(op.getStaticOffsets()), sizes(op.getStaticSizes());
  Shape strides(op.getStaticStrides());
  bool toTheEnd = offsets[1] + sizes[1] == op.getSourceType().getDimSize(1);
  if (strides[1] != 1 || offsets[1] % forms.getBlock() ||
      (sizes[1] % forms.getBlock() && !toTheEnd))
    return false;
  offsets[1] /= forms.getBlock();
  sizes[1] = llvm::divideCeil(sizes[1], forms.getBlock());
  offsets.push_back(0);
  sizes.push_back(forms.getBlock());
  strides.push_back(1);
  forms.replaceWith(op, tensor::ExtractSliceOp::create(forms.getBuilder(), op.getLoc(),
                                                       forms.getBlockedType(op.getType()),
                                                       forms.getBlocked(source), ValueRange(),
                                                       ValueRange(), ValueRange(), offsets,
                                                       sizes, strides));
  return true;
}

bool assignPad(tensor::PadOp op, BlockedForms &forms) {
  Value source = op.getSource(), value = op.getConstantPaddingValue();
  if (!forms.isData(source) || !forms.hasBlocked(source) || !forms.isData(op.getResult()) ||
      !value || !op.getLow().empty() || !op.getHigh().empty() || op.getStaticLow()[1] ||
      op.getStaticHigh()[1])
    return false;
  SmallVector<OpFoldResult> low = op.getMixedLowPad(), high = op.getMixedHighPad();
  low.push_back(forms.getBuilder().getIndexAttr(0));
  high.push_back(forms.getBuilder().getIndexAttr(0));
  if (Operation *definition = value.getDefiningOp(); definition->getParentOp() == op)
    value = forms.getBuilder().clone(*definition)->getResult(0);
  forms.replaceWith(op, tensor::PadOp::create(forms.getBuilder(), op.getLoc(),
                                              forms.getBlockedType(op.getResultType()),
                                              forms.getBlocked(source), low, high, value,
                                              op.getNofold()));
  return true;
}

/// Replaces `op` by its blocked form, or returns false to leave it plain.
bool assign(Operation *op, BlockedForms &forms) {
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return assignSlice(slice, forms);
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    return assignPad(pad, forms);
  auto layout = dyn_cast<BlockedLayoutOpInterface>(op);
  return layout && !cast<DestinationOpInterface>(op).getDestination() &&
         layout.assignBlocked(forms);
}

void assignAll(func::FuncOp function, int64_t block) {
  BlockedForms forms(function.getContext(), block);
  for (Operation &op : llvm::make_early_inc_range(function.front())) {
    forms.startAt(&op);
    if (assign(&op, forms))
      continue;
    op.walk([&](Operation *reader) {
      for (OpOperand &operand : reader->getOpOperands())
        operand.set(forms.getPlain(operand.get()));
    });
  }
  forms.eraseReplaced();
}

struct AssignLayout : convoy::cnn::impl::CnnAssignLayoutBase<AssignLayout> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    if (!function.getBody().hasOneBlock()) {
      function.emitError("cnn-assign-layout needs straight-line code");
      return signalPassFailure();
    }
    FailureOr<TargetAttr> target = requireTarget(function);
    if (failed(target))
      return signalPassFailure();
    assignAll(function, target->getVectorLanes());
  }
};

} // namespace
