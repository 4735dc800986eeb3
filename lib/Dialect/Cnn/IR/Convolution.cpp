//===- Convolution.cpp - Convolutions -------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PartitionRules.h"
#include "ShapeRule.h"
#include "convoy/Dialect/Cnn/IR/BlockedForms.h"
#include "convoy/Dialect/Cnn/IR/FieldExtent.h"
#include "convoy/Dialect/Cnn/IR/Narrowing.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy::cnn;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

template <typename Adaptor>
static LogicalResult inferConvLike(const ShapeRule &rule, Adaptor op, int64_t groups,
                                   bool transposed, ArrayRef<int64_t> outputPadding,
                                   InferredType &result) {
  WindowAttr window = op.getWindow();
  int64_t rank = window.getRank();
  DataShape in;
  if (failed(in.read(rule, op.getInput(), rank)))
    return failure();
  Shape filter;
  if (op.getFilterShape())
    llvm::append_range(filter, *op.getFilterShape());
  else
    llvm::append_range(filter, shapeOf(op.getFilter()));
  if (int64_t(filter.size()) != rank + 2)
    return rule.error("filter has rank ", filter.size(), ", expected ", rank + 2);
  for (auto [i, extent] : llvm::enumerate(window.getKernel()))
    if (filter[2 + i] != extent)
      return rule.error("filter has extent ", filter[2 + i], " in spatial dimension ", i,
                        ", the window ", extent);
  if (groups < 1)
    return rule.error("group is ", groups);
  int64_t inputChannels = transposed ? filter[0] : filter[1] * groups;
  int64_t outputChannels = transposed ? filter[1] * groups : filter[0];
  bool fits = in.block ? int64_t(llvm::divideCeil(inputChannels, in.block)) == in.channels
                       : inputChannels == in.channels;
  if (!fits)
    return rule.error("input has ", in.capacity(), " channels (dimension 1), filter wants ",
                      inputChannels);
  if (inputChannels % groups || outputChannels % groups)
    return rule.error("channels ", inputChannels, " and ", outputChannels,
                      " do not divide into ", groups, " groups");

  DataShape output;
  output.batch = in.batch;
  output.block = op.getOutputBlock();
  output.channels =
      output.block ? llvm::divideCeil(outputChannels, output.block) : outputChannels;
  if (transposed) {
    if (failed(rule.checkLength("output_padding", outputPadding, rank)))
      return failure();
    for (int64_t i = 0; i < rank; ++i) {
      int64_t extent = (in.spatial[i] - 1) * window.getStrides()[i] + window.getReach(i) -
                       window.getPadsBegin()[i] - window.getPadsEnd()[i] + outputPadding[i];
      if (extent < 1)
        return rule.error("result has extent ", extent, " in spatial dimension ", i);
      output.spatial.push_back(extent);
    }
  } else if (failed(rule.slide(in.spatial, window, /*ceilMode=*/false, output.spatial))) {
    return failure();
  }
  // A packed bias is padded to whole register tiles of each group.
  if (op.getBias() &&
      !(op.getFilterShape() && shaped(op.getBias()).getNumElements() >= outputChannels) &&
      failed(rule.checkPerChannel("bias", op.getBias(), outputChannels, output.capacity())))
    return failure();
  bool isSumAlone = !op.getResidual() && op.getActivation().isIdentity();
  if (failed(rule.inferSums(op.getInput(), op.getFilter(), op.getBias(), isSumAlone, result)))
    return failure();
  result.shape = output.shape();
  if (op.getResidual() && shapeOf(op.getResidual()) != ArrayRef<int64_t>(result.shape))
    return rule.error("residual has another shape than the result");
  return success();
}

/// Checks that kernels can normalise the input while they read it: it must be blocked, and
/// have one pixel for each pixel of the result.
static LogicalResult checkPrologue(const ShapeRule &rule, ConvOp::Adaptor op,
                                   ArrayRef<int64_t> output) {
  if (!op.getInputScale() && !op.getInputOffset())
    return op.getInputActivation().isIdentity()
               ? success()
               : rule.error("an input activation needs an input scale and offset");
  if (!op.getInputScale() || !op.getInputOffset())
    return rule.error("an input scale and offset need each other");
  WindowAttr window = op.getWindow();
  DataShape in;
  if (failed(in.read(rule, op.getInput(), window.getRank())))
    return failure();
  bool isOneToOne = window.hasUnitStrides() && !window.hasPads() &&
                    ArrayRef<int64_t>(in.spatial) == output.slice(2, window.getRank());
  Type element = shaped(op.getInput()).getElementType();
  if (!in.block || !(element.isF32() || element.isBF16()) || !isOneToOne ||
      (op.getScheduleAttr() && op.getScheduleAttr().getAlgorithm() != Algorithm::direct))
    return rule.error("a prologue needs a direct 1x1 convolution of blocked f32 or bf16 "
                      "data with strides of 1 and no pads");
  for (auto [name, value] : {std::pair("input scale", op.getInputScale()),
                             std::pair("input offset", op.getInputOffset())})
    if (shapeOf(value) != ArrayRef<int64_t>({in.channels, in.block}) ||
        !shaped(value).getElementType().isF32())
      return rule.error(name, " has type ", value.getType(), ", expected f32 of shape ",
                        in.channels, "x", in.block);
  return success();
}

LogicalResult ConvOp::inferShape(const ShapeRule &rule, Adaptor op, InferredType &result) {
  if (failed(inferConvLike(rule, op, 1, false, {}, result)))
    return failure();
  rule.inferEpilogue(op.getRegions(), result);
  return checkPrologue(rule, op, result.shape);
}

LogicalResult GroupConvOp::inferShape(const ShapeRule &rule, Adaptor op,
                                      InferredType &result) {
  if (op.getGroup() < 2)
    return rule.error("group is ", op.getGroup(), ", expected at least 2 (use cnn.conv)");
  if (failed(inferConvLike(rule, op, op.getGroup(), false, {}, result)))
    return failure();
  rule.inferEpilogue(op.getRegions(), result);
  return success();
}

LogicalResult ConvTransposeOp::inferShape(const ShapeRule &rule, Adaptor op,
                                          InferredType &result) {
  if (isa<IntegerType>(shaped(op.getInput()).getElementType()))
    return rule.error("a transposed convolution has no integers");
  return inferConvLike(rule, op, op.getGroup(), true, op.getOutputPadding(), result);
}

//===----------------------------------------------------------------------===//
// Sharing between devices
//===----------------------------------------------------------------------===//

Factors ConvOp::getPartitionFactors() {
  Factors factors = {getBatchFactor(*this, getInput(), getResidual())};
  addChannelFactors(factors, *this, getInput(), getFilter(), getBias(), getResidual(),
                    getActivation());
  addWindowFactors(factors, *this, getResidual());
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
  addWindowFactors(factors, conv, getResidual());
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

Value GroupConvOp::buildPart(OpBuilder &builder, ValueRange operands,
                             const PartitionFactor &factor, int64_t begin, int64_t end) {
  if (factor.kind != FactorKind::group || end - begin > 1)
    return detail::buildPart(*this, builder, operands, factor, begin, end);
  // One group alone is an ordinary convolution.
  Value input = operands[0], filter = operands[1];
  size_t next = 2;
  Value bias = getBias() ? operands[next++] : Value();
  Value residual = getResidual() ? operands[next++] : Value();
  Value part = *createChecked<ConvOp>(builder, getLoc(), input, filter, bias, getWindow(),
                                      residual, getActivation());
  part.getDefiningOp<ConvOp>().setExact(getExact());
  return part;
}

/// Adjusts the part of a convolution that a device computes. If the parts are terms of a sum,
/// only the first one adds bias and residual.
static void adjustConvPart(ConvOpInterface part, const PartitionFactor &factor, int64_t begin,
                           int64_t end) {
  if (begin > 0 && !factor.addedOnce.empty()) {
    part.getBiasMutable().clear();
    part.getResidualMutable().clear();
  }
  dropInnerPads(part, factor, begin, end);
}

void ConvOp::adjustPart(const PartitionFactor &factor, int64_t begin, int64_t end) {
  adjustConvPart(*this, factor, begin, end);
}
void GroupConvOp::adjustPart(const PartitionFactor &factor, int64_t begin, int64_t end) {
  adjustConvPart(*this, factor, begin, end);
  if (factor.kind == FactorKind::group)
    setGroup(end - begin);
}
void ConvTransposeOp::adjustPart(const PartitionFactor &factor, int64_t begin, int64_t end) {
  adjustConvPart(*this, factor, begin, end);
  if (factor.kind == FactorKind::group)
    setGroup(end - begin);
}

//===----------------------------------------------------------------------===//
// Layout and precision
//===----------------------------------------------------------------------===//

/// Whether `conv` has a kernel for blocked data. If it is grouped and not depthwise, each
/// group must fill whole blocks, or each block must contain whole groups.
static bool hasBlockedKernel(ConvOpInterface conv, int64_t block) {
  int64_t groups = conv.getGroups();
  if (groups == 1 || conv.isDepthwise())
    return true;
  if (conv.isTransposed())
    return false;
  int64_t in = conv.getInputChannels() / groups, out = conv.getOutputChannels() / groups;
  if (in % block == 0 && out % block == 0)
    return true;
  return in == out && block % in == 0;
}

static bool assignConv(ConvOpInterface conv, BlockedForms &forms) {
  Value input = conv.getInput();
  if (!forms.isData(input) || !forms.isData(conv->getResult(0)) ||
      !BlockedForms::isConstant(conv.getFilter()) || !hasBlockedKernel(conv, forms.getBlock()))
    return false;
  // The first layer reads its few channels from plain data. Dots of integers have four.
  int64_t few = conv.isInteger() ? 4 : std::max<int64_t>(4, forms.getBlock() / 2 - 1);
  bool fewChannels = isa<ConvOp>(conv) && conv.getInputChannels() <= few;
  SmallVector<Value> operands(conv->getOperands());
  if (forms.hasBlocked(input) || !fewChannels)
    operands[0] = forms.getBlocked(input);
  if (conv.getResidual())
    operands.back() = forms.getBlocked(conv.getResidual());
  cast<ConvOpInterface>(forms.replace(conv, operands)).setOutputBlock(forms.getBlock());
  return true;
}

bool ConvOp::assignBlocked(BlockedForms &forms) { return assignConv(*this, forms); }
bool GroupConvOp::assignBlocked(BlockedForms &forms) { return assignConv(*this, forms); }
bool ConvTransposeOp::assignBlocked(BlockedForms &forms) { return assignConv(*this, forms); }

void ConvOp::narrow(Narrowing &narrowing) { narrowing.narrowLayer(*this, getActivation()); }
void GroupConvOp::narrow(Narrowing &narrowing) {
  narrowing.narrowLayer(*this, getActivation());
}
void ConvTransposeOp::narrow(Narrowing &narrowing) {
  narrowing.narrowLayer(*this, getActivation());
}

//===----------------------------------------------------------------------===//
// Cost, epilogue and receptive field
//===----------------------------------------------------------------------===//

/// Each filter element is multiplied for every output position or, in a transposed
/// convolution, for every input position.
static int64_t countConvMacs(ConvOpInterface conv) {
  ShapedType along = conv.isTransposed() ? conv.getInputType() : conv.getOutputType();
  return llvm::product_of(conv.getLogicalFilterShape()) * along.getDimSize(0) *
         llvm::product_of(along.getShape().slice(2, conv.getSpatialRank()));
}

int64_t ConvOp::countMacs() { return countConvMacs(*this); }
int64_t GroupConvOp::countMacs() { return countConvMacs(*this); }
int64_t ConvTransposeOp::countMacs() { return countConvMacs(*this); }

std::optional<MutableOperandRange> ConvOp::getEpilogueBias() { return getBiasMutable(); }
std::optional<MutableOperandRange> GroupConvOp::getEpilogueBias() { return getBiasMutable(); }
std::optional<MutableOperandRange> ConvTransposeOp::getEpilogueBias() {
  return getBiasMutable();
}

/// The kernels of CPUs that store vectors of channels.
static bool hasKernelWithRegion(ConvOpInterface conv) {
  ScheduleAttr schedule = conv.getScheduleAttr();
  if (!schedule || !conv.isOutputBlocked() ||
      schedule.getFilter().getKind() == FilterLayout::winograd_products)
    return false;
  return schedule.getAlgorithm() == Algorithm::direct ||
         schedule.getAlgorithm() == Algorithm::channelwise ||
         schedule.getAlgorithm() == Algorithm::tile_product ||
         isWinograd(schedule.getAlgorithm());
}

bool ConvOp::takesEpilogueRegion() { return hasKernelWithRegion(*this); }
bool GroupConvOp::takesEpilogueRegion() { return hasKernelWithRegion(*this); }

void ConvOp::widenField(ReceptiveField &field) { field.slide(getWindow()); }
void GroupConvOp::widenField(ReceptiveField &field) { field.slide(getWindow()); }
void ConvTransposeOp::widenField(ReceptiveField &field) {
  field.slide(getWindow(), /*isTransposed=*/true);
}
