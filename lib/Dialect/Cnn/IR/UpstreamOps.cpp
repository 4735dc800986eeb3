//===- UpstreamOps.cpp - Rules for operations of tensor and linalg --------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantOperands.h"
#include "PartitionRules.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace convoy::cnn;

//===----------------------------------------------------------------------===//
// Values of constants
//===----------------------------------------------------------------------===//

static ElementsAttr evaluate(tensor::ExtractSliceOp slice, const ConstantOperands &operands) {
  auto in = operands.read(0);
  auto known = [](ArrayRef<int64_t> values) { return !ShapedType::isDynamicShape(values); };
  if (!in || !operands.fits(in->isSplat()) || !known(slice.getStaticOffsets()) ||
      !known(slice.getStaticStrides()))
    return {};
  Shape own = rowMajorStrides(in->getShape()), strides;
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  int64_t offset = 0;
  for (size_t i = 0; i < own.size(); ++i) {
    offset += slice.getStaticOffsets()[i] * own[i];
    if (!dropped.test(i))
      strides.push_back(slice.getStaticStrides()[i] * own[i]);
  }
  return readStrided(*in, operands.getType(), offset, strides);
}

static ElementsAttr evaluate(linalg::TransposeOp transpose, const ConstantOperands &operands) {
  auto in = operands.read(0);
  if (!in || !operands.fits(in->isSplat()))
    return {};
  Shape own = rowMajorStrides(in->getShape()), strides;
  for (int64_t dim : transpose.getPermutation())
    strides.push_back(own[dim]);
  return readStrided(*in, operands.getType(), 0, strides);
}

static ElementsAttr evaluate(tensor::PadOp pad, const ConstantOperands &operands) {
  auto in = operands.read(0);
  Attribute padding;
  Value value = pad.getConstantPaddingValue();
  if (!in || !operands.fits(/*splat=*/false) || !value ||
      !matchPattern(value, m_Constant(&padding)))
    return {};
  if (llvm::any_of(pad.getStaticLow(), [](int64_t low) { return low < 0; }) ||
      llvm::any_of(pad.getStaticHigh(), [](int64_t high) { return high < 0; }))
    return {};
  ConstantResult result(operands.getType(), /*splat=*/false);
  for (int64_t i = 0; i < result.size(); ++i) {
    if (auto number = dyn_cast<FloatAttr>(padding))
      result.setDouble(i, number.getValueAsDouble());
    else if (auto integer = dyn_cast<IntegerAttr>(padding))
      result.setInt(i, integer.getValue().getZExtValue());
    else
      return {};
  }
  Shape strides = rowMajorStrides(operands.getType().getShape());
  int64_t start = 0, size = in->getElementBytes(), next = 0;
  for (auto [low, stride] : llvm::zip(pad.getStaticLow(), strides))
    start += low * stride;
  const char *source = in->getBytes().data();
  forEachPosition<1>(in->getShape(), {strides}, {start}, [&](std::array<int64_t, 1> to) {
    std::memcpy(result.at(to[0]), source + (in->isSplat() ? 0 : next++) * size, size);
  });
  return result.take();
}

static ElementsAttr evaluateReshape(const ConstantOperands &operands) {
  if (!operands.read(0))
    return {};
  return reshapeConstant(cast<ElementsAttr>(operands.getAttribute(0)), operands.getType());
}
static ElementsAttr evaluate(tensor::ExpandShapeOp, const ConstantOperands &operands) {
  return evaluateReshape(operands);
}
static ElementsAttr evaluate(tensor::CollapseShapeOp, const ConstantOperands &operands) {
  return evaluateReshape(operands);
}

template <typename OpTy>
static ElementsAttr evaluateAs(Operation *op, const ConstantOperands &operands) {
  return evaluate(cast<OpTy>(op), operands);
}

UpstreamEvaluator convoy::cnn::getUpstreamEvaluator(Operation *op) {
  return llvm::TypeSwitch<Operation *, UpstreamEvaluator>(op)
      .Case<tensor::ExtractSliceOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
            tensor::PadOp, linalg::TransposeOp>(
          [](auto known) -> UpstreamEvaluator { return evaluateAs<decltype(known)>; })
      .Default(UpstreamEvaluator());
}

//===----------------------------------------------------------------------===//
// Sharing between devices
//===----------------------------------------------------------------------===//

/// The batch and channel factors of a reshape. Several dimensions of the shape `wide` are one
/// dimension of the other shape. A part of this dimension is a part of the outermost of them.
static Factors getReshapeFactors(Operation *op, ArrayRef<int64_t> wide, bool wideIsResult,
                                 ArrayRef<ReassociationIndices> reassociation) {
  Factors factors;
  for (auto [narrow, dims] : llvm::enumerate(reassociation)) {
    // The result's dimension decides whether a factor is batch or channels.
    const int64_t *outer = llvm::find_if(dims, [&](int64_t dim) { return wide[dim] != 1; });
    if (outer == dims.end())
      continue;
    int64_t size = 1;
    for (const int64_t *dim = outer + 1; dim != dims.end(); ++dim)
      size *= wide[*dim];
    FactorDim wideDim{*outer, 1}, narrowDim{int64_t(narrow), size};
    FactorDim result = wideIsResult ? wideDim : narrowDim;
    if (result.dim > 1)
      continue;
    PartitionFactor factor = makeFactor(
        op, result.dim == 0 ? FactorKind::batch : FactorKind::channel, wide[*outer]);
    factor.operands[0] = wideIsResult ? narrowDim : wideDim;
    factor.result = result;
    factors.push_back(std::move(factor));
  }
  return factors;
}

/// The type of the part `[begin, end)` of the result.
static RankedTensorType getPartType(Operation *op, const PartitionFactor &factor,
                                    int64_t begin, int64_t end) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[factor.result.dim] = (end - begin) * factor.result.size;
  return type.clone(shape);
}

namespace {

struct CollapseShapeRule
    : PartitionOpInterface::ExternalModel<CollapseShapeRule, tensor::CollapseShapeOp> {
  Factors getPartitionFactors(Operation *op) const {
    auto collapse = cast<tensor::CollapseShapeOp>(op);
    return getReshapeFactors(op, collapse.getSrcType().getShape(), /*wideIsResult=*/false,
                             collapse.getReassociationIndices());
  }
  Value buildPart(Operation *op, OpBuilder &builder, ValueRange operands,
                  const PartitionFactor &factor, int64_t begin, int64_t end) const {
    return tensor::CollapseShapeOp::create(
        builder, op->getLoc(), getPartType(op, factor, begin, end), operands[0],
        cast<tensor::CollapseShapeOp>(op).getReassociationIndices());
  }
};

struct ExpandShapeRule
    : PartitionOpInterface::ExternalModel<ExpandShapeRule, tensor::ExpandShapeOp> {
  Factors getPartitionFactors(Operation *op) const {
    auto expand = cast<tensor::ExpandShapeOp>(op);
    return getReshapeFactors(op, expand.getResultType().getShape(), /*wideIsResult=*/true,
                             expand.getReassociationIndices());
  }
  Value buildPart(Operation *op, OpBuilder &builder, ValueRange operands,
                  const PartitionFactor &factor, int64_t begin, int64_t end) const {
    return tensor::ExpandShapeOp::create(
        builder, op->getLoc(), getPartType(op, factor, begin, end), operands[0],
        cast<tensor::ExpandShapeOp>(op).getReassociationIndices());
  }
};

} // namespace

void convoy::cnn::registerPartitionOpInterfaceExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, tensor::TensorDialect *) {
    tensor::CollapseShapeOp::attachInterface<CollapseShapeRule>(*context);
    tensor::ExpandShapeOp::attachInterface<ExpandShapeRule>(*context);
  });
}
