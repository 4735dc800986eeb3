//===- RaiseQuantization.cpp - Layers between dequantize and quantize -----===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "convoy/Dialect/Cnn/IR/ConstantEvaluator.h"
#include "convoy/Dialect/Cnn/IR/Differences.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Transforms/Simplify/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNRAISEQUANTIZATION
#include "convoy/Transforms/Simplify/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

//===----------------------------------------------------------------------===//
// Quantised operands
//===----------------------------------------------------------------------===//

RankedTensorType getType(Value value) { return cast<RankedTensorType>(value.getType()); }

bool isScalar(Value value) { return getType(value).getNumElements() == 1; }

/// The operation that makes `value` of integers, if it is in value form.
DequantizeOp getDequantize(Value value) {
  auto op = value.getDefiningOp<DequantizeOp>();
  return op && op->getNumResults() == 1 && !op.getInit() ? op : DequantizeOp();
}

/// The same for integers of 8 bits, or largest differences of them (see PoolIntegers), with
/// one scale and one zero point.
DequantizeOp getByteData(Value value) {
  DequantizeOp op = getDequantize(value);
  bool isBytes = op &&
                 (getType(op.getInput()).getElementType().isInteger(8) ||
                  getIntegerPool(op.getInput())) &&
                 isScalar(op.getScale()) && isScalar(op.getZeroPoint());
  return isBytes ? op : DequantizeOp();
}

std::optional<ConstantData> evaluate(Value value) {
  EvaluationOptions options;
  options.maxElements = std::numeric_limits<int64_t>::max();
  return ConstantData::get(evaluateConstant(value, options));
}

/// Whether two values are equal for sure.
bool isSame(Value lhs, Value rhs) {
  if (lhs == rhs)
    return true;
  std::optional<ConstantData> left = evaluate(lhs), right = evaluate(rhs);
  return left && right && left->getNumElements() == 1 && right->getNumElements() == 1 &&
         left->getElementType() == right->getElementType() &&
         left->getBytes() == right->getBytes();
}

/// Whether a product of the scale and an integer of 16 bits is a usual f32, which divided by
/// the scale is nearly that integer.
bool isUsual(double scale) { return scale > 1e-30 && scale < 1e30; }

/// A filter of constant integers.
struct IntegerFilter {
  /// The integers less their zero points.
  ElementsAttr weights;
  /// One scale, or one for each output channel.
  std::vector<float> scales;

  static std::optional<IntegerFilter> get(Value filter);
};

/// A parameter that does not change along the dimensions of a filter but the first: one number
/// or one for each output channel.
std::optional<ConstantData> getOutputParameter(Value value, ArrayRef<int64_t> filter) {
  std::optional<ConstantData> data = evaluate(value);
  if (!data || data->getNumElements() == 1)
    return data;
  ArrayRef<int64_t> shape = data->getShape();
  bool isOfOutputs = shape.size() == filter.size() && shape.front() == filter.front() &&
                     data->getNumElements() == filter.front();
  return isOfOutputs ? data : std::nullopt;
}

std::optional<IntegerFilter> IntegerFilter::get(Value filter) {
  DequantizeOp op = getDequantize(filter);
  if (!op || !getType(op.getInput()).getElementType().isInteger(8))
    return std::nullopt;
  ArrayRef<int64_t> shape = getType(filter).getShape();
  std::optional<ConstantData> data = evaluate(op.getInput());
  std::optional<ConstantData> scale = getOutputParameter(op.getScale(), shape);
  std::optional<ConstantData> zero = getOutputParameter(op.getZeroPoint(), shape);
  if (!data || !scale || !zero || data->getNumElements() == 0)
    return std::nullopt;
  IntegerFilter result;
  result.scales = scale->toVector<float>();
  int64_t inner = data->getNumElements() / shape.front();
  std::vector<int64_t> sums(shape.front(), 0);
  auto type = RankedTensorType::get(shape, IntegerType::get(filter.getContext(), 16));
  result.weights = fillConstant<int16_t>(type, [&](MutableArrayRef<int16_t> values) {
    for (auto [i, value] : llvm::enumerate(values)) {
      int64_t output = zero->getNumElements() == 1 ? 0 : int64_t(i) / inner;
      value = data->getInt(i) - zero->getInt(output);
      sums[int64_t(i) / inner] += std::abs(int64_t(value)) * kLargestDifference;
    }
  });
  // Sums of integers wrap around, those of floats do not.
  if (*llvm::max_element(sums) > std::numeric_limits<int32_t>::max())
    return std::nullopt;
  return result;
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

/// A tensor of one element with the rank 0, so that it broadcasts to any other.
Value reshapeToScalar(PatternRewriter &rewriter, Value value) {
  if (getType(value).getRank() == 0)
    return value;
  auto type = RankedTensorType::get({}, getType(value).getElementType());
  return tensor::CollapseShapeOp::create(rewriter, value.getLoc(), type, value,
                                         ArrayRef<ReassociationIndices>());
}

/// One number, or one for each channel: dimension 1 of a tensor of this rank.
Value alongChannels(PatternRewriter &rewriter, Location loc, std::vector<float> values,
                    int64_t rank) {
  SmallVector<int64_t> shape(values.size() == 1 ? 0 : rank, 1);
  if (!shape.empty())
    shape[1] = values.size();
  return createConstant(rewriter, loc,
                        makeFloats(rewriter.getContext(), shape, std::move(values)));
}

Value castTo(PatternRewriter &rewriter, Location loc, Value value, Type type) {
  return CastOp::create(rewriter, loc, getType(value).clone(type), value, type)->getResult(0);
}

/// The result has the type of `lhs`.
Value combine(PatternRewriter &rewriter, Location loc, Value lhs, Value rhs, BinaryKind kind) {
  return BinaryOp::create(rewriter, loc, lhs.getType(), lhs, rhs, kind)->getResult(0);
}

/// The largest differences of which `value` are the quantised numbers again, with the zero
/// point `zero`; otherwise null.
Value getPooled(Value value, int64_t zero) {
  auto narrowing = value.getDefiningOp<CastOp>();
  if (!narrowing)
    return {};
  Value pooled = narrowing.getInput();
  if (auto sum = pooled.getDefiningOp<BinaryOp>()) {
    std::optional<ConstantData> added = evaluate(sum.getRhs());
    if (sum.getKind() != BinaryKind::add || !added || added->getNumElements() != 1 ||
        added->getInt(0) != zero)
      return {};
    pooled = sum.getLhs();
  } else if (zero != 0) {
    return {};
  }
  return getIntegerPool(pooled) ? pooled : Value();
}

/// The integers of `data` less their zero point, as i16.
Value subtractZero(PatternRewriter &rewriter, DequantizeOp data) {
  Location loc = data.getLoc();
  Type i16 = rewriter.getI16Type();
  Value zero = reshapeToScalar(rewriter, castTo(rewriter, loc, data.getZeroPoint(), i16));
  return combine(rewriter, loc, castTo(rewriter, loc, data.getInput(), i16), zero,
                 BinaryKind::sub);
}

/// A layer of dequantised data and weights becomes one of integers: the sums are multiplied by
/// the product of both scales, and then the bias is added.
template <typename LayerOp> struct RaiseLayer : OpRewritePattern<LayerOp> {
  using OpRewritePattern<LayerOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(LayerOp op, PatternRewriter &rewriter) const override {
    auto layer = cast<ScheduledOpInterface>(op.getOperation());
    if (op->getNumResults() != 1 || op.getInit() || layer.isPacked() || layer.isExact() ||
        !op.getActivation().isIdentity() || hasMore(op))
      return failure();
    DequantizeOp data = getByteData(op.getInput());
    if (!data)
      return failure();
    std::optional<IntegerFilter> filter = IntegerFilter::get(op.getFilter());
    std::optional<ConstantData> bias;
    if (op.getBias() && !(bias = evaluate(op.getBias())))
      return failure();
    if (!filter || (bias && !bias->holds<float>()))
      return failure();
    Location loc = op.getLoc();
    Value input = subtractZero(rewriter, data);
    Value weights = createConstant(rewriter, op.getFilter().getLoc(), filter->weights);
    auto type = getType(op->getResult(0));
    Operation *integers = rewriter.clone(*op);
    layer = mlir::cast<ScheduledOpInterface>(integers);
    integers->setOperand(0, input);
    integers->setOperand(1, weights);
    layer.getBiasMutable().clear();
    integers->getResult(0).setType(type.clone(rewriter.getI32Type()));
    Value factors =
        combine(rewriter, loc, alongChannels(rewriter, loc, filter->scales, type.getRank()),
                reshapeToScalar(rewriter, data.getScale()), BinaryKind::mul);
    Value sums = castTo(rewriter, loc, integers->getResult(0), rewriter.getF32Type());
    Value result = combine(rewriter, loc, sums, factors, BinaryKind::mul);
    if (bias)
      result = combine(rewriter, loc, result,
                       alongChannels(rewriter, loc, bias->toVector<float>(), type.getRank()),
                       BinaryKind::add);
    rewriter.replaceOp(op, result);
    return success();
  }

  /// Whether a layer has operands that those of integers do not have.
  static bool hasMore(LayerOp op) {
    if constexpr (std::is_same_v<LayerOp, DenseOp>)
      return false;
    else
      return bool(mlir::cast<ConvOpInterface>(op.getOperation()).getResidual()) ||
             bool(mlir::cast<ConvOpInterface>(op.getOperation()).getInputScale());
  }
};

/// Why a layer of dequantised data is none of integers; empty if that is for no reason of
/// quantisation.
std::string whyFloat(ScheduledOpInterface layer) {
  if (isa<ConvTransposeOp>(layer))
    return "transposed convolutions have no integers";
  if (!getByteData(layer->getOperand(0)))
    return "the input has several scales, or elements that are not of 8 bits";
  DequantizeOp filter = getDequantize(layer.getFilter());
  if (!filter)
    return "the filter is not quantised";
  if (!evaluate(filter.getInput()))
    return "the filter is computed when the model runs";
  if (!IntegerFilter::get(layer.getFilter()))
    return "the filter has no scale for all or for each output channel, or sums may not fit "
           "32 "
           "bits";
  if (layer.getBias() && !evaluate(layer.getBias()))
    return "the bias is computed when the model runs";
  return "";
}

/// Computes numbers divided by a positive constant, without a division: the constant goes into
/// factors, summands and scales of the operations that make them.
class Divider {
public:
  Divider(PatternRewriter &rewriter, float divisor) : rewriter(rewriter), divisor(divisor) {}

  /// Whether `value` has such operations, and is read by the operation alone that divides it.
  bool canDivide(Value value) const;
  /// `value / divisor`.
  Value divide(Value value);

private:
  bool canDivideConstant(Value value) const;
  Value divideConstant(Value value);

  PatternRewriter &rewriter;
  float divisor;
};

std::optional<ConstantData> getFloats(Value value) {
  std::optional<ConstantData> data = evaluate(value);
  return data && data->holds<float>() ? data : std::nullopt;
}

/// ReLU, or nothing: what is done before or after a division by a positive number.
bool keepsFactor(FunctionAttr function) {
  return function.isIdentity() || function.getKind() == UnaryKind::relu;
}

/// Whether `value` is constant, and each quotient is as usual a number as the dividend.
bool Divider::canDivideConstant(Value value) const {
  std::optional<ConstantData> constant = getFloats(value);
  return constant && llvm::all_of(constant->getValues<float>(), [this](float number) {
           return number == 0 || isUsual(std::abs(number / divisor));
         });
}

bool Divider::canDivide(Value value) const {
  // Its scale is divided in a copy of the operation.
  if (DequantizeOp op = getDequantize(value))
    return canDivideConstant(op.getScale());
  if (!value.hasOneUse())
    return false;
  if (auto unary = value.getDefiningOp<UnaryOp>())
    return keepsFactor(unary.getFunction()) && canDivide(unary.getInput());
  auto binary = value.getDefiningOp<BinaryOp>();
  if (!binary || binary.getInit() || !keepsFactor(binary.getActivation()))
    return false;
  auto isConstantOrDivided = [this](Value operand) {
    return getFloats(operand) ? canDivideConstant(operand) : canDivide(operand);
  };
  if (binary.getKind() == BinaryKind::mul)
    return isConstantOrDivided(binary.getRhs()) || canDivide(binary.getLhs());
  return binary.getKind() == BinaryKind::add && canDivide(binary.getLhs()) &&
         isConstantOrDivided(binary.getRhs());
}

Value Divider::divideConstant(Value value) {
  std::optional<ConstantData> constant = getFloats(value);
  std::vector<float> values = constant->toVector<float>();
  for (float &number : values)
    number /= divisor;
  return createConstant(rewriter, value.getLoc(),
                        makeConstant<float>(constant->getType(), std::move(values)));
}

Value Divider::divide(Value value) {
  if (DequantizeOp op = getDequantize(value))
    return DequantizeOp::create(rewriter, op.getLoc(), value.getType(), op.getInput(),
                                divideConstant(op.getScale()), op.getZeroPoint())
        ->getResult(0);
  Operation *op = value.getDefiningOp();
  SmallVector<Value> operands(op->getOperands());
  auto divideOperand = [&](unsigned number) {
    Value &operand = operands[number];
    operand = getFloats(operand) ? divideConstant(operand) : divide(operand);
  };
  auto binary = dyn_cast<BinaryOp>(op);
  if (binary && binary.getKind() == BinaryKind::mul) {
    bool isRight = canDivideConstant(operands[1]) || !canDivide(operands[0]);
    divideOperand(isRight ? 1 : 0);
  } else {
    for (unsigned i = 0; i < operands.size(); ++i)
      divideOperand(i);
  }
  Operation *divided = rewriter.clone(*op);
  divided->setOperands(operands);
  return divided->getResult(0);
}

/// The scale of a result goes into the factors and the bias of the sums, so that nothing is
/// divided when the model runs.
struct FoldScale : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &rewriter) const override {
    std::optional<ConstantData> scale = getFloats(op.getScale());
    if (!scale || op.getInit() || !isScalar(op.getScale()) || !isUsual(scale->getDouble(0)) ||
        scale->getDouble(0) == 1 || getDequantize(op.getInput()))
      return failure();
    Divider divider(rewriter, scale->get<float>(0));
    if (!divider.canDivide(op.getInput()))
      return failure();
    Value divided = divider.divide(op.getInput());
    Value one =
        createConstant(rewriter, op.getLoc(), makeFloats(rewriter.getContext(), {}, {1.0f}));
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputMutable().set(divided);
      op.getScaleMutable().set(one);
    });
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Data
//===----------------------------------------------------------------------===//

/// The parameter of a filter after a transposition.
Value transposeParameter(PatternRewriter &rewriter, Value value,
                         ArrayRef<int64_t> permutation) {
  std::optional<ConstantData> data = evaluate(value);
  if (isScalar(value) || !data)
    return isScalar(value) ? value : Value();
  SmallVector<int64_t> shape(permutation.size() - data->getShape().size(), 1), result;
  llvm::append_range(shape, data->getShape());
  for (int64_t dim : permutation)
    result.push_back(shape[dim]);
  // With one dimension that is not 1, the order of the elements stays.
  if (llvm::count_if(shape, [](int64_t extent) { return extent != 1; }) > 1)
    return {};
  auto type = RankedTensorType::get(result, data->getElementType());
  return createConstant(rewriter, value.getLoc(),
                        makeConstantFromBytes(type, data->getBytes()));
}

void replaceByDequantize(PatternRewriter &rewriter, Operation *op, DequantizeOp like,
                         Value moved, Value scale, Value zeroPoint) {
  rewriter.replaceOp(op, DequantizeOp::create(rewriter, like.getLoc(), op->getResultTypes(),
                                              moved, scale, zeroPoint));
}

/// Makes the data move as integers: what only moves elements comes before the dequantisation.
struct TransposeIntegers : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    DequantizeOp data = getDequantize(op.getInput());
    if (!data || op->getNumResults() != 1)
      return failure();
    Value scale = transposeParameter(rewriter, data.getScale(), op.getPermutation());
    Value zero = transposeParameter(rewriter, data.getZeroPoint(), op.getPermutation());
    if (!scale || !zero)
      return failure();
    auto type = getType(op->getResult(0)).clone(getType(data.getInput()).getElementType());
    Value init =
        tensor::EmptyOp::create(rewriter, op.getLoc(), type.getShape(), type.getElementType());
    Value moved = linalg::TransposeOp::create(rewriter, op.getLoc(), data.getInput(), init,
                                              op.getPermutation())
                      ->getResult(0);
    replaceByDequantize(rewriter, op, data, moved, scale, zero);
    return success();
  }
};

/// The same for operations of one operand that keep or drop elements, in any order.
template <typename MoveOp> struct MoveIntegers : OpRewritePattern<MoveOp> {
  using OpRewritePattern<MoveOp>::OpRewritePattern;
  LogicalResult matchAndRewrite(MoveOp op, PatternRewriter &rewriter) const override {
    DequantizeOp data = getDequantize(op->getOperand(0));
    if (!data || !isScalar(data.getScale()) || !isScalar(data.getZeroPoint()))
      return failure();
    Operation *moved = rewriter.clone(*op);
    moved->setOperand(0, data.getInput());
    moved->getResult(0).setType(
        getType(op->getResult(0)).clone(getType(data.getInput()).getElementType()));
    replaceByDequantize(rewriter, op, data, moved->getResult(0), data.getScale(),
                        data.getZeroPoint());
    return success();
  }
};

/// The largest of some numbers are the numbers of the largest integers.
struct PoolIntegers : OpRewritePattern<MaxPoolOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MaxPoolOp op, PatternRewriter &rewriter) const override {
    DequantizeOp data = getByteData(op.getInput());
    std::optional<ConstantData> scale = data ? getFloats(data.getScale()) : std::nullopt;
    if (!scale || op.getInit() || !isUsual(scale->getDouble(0)) ||
        !evaluate(data.getZeroPoint()))
      return failure();
    // A window that has only padding has no largest integer.
    WindowAttr window = op.getWindow();
    for (int64_t dim = 0; dim < window.getRank(); ++dim)
      if (window.getDilations()[dim] != 1 ||
          std::max(window.getPadsBegin()[dim], window.getPadsEnd()[dim]) >=
              window.getKernel()[dim])
        return failure();
    Type i16 = rewriter.getI16Type();
    Value differences = subtractZero(rewriter, data);
    Operation *pool = rewriter.clone(*op);
    pool->setOperand(0, differences);
    pool->getResult(0).setType(getType(op->getResult(0)).clone(i16));
    Value zero = createConstant(
        rewriter, op.getLoc(),
        makeConstant<int16_t>(RankedTensorType::get({}, i16), std::vector<int16_t>{0}));
    replaceByDequantize(rewriter, op, data, pool->getResult(0), data.getScale(), zero);
    return success();
  }
};

/// Quantises the parts of a concatenation, so that the layers that compute them store
/// integers.
struct QuantizeParts : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &rewriter) const override {
    auto concat = op.getInput().getDefiningOp<ConcatOp>();
    if (!concat || concat.getInit() || op.getInit() || !concat->hasOneUse() ||
        !isScalar(op.getScale()) || !isScalar(op.getZeroPoint()))
      return failure();
    Type element = getType(op->getResult(0)).getElementType();
    SmallVector<Value> parts;
    for (Value part : concat.getInputs())
      parts.push_back(QuantizeOp::create(rewriter, op.getLoc(), getType(part).clone(element),
                                         part, op.getScale(), op.getZeroPoint())
                          ->getResult(0));
    rewriter.replaceOp(op, ConcatOp::create(rewriter, concat.getLoc(), op->getResultTypes(),
                                            parts, concat.getAxis()));
    return success();
  }
};

/// Numbers that become integers of the same scale and zero point again stay as they are.
struct DropRoundTrip : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &rewriter) const override {
    DequantizeOp data = getDequantize(op.getInput());
    std::optional<ConstantData> scale = evaluate(op.getScale());
    if (!data || op.getInit() || !scale || !isScalar(op.getScale()) ||
        !isUsual(scale->getDouble(0)) || !isSame(data.getScale(), op.getScale()))
      return failure();
    Type type = getType(op->getResult(0)).getElementType();
    if (getIntegerPool(data.getInput())) {
      // They are numbers of 8 bits if the zero point is that of the pool's input.
      std::optional<ConstantData> zero = evaluate(op.getZeroPoint());
      std::optional<Differences> numbers = Differences::getPooled(data.getInput(), evaluate);
      if (!numbers || !zero || !isScalar(op.getZeroPoint()) ||
          zero->getInt(0) != numbers->zeroPoint || type != numbers->getElementType())
        return failure();
      Value zero16 = reshapeToScalar(
          rewriter, castTo(rewriter, op.getLoc(), op.getZeroPoint(), rewriter.getI16Type()));
      Value sum = combine(rewriter, op.getLoc(), data.getInput(), zero16, BinaryKind::add);
      rewriter.replaceOp(op, castTo(rewriter, op.getLoc(), sum, type));
      return success();
    }
    if (data.getInput().getType() != op->getResult(0).getType() ||
        !isSame(data.getZeroPoint(), op.getZeroPoint()))
      return failure();
    rewriter.replaceOp(op, data.getInput());
    return success();
  }
};

/// Differences of largest numbers that were quantised again are the largest differences.
struct DropNarrowing : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override {
    auto widening = op.getLhs().getDefiningOp<CastOp>();
    if (op.getKind() != BinaryKind::sub || op.getInit() || !op.getActivation().isIdentity() ||
        !widening || !widening.getTo().isInteger(16))
      return failure();
    std::optional<ConstantData> zero = evaluate(op.getRhs());
    if (!zero || zero->getNumElements() != 1)
      return failure();
    Value pooled = getPooled(widening.getInput(), zero->getInt(0));
    if (!pooled || pooled.getType() != op->getResult(0).getType())
      return failure();
    rewriter.replaceOp(op, pooled);
    return success();
  }
};

/// The same for a zero point of 0, which is not subtracted.
struct DropWidening : OpRewritePattern<CastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CastOp op, PatternRewriter &rewriter) const override {
    if (!op.getTo().isInteger(16) || op.getInit() || op->getNumResults() != 1)
      return failure();
    Value pooled = getPooled(op.getInput(), 0);
    if (!pooled || pooled.getType() != op->getResult(0).getType())
      return failure();
    rewriter.replaceOp(op, pooled);
    return success();
  }
};

struct RaiseQuantization : convoy::cnn::impl::CnnRaiseQuantizationBase<RaiseQuantization> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<TransposeIntegers, MoveIntegers<tensor::CollapseShapeOp>,
                 MoveIntegers<tensor::ExpandShapeOp>, MoveIntegers<tensor::ExtractSliceOp>,
                 QuantizeParts, DropRoundTrip>(&getContext());
    TargetAttr target = getTarget(getOperation());
    bool isCpu = !target || !target.getGpu();
    if (isCpu)
      patterns.add<FoldScale, PoolIntegers, DropNarrowing, DropWidening, RaiseLayer<ConvOp>,
                   RaiseLayer<GroupConvOp>, RaiseLayer<DenseOp>>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    if (isCpu)
      getOperation().walk(explain);
  }

  /// Says why a layer of dequantised data stays one of floats.
  static void explain(ScheduledOpInterface layer) {
    if (!getDequantize(layer->getOperand(0)))
      return;
    if (std::string reason = whyFloat(layer); !reason.empty())
      layer->emitRemark() << "computes floats although its input is quantised: " << reason;
  }
};

} // namespace
