//===- RaiseActivations.cpp - Operations that spell out activations -------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Transforms/Simplify/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include <cmath>
#include <limits>

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNRAISEACTIVATIONS
#include "convoy/Transforms/Simplify/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy::cnn;

namespace {

//===----------------------------------------------------------------------===//
// Reading expressions
//===----------------------------------------------------------------------===//

/// Whether two constants are equal up to their rounding to f32.
bool isAbout(double value, double wanted) {
  return std::fabs(value - wanted) <= 1e-6 * std::max(std::fabs(wanted), 1.0);
}

/// The number in every element of a constant operand; none if it is no such constant.
std::optional<double> readNumber(Value value) {
  std::optional<ConstantData> data = ConstantData::get(value);
  if (!data || !isa<FloatType>(data->getElementType()))
    return std::nullopt;
  return data->getSplatDouble();
}

/// The operation that computes `value`, if it is an `OpTy` in value form and `value` has
/// only one reader.
template <typename OpTy> OpTy readInner(Value value) {
  auto op = value.getDefiningOp<OpTy>();
  return op && value.hasOneUse() && !op.getInit() ? op : OpTy();
}

bool isPlain(BinaryOp op, BinaryKind kind) {
  return op && op.getKind() == kind && op.getActivation().isIdentity() &&
         op->getNumResults() == 1 && !op.getInit();
}

/// `kind(x)`: the x.
Value readUnary(Value value, UnaryKind kind) {
  auto op = readInner<UnaryOp>(value);
  return op && op.getFunction().getKind() == kind ? op.getInput() : Value();
}

/// `operand (kind) number`, either way round if the function commutes.
struct WithNumber {
  Value operand;
  double number;
};
std::optional<WithNumber> readWithNumber(BinaryOp op, BinaryKind kind) {
  if (!isPlain(op, kind))
    return std::nullopt;
  Type type = op.getResult(0).getType();
  if (std::optional<double> number = readNumber(op.getRhs()))
    if (op.getLhs().getType() == type)
      return WithNumber{op.getLhs(), *number};
  if (kind == BinaryKind::sub || kind == BinaryKind::div || op.getRhs().getType() != type)
    return std::nullopt;
  if (std::optional<double> number = readNumber(op.getLhs()))
    return WithNumber{op.getRhs(), *number};
  return std::nullopt;
}
std::optional<WithNumber> readWithNumber(Value value, BinaryKind kind) {
  auto op = readInner<BinaryOp>(value);
  return op ? readWithNumber(op, kind) : std::nullopt;
}

/// `x + number` for the given number: the x.
Value readPlus(Value value, double number) {
  auto sum = readWithNumber(value, BinaryKind::add);
  return sum && isAbout(sum->number, number) ? sum->operand : Value();
}

/// `scale * x + offset`, any part of which may be missing.
struct Line {
  Value x;
  double scale = 1, offset = 0;
};
Line readLine(Value value) {
  Line line{value};
  if (auto sum = readWithNumber(value, BinaryKind::add))
    line = {sum->operand, 1, sum->number};
  if (auto product = readWithNumber(line.x, BinaryKind::mul)) {
    line.x = product->operand;
    line.scale = product->number;
  } else if (auto quotient = readWithNumber(line.x, BinaryKind::div)) {
    line.x = quotient->operand;
    line.scale = 1 / quotient->number;
  }
  return line;
}

/// `clip(x)` to the given bounds: the x.
Value readClip(Value value, double low, double high) {
  auto op = readInner<UnaryOp>(value);
  if (!op || op.getFunction().getKind() != UnaryKind::clip || !op.getFunction().getAlpha() ||
      !op.getFunction().getBeta())
    return {};
  return op.getFunction().getAlphaValue() == low && op.getFunction().getBetaValue() == high
             ? op.getInput()
             : Value();
}

/// `1 + exp(-x)`: the x.
Value readOnePlusExpMinus(Value value) {
  Value power = readPlus(value, 1);
  Value minus = power ? readUnary(power, UnaryKind::exp) : Value();
  if (!minus)
    return {};
  if (Value x = readUnary(minus, UnaryKind::neg))
    return x;
  auto product = readWithNumber(minus, BinaryKind::mul);
  return product && product->number == -1 ? product->operand : Value();
}

/// A product of values and numbers.
struct Product {
  double number = 1;
  SmallVector<Value, 4> factors;
};

void readFactors(Value value, bool isRoot, Product &product) {
  auto op = isRoot ? value.getDefiningOp<BinaryOp>() : readInner<BinaryOp>(value);
  if (op)
    for (BinaryKind kind : {BinaryKind::mul, BinaryKind::div})
      if (auto part = readWithNumber(op, kind)) {
        product.number *= kind == BinaryKind::mul ? part->number : 1 / part->number;
        return readFactors(part->operand, /*isRoot=*/false, product);
      }
  if (op && isPlain(op, BinaryKind::mul) && op.getLhs().getType() == op.getRhs().getType()) {
    readFactors(op.getLhs(), /*isRoot=*/false, product);
    return readFactors(op.getRhs(), /*isRoot=*/false, product);
  }
  product.factors.push_back(value);
}

//===----------------------------------------------------------------------===//
// Recognising expressions
//===----------------------------------------------------------------------===//

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A recognised function and its operand; no operand if nothing was recognised.
struct Match {
  Value x;
  FunctionAttr function;
};

FunctionAttr makeClip(MLIRContext *context, double low, double high) {
  if (low == 0 && high >= double(std::numeric_limits<float>::max()))
    return FunctionAttr::get(context, UnaryKind::relu);
  return FunctionAttr::get(context, UnaryKind::clip, float(low), float(high));
}

/// Recognises `x * factor * number` as a function of `x`.
Match matchTimes(Value x, Value factor, double number) {
  MLIRContext *context = x.getContext();
  if (isAbout(number, 1)) {
    if (readUnary(factor, UnaryKind::sigmoid) == x)
      return {x, FunctionAttr::get(context, UnaryKind::silu)};
    if (auto inner = readInner<UnaryOp>(factor)) {
      FunctionAttr function = inner.getFunction();
      if (function.getKind() == UnaryKind::hard_sigmoid && inner.getInput() == x &&
          isAbout(function.getAlphaValue(), 1.0 / 6) && isAbout(function.getBetaValue(), 0.5))
        return {x, FunctionAttr::get(context, UnaryKind::hard_swish)};
    }
    Value argument = readUnary(factor, UnaryKind::tanh);
    if (argument && readUnary(argument, UnaryKind::softplus) == x)
      return {x, FunctionAttr::get(context, UnaryKind::mish)};
  }
  if (isAbout(number, 1.0 / 6)) {
    Value shifted = readClip(factor, 0, 6);
    if (shifted && readPlus(shifted, 3) == x)
      return {x, FunctionAttr::get(context, UnaryKind::hard_swish)};
  }
  if (isAbout(number, 0.5)) {
    Value error = readPlus(factor, 1);
    Value argument = error ? readUnary(error, UnaryKind::erf) : Value();
    Line line = argument ? readLine(argument) : Line();
    if (line.x == x && line.offset == 0 && isAbout(line.scale, std::sqrt(0.5)))
      return {x, FunctionAttr::get(context, UnaryKind::gelu)};
  }
  return {};
}

Match matchProduct(BinaryOp op) {
  Product product;
  readFactors(op.getResult(0), /*isRoot=*/true, product);
  if (product.factors.size() == 2) {
    if (Match match = matchTimes(product.factors[0], product.factors[1], product.number);
        match.x)
      return match;
    return matchTimes(product.factors[1], product.factors[0], product.number);
  }
  if (product.factors.size() == 1 && isAbout(product.number, 1.0 / 6)) {
    Value shifted = readClip(product.factors[0], 0, 6);
    if (Value x = shifted ? readPlus(shifted, 3) : Value())
      return {x, FunctionAttr::get(op.getContext(), UnaryKind::hard_sigmoid, 1.0f / 6, 0.5f)};
  }
  return {};
}

Match matchQuotient(BinaryOp op) {
  if (!isPlain(op, BinaryKind::div))
    return {};
  Value x = readOnePlusExpMinus(op.getRhs());
  if (!x || x.getType() != op.getResult(0).getType())
    return {};
  if (op.getLhs() == x)
    return {x, FunctionAttr::get(op.getContext(), UnaryKind::silu)};
  if (readNumber(op.getLhs()) == 1.0)
    return {x, FunctionAttr::get(op.getContext(), UnaryKind::sigmoid)};
  return {};
}

Match matchMinimum(BinaryOp op) {
  auto outer = readWithNumber(op, BinaryKind::min);
  if (!outer)
    return {};
  if (Value x = readUnary(outer->operand, UnaryKind::relu); x && outer->number >= 0)
    return {x, makeClip(op.getContext(), 0, outer->number)};
  auto inner = readWithNumber(outer->operand, BinaryKind::max);
  if (!inner || inner->number > outer->number)
    return {};
  return {inner->operand, makeClip(op.getContext(), inner->number, outer->number)};
}

Match matchMaximum(BinaryOp op) {
  auto outer = readWithNumber(op, BinaryKind::max);
  if (!outer)
    return {};
  if (auto inner = readWithNumber(outer->operand, BinaryKind::min))
    if (inner->number >= outer->number)
      return {inner->operand, makeClip(op.getContext(), outer->number, inner->number)};
  if (outer->number == 0)
    return {outer->operand, FunctionAttr::get(op.getContext(), UnaryKind::relu)};
  return {};
}

Match matchBinary(BinaryOp op) {
  switch (op.getKind()) {
  case BinaryKind::mul:
    return matchProduct(op);
  case BinaryKind::div: {
    Match match = matchProduct(op);
    return match.x ? match : matchQuotient(op);
  }
  case BinaryKind::min:
    return matchMinimum(op);
  case BinaryKind::max:
    return matchMaximum(op);
  case BinaryKind::prelu: {
    std::optional<double> slope = readNumber(op.getRhs());
    if (!slope || !isPlain(op, BinaryKind::prelu))
      return {};
    return {op.getLhs(),
            FunctionAttr::get(op.getContext(), UnaryKind::leaky_relu, float(*slope), 0.0f)};
  }
  default:
    return {};
  }
}

Match matchUnary(UnaryOp op) {
  MLIRContext *context = op.getContext();
  FunctionAttr function = op.getFunction();
  switch (function.getKind()) {
  case UnaryKind::clip: {
    double low = function.getAlpha() ? function.getAlphaValue() : -kInfinity;
    double high = function.getBeta() ? function.getBetaValue() : kInfinity;
    if (low == 0 && high >= double(std::numeric_limits<float>::max()))
      return {op.getInput(), FunctionAttr::get(context, UnaryKind::relu)};
    if (low != 0 || high != 1)
      return {};
    Line line = readLine(op.getInput());
    if (line.x == op.getInput() || line.scale == 1)
      return {};
    return {line.x, FunctionAttr::get(context, UnaryKind::hard_sigmoid, float(line.scale),
                                      float(line.offset))};
  }
  case UnaryKind::log: {
    Value power = readPlus(op.getInput(), 1);
    if (Value x = power ? readUnary(power, UnaryKind::exp) : Value())
      return {x, FunctionAttr::get(context, UnaryKind::softplus)};
    return {};
  }
  case UnaryKind::reciprocal:
    if (Value x = readOnePlusExpMinus(op.getInput()))
      return {x, FunctionAttr::get(context, UnaryKind::sigmoid)};
    return {};
  default:
    return {};
  }
}

Match match(BinaryOp op) { return matchBinary(op); }
Match match(UnaryOp op) { return matchUnary(op); }

template <typename OpTy> struct Raise : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1 || op.getInit())
      return failure();
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type || !isa<FloatType>(type.getElementType()))
      return failure();
    Match found = match(op);
    if (!found.x || found.x.getType() != type)
      return failure();
    rewriter.replaceOpWithNewOp<UnaryOp>(op, TypeRange(type), found.x, found.function);
    return success();
  }
};

struct RaiseActivations : convoy::cnn::impl::CnnRaiseActivationsBase<RaiseActivations> {
  using CnnRaiseActivationsBase::CnnRaiseActivationsBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<Raise<BinaryOp>, Raise<UnaryOp>>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
