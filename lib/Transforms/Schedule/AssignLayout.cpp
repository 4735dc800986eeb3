//===- AssignLayout.cpp - Pass cnn-assign-layout --------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// One walk in program order. A value may have two twins: its plain and its
// blocked form. The one that its producer does not make is made by a reorder in
// front of the first operation that reads it, and shared by all later readers.
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Transforms/Schedule/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNASSIGNLAYOUT
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

using Shape = SmallVector<int64_t>;

RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }
ArrayRef<int64_t> shapeOf(Value value) { return tensorType(value).getShape(); }

/// Data that can be blocked: f32, batch, channels and two spatial dimensions.
bool isData(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == 4 && type.getElementType().isF32();
}

ElementsAttr getConstant(Value value) {
  ElementsAttr attribute;
  matchPattern(value, m_Constant(&attribute));
  return attribute;
}

/// An f32 constant of at most rank 4 that broadcasts against data.
bool isBroadcastConstant(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() <= 4 && type.getElementType().isF32() &&
         ConstantData::get(value);
}

/// The extents of rank 4 that a NumPy broadcast gives `shape`.
Shape extendShape(ArrayRef<int64_t> shape) {
  Shape result(4 - shape.size(), 1);
  llvm::append_range(result, shape);
  return result;
}

Shape blockShape(ArrayRef<int64_t> shape, int64_t block) {
  Shape result(shape);
  result[1] = llvm::divideCeil(shape[1], block);
  result.push_back(block);
  return result;
}

/// Whether the blocked form has the plain form's order of elements, so that a
/// reshape turns one into the other.
bool isSameOrder(ArrayRef<int64_t> plain, int64_t block) {
  return plain[2] == 1 && plain[3] == 1 && plain[1] % block == 0;
}

/// Grouped convolutions have blocked kernels where a group and a block do not
/// cross; ungrouped and depthwise ones always do.
bool hasBlockedKernel(ConvOpInterface conv, int64_t block) {
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

class LayoutAssigner {
public:
  LayoutAssigner(func::FuncOp function, int64_t block)
      : function(function), builder(function.getContext()), block(block) {}

  void run();

private:
  /// Replaces `op` by its blocked form, or returns false to leave it plain.
  bool assign(Operation *op);
  bool assignConv(ConvOpInterface conv);
  bool assignBinary(BinaryOp op);
  bool assignScaleShift(ScaleShiftOp op);
  bool assignConcat(ConcatOp op);
  bool assignResize(ResizeOp op);
  bool assignReduce(ReduceOp op);
  bool assignSlice(tensor::ExtractSliceOp op);
  bool assignGather(AllGatherOp op);
  bool assignHalo(HaloExchangeOp op);
  bool assignSum(AllReduceOp op);
  bool assignPad(tensor::PadOp op);
  /// An operation whose only data operand is its first.
  bool follow(Operation *op);

  bool hasBlocked(Value value) const { return blockedTwins.contains(value); }
  Value getBlocked(Value value);
  Value getPlain(Value value);
  /// `value` as an operand of a blocked element-wise operation on `channels`
  /// channels; whether there is such a form.
  Value getBlockedOperand(Value value, int64_t channels);
  bool hasBlockedOperand(Value value, int64_t channels) const;

  /// `value`, a constant of rank-4 `shape`, as a constant of shape `target` whose
  /// order is blocked, with zeros past the last channel, or as it was.
  Value relayConstant(Value value, ArrayRef<int64_t> shape, bool perChannel,
                      ArrayRef<int64_t> target);
  RankedTensorType blockedType(RankedTensorType type) {
    return type.clone(blockShape(type.getShape(), block));
  }
  /// Clones `op` with other operands and a blocked result.
  Operation *replace(Operation *op, ValueRange operands);
  /// Makes `twin` the blocked form of `op`'s result.
  void replaceWith(Operation *op, Value twin);

  func::FuncOp function;
  OpBuilder builder;
  int64_t block;
  /// Keys are values of the function as it was: a replaced operation stays,
  /// dead, until the end of the walk.
  DenseMap<Value, Value> blockedTwins, plainTwins;
  SmallVector<Operation *> replaced;
};

//===----------------------------------------------------------------------===//
// Twins
//===----------------------------------------------------------------------===//

Value LayoutAssigner::getBlocked(Value value) {
  if (Value twin = blockedTwins.lookup(value))
    return twin;
  RankedTensorType type = tensorType(value), target = blockedType(type);
  Location loc = value.getLoc();
  Value twin;
  if (isBroadcastConstant(value)) {
    twin = relayConstant(value, type.getShape(), /*perChannel=*/true, target.getShape());
  } else if (isSameOrder(type.getShape(), block)) {
    Value matrix = tensor::CollapseShapeOp::create(
        builder, loc, value, SmallVector<ReassociationIndices>{{0}, {1, 2, 3}});
    twin = tensor::ExpandShapeOp::create(builder, loc, target, matrix,
                                         SmallVector<ReassociationIndices>{{0}, {1, 2, 3, 4}});
  } else {
    twin = ReorderOp::create(builder, loc, target, value, block)->getResult(0);
  }
  plainTwins[value] = value;
  return blockedTwins[value] = twin;
}

Value LayoutAssigner::getPlain(Value value) {
  if (!hasBlocked(value))
    return value;
  Value &twin = plainTwins[value];
  if (twin)
    return twin;
  RankedTensorType type = tensorType(value);
  Value blocked = blockedTwins.lookup(value);
  Location loc = value.getLoc();
  if (isSameOrder(type.getShape(), block)) {
    Value matrix = tensor::CollapseShapeOp::create(
        builder, loc, blocked, SmallVector<ReassociationIndices>{{0}, {1, 2, 3, 4}});
    return twin = tensor::ExpandShapeOp::create(
               builder, loc, type, matrix, SmallVector<ReassociationIndices>{{0}, {1, 2, 3}});
  }
  return twin = ReorderOp::create(builder, loc, type, blocked, /*block=*/0,
                                  /*channels=*/type.getDimSize(1))
                    ->getResult(0);
}

bool LayoutAssigner::hasBlockedOperand(Value value, int64_t channels) const {
  if (isBroadcastConstant(value))
    return true;
  return isData(value) && (shapeOf(value)[1] == channels || shapeOf(value)[1] == 1);
}

Value LayoutAssigner::getBlockedOperand(Value value, int64_t channels) {
  if (isBroadcastConstant(value)) {
    Shape shape = extendShape(shapeOf(value));
    bool perChannel = shape[1] != 1;
    return relayConstant(value, shape, perChannel, blockShape(shape, perChannel ? block : 1));
  }
  if (shapeOf(value)[1] == channels)
    return getBlocked(value);
  // One channel for all lanes: N x 1 x H x W becomes N x 1 x H x W x 1.
  Value plain = getPlain(value);
  Shape shape(shapeOf(plain));
  shape.push_back(1);
  return tensor::ExpandShapeOp::create(
      builder, value.getLoc(), tensorType(plain).clone(shape), plain,
      SmallVector<ReassociationIndices>{{0}, {1}, {2}, {3, 4}});
}

Value LayoutAssigner::relayConstant(Value value, ArrayRef<int64_t> shape, bool perChannel,
                                    ArrayRef<int64_t> target) {
  auto type = RankedTensorType::get(target, tensorType(value).getElementType());
  ConstantData source = *ConstantData::get(value);
  ElementsAttr result;
  if (source.isSplat()) {
    result = makeConstant<float>(type, {source.get<float>(0)});
  } else if (!perChannel) {
    result = reshapeConstant(getConstant(value), type);
  } else {
    result = fillConstant<float>(type, [&](MutableArrayRef<float> values) {
      int64_t channels = shape[1], blocks = llvm::divideCeil(channels, block);
      int64_t points = shape[2] * shape[3];
      for (int64_t n = 0; n < shape[0]; ++n)
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t p = 0; p < points; ++p)
            values[((n * blocks + c / block) * points + p) * block + c % block] =
                source.get<float>((n * channels + c) * points + p);
    });
  }
  return createConstant(builder, value.getLoc(), result);
}

Operation *LayoutAssigner::replace(Operation *op, ValueRange operands) {
  Operation *twin = builder.clone(*op);
  twin->setOperands(operands);
  Value result = op->getResult(0);
  twin->getResult(0).setType(blockedType(tensorType(result)));
  replaceWith(op, twin->getResult(0));
  return twin;
}

void LayoutAssigner::replaceWith(Operation *op, Value twin) {
  blockedTwins[op->getResult(0)] = twin;
  replaced.push_back(op);
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

bool LayoutAssigner::assignConv(ConvOpInterface conv) {
  Value input = conv.getInput();
  if (conv.getSpatialRank() != 2 || !isData(input) || !isData(conv->getResult(0)) ||
      !getConstant(conv.getFilter()) || !hasBlockedKernel(conv, block))
    return false;
  // The first layer reads its few channels from plain data.
  bool fewChannels =
      isa<ConvOp>(conv) && conv.getInputChannels() <= std::max<int64_t>(4, block / 2 - 1);
  SmallVector<Value> operands(conv->getOperands());
  if (hasBlocked(input) || !fewChannels)
    operands[0] = getBlocked(input);
  if (conv.getResidual())
    operands.back() = getBlocked(conv.getResidual());
  Operation *twin = replace(conv, operands);
  TypeSwitch<Operation *>(twin).Case<ConvOp, GroupConvOp, ConvTransposeOp>(
      [&](auto op) { op.setOutputBlock(block); });
  return true;
}

bool LayoutAssigner::follow(Operation *op) {
  Value input = op->getOperand(0);
  if (!isData(input) || !isData(op->getResult(0)) || !hasBlocked(input))
    return false;
  SmallVector<Value> operands(op->getOperands());
  operands[0] = getBlocked(input);
  TypeSwitch<Operation *>(replace(op, operands))
      .Case<LrnOp, GlobalPoolOp, ScaleShiftOp>([](auto twin) { twin.setBlocked(true); });
  return true;
}

bool LayoutAssigner::assignScaleShift(ScaleShiftOp op) {
  Value input = op.getInput();
  if (!isData(input) || !hasBlocked(input) || !isBroadcastConstant(op.getScale()) ||
      !isBroadcastConstant(op.getOffset()))
    return false;
  int64_t channels = shapeOf(input)[1];
  SmallVector<Value> operands = {getBlocked(input)};
  for (Value parameter : {op.getScale(), op.getOffset()})
    operands.push_back(relayConstant(parameter, {1, channels, 1, 1}, /*perChannel=*/true,
                                     {int64_t(llvm::divideCeil(channels, block)), block}));
  cast<ScaleShiftOp>(replace(op, operands)).setBlocked(true);
  return true;
}

bool LayoutAssigner::assignBinary(BinaryOp op) {
  Value result = op->getResult(0);
  if (!isData(result))
    return false;
  int64_t channels = shapeOf(result)[1];
  // The largest operand decides.
  Value leader;
  for (Value operand : op->getOperands()) {
    if (!hasBlockedOperand(operand, channels))
      return false;
    if (!isData(operand) || shapeOf(operand)[1] != channels || getConstant(operand))
      continue;
    if (!leader ||
        tensorType(operand).getNumElements() > tensorType(leader).getNumElements() ||
        (tensorType(operand) == tensorType(leader) && hasBlocked(operand)))
      leader = operand;
  }
  if (!leader || !hasBlocked(leader))
    return false;
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(getBlockedOperand(operand, channels));
  replace(op, operands);
  return true;
}

bool LayoutAssigner::assignConcat(ConcatOp op) {
  if (!isData(op->getResult(0)))
    return false;
  int64_t blocked = 0, all = 0;
  for (auto [index, input] : llvm::enumerate(op.getInputs())) {
    bool last = index + 1 == op.getInputs().size();
    if (op.getAxis() == 1 && !last && shapeOf(input)[1] % block != 0)
      return false;
    all += tensorType(input).getNumElements();
    blocked += hasBlocked(input) ? tensorType(input).getNumElements() : 0;
  }
  if (2 * blocked < all)
    return false;
  SmallVector<Value> operands;
  for (Value input : op.getInputs())
    operands.push_back(getBlocked(input));
  replace(op, operands);
  return true;
}

bool LayoutAssigner::assignResize(ResizeOp op) {
  Value input = op.getInput();
  if (!isData(input) || !hasBlocked(input))
    return false;
  for (int64_t axis : {0, 1})
    if (op.getShape()[axis] != shapeOf(input)[axis] || op.getScales()[axis] != 1.0f)
      return false;
  auto twin = cast<ResizeOp>(replace(op, getBlocked(input)));
  twin.setShape(tensorType(twin->getResult(0)).getShape());
  SmallVector<float> scales(op.getScales());
  scales.push_back(1.0f);
  twin.setScales(scales);
  return true;
}

bool LayoutAssigner::assignReduce(ReduceOp op) {
  Value input = op.getInput();
  if (!isData(input) || !hasBlocked(input) || !op.getKeepDims() || !isData(op->getResult(0)) ||
      !llvm::all_of(op.getAxes(), [](int64_t axis) { return axis >= 2; }))
    return false;
  replace(op, getBlocked(input));
  return true;
}

bool LayoutAssigner::assignSlice(tensor::ExtractSliceOp op) {
  Value source = op.getSource();
  if (!isData(source) || !hasBlocked(source) || !isData(op.getResult()) ||
      !op.getOffsets().empty() || !op.getSizes().empty() || !op.getStrides().empty())
    return false;
  Shape offsets(op.getStaticOffsets()), sizes(op.getStaticSizes());
  Shape strides(op.getStaticStrides());
  bool toTheEnd = offsets[1] + sizes[1] == shapeOf(source)[1];
  if (strides[1] != 1 || offsets[1] % block || (sizes[1] % block && !toTheEnd))
    return false;
  offsets[1] /= block;
  sizes[1] = llvm::divideCeil(sizes[1], block);
  offsets.push_back(0);
  sizes.push_back(block);
  strides.push_back(1);
  replaceWith(op, tensor::ExtractSliceOp::create(
                      builder, op.getLoc(), blockedType(op.getType()), getBlocked(source),
                      ValueRange(), ValueRange(), ValueRange(), offsets, sizes, strides));
  return true;
}

// All devices must send the same layout, whatever their own programs prefer: what
// decides is the same for all of them.

bool LayoutAssigner::assignGather(AllGatherOp op) {
  auto isWhole = [&](int64_t bound) { return bound % block == 0; };
  // Along rows or columns, all channels are there; along channels, devices join whole blocks,
  // except for the last one.
  bool alongChannels = op.getAxis() == 1;
  if (!isData(op.getInput()) || op.getAxis() == 0 ||
      (alongChannels && !llvm::all_of(op.getBounds().drop_back(), isWhole)))
    return false;
  SmallVector<int64_t> bounds(op.getBounds());
  for (int64_t &bound : bounds)
    bound = alongChannels ? llvm::divideCeil(bound, block) : bound;
  cast<AllGatherOp>(replace(op, getBlocked(op.getInput()))).setBounds(bounds);
  return true;
}

bool LayoutAssigner::assignHalo(HaloExchangeOp op) {
  if (!isData(op.getInput()) || op.getAxis() < 2)
    return false;
  replace(op, getBlocked(op.getInput()));
  return true;
}

bool LayoutAssigner::assignSum(AllReduceOp op) {
  if (!isData(op.getInput()) || shapeOf(op.getInput())[1] % block != 0)
    return false;
  replace(op, getBlocked(op.getInput()));
  return true;
}

bool LayoutAssigner::assignPad(tensor::PadOp op) {
  Value source = op.getSource(), value = op.getConstantPaddingValue();
  if (!isData(source) || !hasBlocked(source) || !isData(op.getResult()) || !value ||
      !op.getLow().empty() || !op.getHigh().empty() || op.getStaticLow()[1] ||
      op.getStaticHigh()[1])
    return false;
  SmallVector<OpFoldResult> low = op.getMixedLowPad(), high = op.getMixedHighPad();
  low.push_back(builder.getIndexAttr(0));
  high.push_back(builder.getIndexAttr(0));
  if (Operation *definition = value.getDefiningOp(); definition->getParentOp() == op)
    value = builder.clone(*definition)->getResult(0);
  replaceWith(op, tensor::PadOp::create(builder, op.getLoc(), blockedType(op.getResultType()),
                                        getBlocked(source), low, high, value, op.getNofold()));
  return true;
}

bool LayoutAssigner::assign(Operation *op) {
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return assignSlice(slice);
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    return assignPad(pad);
  if (auto destination = dyn_cast<DestinationOpInterface>(op);
      !destination || destination.getDestination())
    return false;
  return TypeSwitch<Operation *, bool>(op)
      .Case([&](ConvOpInterface conv) { return assignConv(conv); })
      .Case([&](AllGatherOp gather) { return assignGather(gather); })
      .Case([&](HaloExchangeOp halo) { return assignHalo(halo); })
      .Case([&](AllReduceOp sum) { return assignSum(sum); })
      .Case<MaxPoolOp, AvgPoolOp, GlobalPoolOp, UnaryOp>([&](auto) { return follow(op); })
      .Case([&](LrnOp lrn) {
        // Its window crosses lanes, so the last block must be full.
        return isData(lrn.getInput()) && shapeOf(lrn.getInput())[1] % block == 0 && follow(op);
      })
      .Case([&](BinaryOp binary) { return assignBinary(binary); })
      .Case([&](ScaleShiftOp scaleShift) { return assignScaleShift(scaleShift); })
      .Case([&](ConcatOp concat) { return assignConcat(concat); })
      .Case([&](ResizeOp resize) { return assignResize(resize); })
      .Case([&](ReduceOp reduce) { return assignReduce(reduce); })
      .Default(false);
}

void LayoutAssigner::run() {
  for (Operation &op : llvm::make_early_inc_range(function.front())) {
    builder.setInsertionPoint(&op);
    if (assign(&op))
      continue;
    op.walk([&](Operation *reader) {
      for (OpOperand &operand : reader->getOpOperands())
        operand.set(getPlain(operand.get()));
    });
  }
  for (Operation *op : llvm::reverse(replaced))
    op->erase();
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
    LayoutAssigner(function, target->getVectorLanes()).run();
  }
};

} // namespace
