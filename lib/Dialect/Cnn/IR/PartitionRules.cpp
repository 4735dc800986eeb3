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
static void addWindowFactors(Factors &factors, WindowOpInterface op,
                             Value residual = Value()) {
  WindowAttr window = op.getWindow();
  Value input = op.getInput();
  ArrayRef<int64_t> strides = window.getStrides(), pads = window.getPadsBegin();
  for (int64_t i = 0; i < std::min<int64_t>(2, window.getRank()); ++i) {
    int64_t dim = 2 + i, extent = getShape(op->getResult(0))[dim];
    if (extent < 2 || getShape(input)[dim] != extent * strides[i])
      continue;
    PartitionFactor factor = makeFactor(op, kDimKinds[dim], extent);
    walkAlong(factor, op, input, dim, strides[i]);
    walkAlong(factor, op, residual, dim);
    factor.result.dim = dim;
    factor.haloBefore = pads[i];
    factor.haloAfter =
        std::max<int64_t>(0, window.getReach(i) - 1 - pads[i] - (strides[i] - 1));
    factors.push_back(std::move(factor));
  }
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

/// Output and input channels of an operation whose filter is `O x I x ...`, or
/// `I x O x ...` where `isTransposed`.
static void addChannelFactors(Factors &factors, Operation *op, Value input, Value filter,
                              Value bias, Value residual, FunctionAttr activation,
                              bool isTransposed = false) {
  int64_t outputDim = isTransposed ? 1 : 0, inputDim = 1 - outputDim;
  PartitionFactor outputs =
      makeFactor(op, FactorKind::output_channel, getShape(filter)[outputDim]);
  walkAlong(outputs, op, filter, outputDim);
  walkAlong(outputs, op, bias, 0);
  walkAlong(outputs, op, residual, 1);
  outputs.result.dim = 1;
  factors.push_back(std::move(outputs));
  // A function of the sum is no sum of functions.
  if (!activation.isIdentity())
    return;
  PartitionFactor inputs =
      makeFactor(op, FactorKind::input_channel, getShape(filter)[inputDim]);
  walkAlong(inputs, op, input, 1);
  walkAlong(inputs, op, filter, inputDim);
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

static PartitionFactor getGroupFactor(ConvOpInterface conv) {
  PartitionFactor groups = makeFactor(conv, FactorKind::group, conv.getGroups());
  int64_t inputs = conv.getInputChannels() / conv.getGroups();
  int64_t outputs = conv.getOutputChannels() / conv.getGroups();
  walkAlong(groups, conv, conv.getInput(), 1, inputs);
  walkAlong(groups, conv, conv.getFilter(), 0, conv.isTransposed() ? inputs : outputs);
  walkAlong(groups, conv, conv.getBias(), 0, outputs);
  walkAlong(groups, conv, conv.getResidual(), 1, outputs);
  groups.result = {1, outputs};
  return groups;
}

Factors GroupConvOp::getPartitionFactors() {
  auto conv = cast<ConvOpInterface>(getOperation());
  Factors factors = {getBatchFactor(*this, getInput(), getResidual()), getGroupFactor(conv)};
  addWindowFactors(factors, conv);
  return factors;
}

Factors ConvTransposeOp::getPartitionFactors() {
  Factors factors = {getBatchFactor(*this, getInput(), getResidual())};
  if (getGroup() > 1)
    factors.push_back(getGroupFactor(cast<ConvOpInterface>(getOperation())));
  else
    addChannelFactors(factors, *this, getInput(), getFilter(), getBias(), getResidual(),
                      getActivation(), /*isTransposed=*/true);
  return factors;
}

/// Rows of the left matrix and, where there is but one, columns of the right one.
Factors MatmulOp::getPartitionFactors() {
  int64_t rank = getShape((*this)->getResult(0)).size(), columns = rank - 1;
  Factors factors =
      getPointwiseFactors(*this, [&](int64_t dim) { return dim == columns && rank > 2; });
  for (PartitionFactor &factor : factors) {
    if (factor.result.dim == columns) {
      factor.kind = FactorKind::output_channel;
      factor.operands[0].dim = -1;
    } else if (factor.result.dim == columns - 1) {
      factor.operands[1].dim = -1;
    }
  }
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
  return *createChecked<ConvOp>(builder, getLoc(), input, filter, bias, getWindow(), residual,
                                getActivation());
}

//===----------------------------------------------------------------------===//
// Normalisation, pools, element-wise operations
//===----------------------------------------------------------------------===//

/// As getPointwiseFactors, where each operand but the first has one element a channel.
static Factors getPerChannelFactors(Operation *op,
                                    llvm::function_ref<bool(int64_t)> isMixed = nullptr) {
  Factors factors = getPointwiseFactors(op, isMixed);
  for (PartitionFactor &factor : factors)
    for (FactorDim &parameter : llvm::drop_begin(factor.operands))
      parameter.dim = factor.kind == FactorKind::channel ? 0 : -1;
  return factors;
}
Factors ScaleShiftOp::getPartitionFactors() { return getPerChannelFactors(*this); }
Factors BatchNormOp::getPartitionFactors() {
  bool isTraining = getMode() == BatchNormMode::training;
  return getPerChannelFactors(*this, [&](int64_t dim) { return isTraining && dim != 1; });
}
Factors InstanceNormOp::getPartitionFactors() {
  return getPerChannelFactors(*this, [](int64_t dim) { return dim >= 2; });
}

Factors GroupNormOp::getPartitionFactors() {
  Factors factors = getPerChannelFactors(*this, [](int64_t dim) { return dim >= 1; });
  PartitionFactor groups = makeFactor(*this, FactorKind::group, getNumGroups());
  int64_t channels = getShape(getInput())[1] / int64_t(getNumGroups());
  groups.operands.assign((*this)->getNumOperands(), {0, channels});
  groups.operands.front().dim = 1;
  groups.result = {1, channels};
  factors.push_back(std::move(groups));
  return factors;
}

Factors LayerNormOp::getPartitionFactors() {
  return getPointwiseFactors(*this, [&](int64_t dim) { return dim >= int64_t(getAxis()); });
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
    addWindowFactors(factors, op);
  return factors;
}
Factors MaxPoolOp::getPartitionFactors() { return getPoolFactors(*this); }
Factors AvgPoolOp::getPartitionFactors() { return getPoolFactors(*this); }
Factors GlobalPoolOp::getPartitionFactors() { return getPointwiseFactors(*this); }
Factors UnaryOp::getPartitionFactors() { return getPointwiseFactors(*this); }
Factors BinaryOp::getPartitionFactors() { return getPointwiseFactors(*this); }
Factors SelectOp::getPartitionFactors() { return getPointwiseFactors(*this); }
Factors CastOp::getPartitionFactors() { return getPointwiseFactors(*this); }
Factors BroadcastOp::getPartitionFactors() { return getPointwiseFactors(*this); }

Factors SoftmaxOp::getPartitionFactors() {
  return getPointwiseFactors(*this, [&](int64_t dim) { return dim == int64_t(getAxis()); });
}
Factors LogSoftmaxOp::getPartitionFactors() {
  return getPointwiseFactors(*this, [&](int64_t dim) { return dim == int64_t(getAxis()); });
}
Factors ConcatOp::getPartitionFactors() {
  return getPointwiseFactors(*this, [&](int64_t dim) { return dim == int64_t(getAxis()); });
}

Factors ReduceOp::getPartitionFactors() {
  SmallVector<int64_t> kept;
  for (int64_t dim = 0; dim < int64_t(getShape(getInput()).size()); ++dim)
    if (getKeepDims() || !llvm::is_contained(getAxes(), dim))
      kept.push_back(dim);
  Factors factors = getPointwiseFactors(*this);
  for (PartitionFactor &factor : factors)
    factor.operands[0].dim = kept[factor.result.dim];
  return factors;
}

/// The result has the indices' dimensions in place of `axis`, which is read whole.
Factors GatherOp::getPartitionFactors() {
  int64_t axis = getAxis(), indices = getShape(getIndices()).size();
  Factors factors = getPointwiseFactors(*this);
  for (PartitionFactor &factor : factors) {
    int64_t dim = factor.result.dim, place = dim - axis;
    bool isPicked = place >= 0 && place < indices;
    factor.operands[0].dim = isPicked ? -1 : place < 0 ? dim : dim - indices + 1;
    factor.operands[1].dim = isPicked ? place : -1;
  }
  return factors;
}

/// Whether each element of a resize by a whole number becomes that many equal ones.
static bool isRepetition(ResizeOp resize) {
  if (resize.getMode() != ResizeMode::nearest)
    return false;
  NearestMode nearest = resize.getNearest();
  switch (resize.getCoordinates()) {
  case CoordinateMode::asymmetric:
    return nearest == NearestMode::floor;
  case CoordinateMode::align_corners:
    return false;
  default:
    return nearest == NearestMode::round_prefer_floor ||
           nearest == NearestMode::round_prefer_ceil;
  }
}

Factors ResizeOp::getPartitionFactors() {
  ArrayRef<int64_t> from = ::getShape(getInput()), to = getShape();
  auto isMixed = [&](int64_t dim) {
    int64_t scale = to[dim] / from[dim];
    return from[dim] < 2 || to[dim] != from[dim] * scale || getScales()[dim] != float(scale) ||
           (scale != 1 && !isRepetition(*this));
  };
  Factors factors = getPointwiseFactors(*this, isMixed);
  for (PartitionFactor &factor : factors) {
    factor.extent = from[factor.result.dim];
    factor.result.size = to[factor.result.dim] / factor.extent;
  }
  return factors;
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

/// What a window reads beyond an inner border of a spatial dimension is there, in the halo.
static void dropInnerPads(Operation *part, int64_t spatial, bool isFirst, bool isLast) {
  auto windowed = dyn_cast<WindowOpInterface>(part);
  if (!windowed)
    return;
  WindowAttr window = windowed.getWindow();
  SmallVector<int64_t> pads(window.getPads());
  if (!isFirst)
    pads[spatial] = 0;
  if (!isLast)
    pads[window.getRank() + spatial] = 0;
  windowed.setWindow(window.withPads(pads));
}

static void setGroups(Operation *part, int64_t groups) {
  if (auto conv = dyn_cast<GroupConvOp>(part))
    conv.setGroup(groups);
  else if (auto transpose = dyn_cast<ConvTransposeOp>(part))
    transpose.setGroup(groups);
  else if (auto norm = dyn_cast<GroupNormOp>(part))
    norm.setNumGroups(groups);
}

/// Of an operation that has its result's shape as an attribute.
static void cutShape(Operation *part, const FactorDim &result, int64_t units) {
  auto old = part->getAttrOfType<DenseI64ArrayAttr>("shape");
  if (!old)
    return;
  SmallVector<int64_t> shape(old.asArrayRef());
  // A broadcast's may have fewer dimensions.
  int64_t rank = getShape(part->getResult(0)).size(), dim = result.dim - rank + shape.size();
  if (dim < 0)
    return;
  shape[dim] = units * result.size;
  part->setAttr("shape", DenseI64ArrayAttr::get(part->getContext(), shape));
}

Value convoy::cnn::detail::buildPart(Operation *op, OpBuilder &builder, ValueRange operands,
                                     const PartitionFactor &factor, int64_t begin,
                                     int64_t end) {
  // Not by a mapping: an operand that is there twice may be needed in two forms.
  Operation *part = builder.clone(*op);
  part->setOperands(operands);
  part->removeAttr(kPartitionAttrName);
  if (begin > 0 && !factor.addedOnce.empty()) {
    if (auto conv = dyn_cast<ConvOpInterface>(part)) {
      conv.getBiasMutable().clear();
      conv.getResidualMutable().clear();
    } else if (auto dense = dyn_cast<DenseOp>(part)) {
      dense.getBiasMutable().clear();
    }
  }
  if (factor.kind == FactorKind::group)
    setGroups(part, end - begin);
  cutShape(part, factor.result, end - begin);
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
