//===- TurnColumns.cpp - Pass cnn-turn-columns ----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Transforms/Schedule/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNTURNCOLUMNS
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

/// The dimensions of rows and columns, in plain data, in blocked data and in filters.
constexpr int64_t kRows = 2, kColumns = 3;

/// Whether the window moves along the one column of its input.
bool isColumn(WindowOpInterface op) {
  WindowAttr window = op.getWindow();
  if (window.getRank() != 2 || window.getKernel()[0] == 1 || window.getKernel()[1] != 1 ||
      window.getPadsBegin()[1] != 0 || window.getPadsEnd()[1] != 0)
    return false;
  auto isOneColumn = [](Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    return type.getDimSize(kColumns) == 1 && type.getDimSize(kRows) > 1;
  };
  return isOneColumn(op.getInput()) && isOneColumn(op->getResult(0));
}

SmallVector<int64_t> swap(ArrayRef<int64_t> values, int64_t first, int64_t second) {
  SmallVector<int64_t> result(values);
  std::swap(result[first], result[second]);
  return result;
}

RankedTensorType turn(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.clone(swap(tensor.getShape(), kRows, kColumns));
}

/// The same elements with rows and columns swapped, one of which is 1.
Value turn(OpBuilder &builder, Location loc, Value value) {
  RankedTensorType type = turn(value.getType());
  ElementsAttr constant;
  if (matchPattern(value, m_Constant(&constant)))
    return createConstant(builder, value.getLoc(), reshapeConstant(constant, type));
  SmallVector<ReassociationIndices> groups;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (dim == kColumns)
      groups.back().push_back(dim);
    else
      groups.push_back({dim});
  }
  Value merged = tensor::CollapseShapeOp::create(builder, loc, value, groups);
  return tensor::ExpandShapeOp::create(builder, loc, type, merged, groups);
}

WindowAttr turn(WindowAttr window) {
  ArrayRef<int64_t> begin = window.getPadsBegin(), end = window.getPadsEnd();
  return WindowAttr::get(window.getContext(), swap(window.getKernel(), 0, 1),
                         swap(window.getStrides(), 0, 1), swap(window.getDilations(), 0, 1),
                         {begin[1], begin[0], end[1], end[0]});
}

struct TurnColumns : convoy::cnn::impl::CnnTurnColumnsBase<TurnColumns> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](ConvOpInterface conv) {
      if (!isColumn(conv) || !ConstantData::get(conv.getFilter()))
        return;
      rewriter.setInsertionPoint(conv);
      IRMapping operands;
      for (Value operand : {conv.getInput(), conv.getFilter(), conv.getResidual()})
        if (operand && !operands.contains(operand))
          operands.map(operand, turn(rewriter, conv.getLoc(), operand));
      auto turned = cast<ConvOpInterface>(rewriter.clone(*conv, operands));
      turned.setWindow(turn(conv.getWindow()));
      turned->getResult(0).setType(turn(conv->getResult(0).getType()));
      rewriter.replaceOp(conv, turn(rewriter, conv.getLoc(), turned->getResult(0)));
    });
  }
};

} // namespace
