//===- PartitionRules.cpp - How devices can share each operation ----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// One rule an operation, in the manner of the sharding rules of Shardy (OpenXLA).
// Batch is dimension 0, channels are dimension 1, rows (height, or the only spatial
// dimension) dimension 2 and columns (width) dimension 3 of whatever an operation reads
// and makes.
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Cnn.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace convoy::cnn;

using Factors = SmallVector<PartitionFactor>;

static ArrayRef<int64_t> getShape(Value value) {
  return cast<ShapedType>(value.getType()).getShape();
}

/// A factor that nothing walks along yet.
static PartitionFactor makeFactor(Operation *op, FactorKind kind, int64_t extent) {
  PartitionFactor factor;
  factor.kind = kind;
  factor.extent = extent;
  factor.operands.resize(op->getNumOperands());
  return factor;
}

static unsigned getIndex(Operation *op, Value operand) {
  return llvm::find(op->getOperands(), operand).getIndex();
}

static void walkAlong(PartitionFactor &factor, Operation *op, Value operand, int64_t dim,
                      int64_t size = 1) {
  if (operand)
    factor.operands[getIndex(op, operand)] = {dim, size};
}

constexpr FactorKind kDimKinds[] = {FactorKind::batch, FactorKind::channel, FactorKind::height,
                                    FactorKind::width};

/// Batch, channels, rows and columns of an operation whose result has the dimensions of its
/// operands, broadcast as in NumPy, except for those that `isMixed`.
static Factors getPointwiseFactors(Operation *op,
                                   llvm::function_ref<bool(int64_t)> isMixed = nullptr) {
  Factors factors;
  ArrayRef<int64_t> result = getShape(op->getResult(0));
  for (int64_t dim = 0; dim < std::min<int64_t>(std::size(kDimKinds), result.size()); ++dim) {
    if (result[dim] < 2 || (isMixed && isMixed(dim)))
      continue;
    PartitionFactor factor = makeFactor(op, kDimKinds[dim], result[dim]);
    factor.result.dim = dim;
    for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
      ArrayRef<int64_t> shape = getShape(operand);
      int64_t own = dim - int64_t(result.size() - shape.size());
      if (own >= 0 && shape[own] != 1)
        factor.operands[index].dim = own;
    }
    factors.push_back(std::move(factor));
  }
  return factors;
}

/// Rows and columns of an operation with a sliding window, where each of the input belongs
/// to one of the output: then parts of the input follow from parts of the result, and what
/// a window reads beyond its part is halo. Interior parts have no padding.
static void addWindowFactors(Factors &factors, Operation *op, Value input, Value residual,
                             ArrayRef<int64_t> kernel, ArrayRef<int64_t> strides,
                             ArrayRef<int64_t> dilations, ArrayRef<int64_t> pads) {
  for (size_t i = 0; i < std::min<size_t>(2, kernel.size()); ++i) {
    int64_t dim = 2 + i, extent = getShape(op->getResult(0))[dim];
    if (extent < 2 || getShape(input)[dim] != extent * strides[i])
      continue;
    PartitionFactor factor = makeFactor(op, kDimKinds[dim], extent);
    walkAlong(factor, op, input, dim, strides[i]);
    walkAlong(factor, op, residual, dim);
    factor.result.dim = dim;
    factor.haloBefore = pads[i];
    factor.haloAfter =
        std::max<int64_t>(0, (kernel[i] - 1) * dilations[i] - pads[i] - (strides[i] - 1));
    factors.push_back(std::move(factor));
  }
}

static void addWindowFactors(Factors &factors, ConvOpInterface conv) {
  addWindowFactors(factors, conv, conv.getInput(), conv.getResidual(), conv.getKernelShape(),
                   conv.getStrides(), conv.getDilations(), conv.getPads());
}

//===----------------------------------------------------------------------===//
// Convolutions and dense layers
//===----------------------------------------------------------------------===//

static PartitionFactor getBatchFactor(Operation *op, Value input, Value residual) {
  PartitionFactor batch = makeFactor(op, FactorKind::batch, getShape(input)[0]);
  walkAlong(batch, op, input, 0);
  walkAlong(batch, op, residual, 0);
  batch.result.dim = 0;
  return batch;
}

/// Output and input channels of an operation whose filter is `O x I x ...`.
static void addChannelFactors(Factors &factors, Operation *op, Value input, Value filter,
                              Value bias, Value residual, FunctionAttr activation) {
  PartitionFactor outputs = makeFactor(op, FactorKind::output_channel, getShape(filter)[0]);
  walkAlong(outputs, op, filter, 0);
  walkAlong(outputs, op, bias, 0);
  walkAlong(outputs, op, residual, 1);
  outputs.result.dim = 1;
  factors.push_back(std::move(outputs));
  // A function of the sum is no sum of functions.
  if (!activation.isIdentity())
    return;
  PartitionFactor inputs = makeFactor(op, FactorKind::input_channel, getShape(filter)[1]);
  walkAlong(inputs, op, input, 1);
  walkAlong(inputs, op, filter, 1);
  inputs.isReduction = true;
  for (Value once : {bias, residual})
    if (once)
      inputs.addedOnce.push_back(getIndex(op, once));
  factors.push_back(std::move(inputs));
}

Factors ConvOp::getPartitionFactors() {
  Factors factors = {getBatchFactor(*this, getInput(), getResidual())};
  addChannelFactors(factors, *this, getInput(), getFilter(), getBias(), getResidual(),
                    getActivation());
  addWindowFactors(factors, cast<ConvOpInterface>(getOperation()));
  return factors;
}

Factors DenseOp::getPartitionFactors() {
  Factors factors = {getBatchFactor(*this, getInput(), Value())};
  addChannelFactors(factors, *this, getInput(), getFilter(), getBias(), Value(),
                    getActivation());
  return factors;
}

Factors GroupConvOp::getPartitionFactors() {
  PartitionFactor groups = makeFactor(*this, FactorKind::group, getGroup());
  int64_t outputs = getShape(getFilter())[0] / getGroup();
  walkAlong(groups, *this, getInput(), 1, getShape(getFilter())[1]);
  walkAlong(groups, *this, getFilter(), 0, outputs);
  walkAlong(groups, *this, getBias(), 0, outputs);
  walkAlong(groups, *this, getResidual(), 1, outputs);
  groups.result = {1, outputs};
  Factors factors = {getBatchFactor(*this, getInput(), getResidual()), std::move(groups)};
  addWindowFactors(factors, cast<ConvOpInterface>(getOperation()));
  return factors;
}

Value GroupConvOp::buildPart(OpBuilder &builder, ValueRange operands,
                             const PartitionFactor &factor, int64_t begin, int64_t end) {
  if (factor.kind != FactorKind::group || end - begin > 1)
    return detail::buildPart(*this, builder, operands, factor, begin, end);
  // One group alone is an ordinary convolution.
  Value input = operands[0], filter = operands[1];
  size_t next = 2;
  Value bias = getBias() ? operands[next++] : Value();
  Value residual = getResidual() ? operands[next++] : Value();
  return ConvOp::create(builder, getLoc(), input, filter, bias, residual, Value(),
                        getStridesAttr(), getDilationsAttr(), getPadsAttr(),
                        getActivationAttr(), getFilterShapeAttr(), getOutputBlockAttr(),
                        getAlgorithmAttr(), getTileBlocksAttr())
      ->getResult(0);
}

//===----------------------------------------------------------------------===//
// Normalisation, pools, element-wise operations
//===----------------------------------------------------------------------===//

Factors ScaleShiftOp::getPartitionFactors() {
  Factors factors = getPointwiseFactors(*this);
  for (PartitionFactor &factor : factors)
    for (Value parameter : {getScale(), getOffset()})
      factor.operands[getIndex(*this, parameter)].dim =
          factor.kind == FactorKind::channel ? 0 : -1;
  return factors;
}

Factors LrnOp::getPartitionFactors() {
  Factors factors = getPointwiseFactors(*this);
  for (PartitionFactor &factor : factors)
    if (factor.kind == FactorKind::channel) {
      factor.keepsHalo = true;
      factor.haloBefore = (getSize() - 1) / 2;
      factor.haloAfter = getSize() / 2;
    }
  return factors;
}

template <typename PoolOp> static Factors getPoolFactors(PoolOp op) {
  Factors factors = getPointwiseFactors(op, [](int64_t dim) { return dim >= 2; });
  if (!op.getCeilMode())
    addWindowFactors(factors, op, op.getInput(), Value(), op.getKernel(), op.getStrides(),
                     op.getDilations(), op.getPads());
  return factors;
}
Factors MaxPoolOp::getPartitionFactors() { return getPoolFactors(*this); }
Factors AvgPoolOp::getPartitionFactors() { return getPoolFactors(*this); }
Factors GlobalPoolOp::getPartitionFactors() { return getPointwiseFactors(*this); }
Factors UnaryOp::getPartitionFactors() { return getPointwiseFactors(*this); }
Factors BinaryOp::getPartitionFactors() { return getPointwiseFactors(*this); }
Factors CastOp::getPartitionFactors() { return getPointwiseFactors(*this); }

Factors SoftmaxOp::getPartitionFactors() {
  return getPointwiseFactors(*this, [&](int64_t dim) { return dim == int64_t(getAxis()); });
}
Factors LogSoftmaxOp::getPartitionFactors() {
  return getPointwiseFactors(*this, [&](int64_t dim) { return dim == int64_t(getAxis()); });
}
Factors ConcatOp::getPartitionFactors() {
  return getPointwiseFactors(*this, [&](int64_t dim) { return dim == int64_t(getAxis()); });
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

/// What a window reads beyond an inner border of a spatial dimension is there, in the halo.
static void dropInnerPads(Operation *part, int64_t spatial, bool isFirst, bool isLast) {
  auto old = part->getAttrOfType<DenseI64ArrayAttr>("pads");
  if (!old)
    return;
  SmallVector<int64_t> pads(old.asArrayRef());
  if (!isFirst)
    pads[spatial] = 0;
  if (!isLast)
    pads[pads.size() / 2 + spatial] = 0;
  part->setAttr("pads", DenseI64ArrayAttr::get(part->getContext(), pads));
}

Value convoy::cnn::detail::buildPart(Operation *op, OpBuilder &builder, ValueRange operands,
                                     const PartitionFactor &factor, int64_t begin,
                                     int64_t end) {
  IRMapping mapping;
  for (auto [old, value] : llvm::zip_equal(op->getOperands(), operands))
    mapping.map(old, value);
  Operation *part = builder.clone(*op, mapping);
  part->removeAttr(kPartitionAttrName);
  if (begin > 0 && !factor.addedOnce.empty()) {
    if (auto conv = dyn_cast<ConvOpInterface>(part)) {
      conv.getBiasMutable().clear();
      conv.getResidualMutable().clear();
    } else if (auto dense = dyn_cast<DenseOp>(part)) {
      dense.getBiasMutable().clear();
    }
  }
  if (auto conv = dyn_cast<GroupConvOp>(part); conv && factor.kind == FactorKind::group)
    conv.setGroup(end - begin);
  if (factor.kind == FactorKind::height || factor.kind == FactorKind::width)
    dropInnerPads(part, factor.kind == FactorKind::width, /*isFirst=*/begin == 0,
                  /*isLast=*/end == factor.extent);
  SmallVector<Type, 1> types;
  auto infer = cast<InferTypeOpInterface>(part);
  LogicalResult inferred =
      infer.inferReturnTypes(op->getContext(), op->getLoc(), part->getOperands(),
                             part->getDiscardableAttrDictionary(),
                             part->getPropertiesStorage(), part->getRegions(), types);
  assert(succeeded(inferred) && "a part does not fit its operands");
  (void)inferred;
  part->getResult(0).setType(types.front());
  return part->getResult(0);
}

//===----------------------------------------------------------------------===//
// Upstream's operations
//===----------------------------------------------------------------------===//

/// Batch and channels of a reshape: the outermost dimension of what is joined or
/// taken apart walks along with the whole.
static Factors getReshapeFactors(Operation *op, ArrayRef<int64_t> wide, bool wideIsResult,
                                 ArrayRef<ReassociationIndices> reassociation) {
  Factors factors;
  for (auto [narrow, dims] : llvm::enumerate(reassociation)) {
    // The result's dimension says what the factor is called.
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

/// The part's shape of the result.
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
