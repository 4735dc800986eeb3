//===- ScalarFunctions.cpp - Element-wise functions of numbers ------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScalarFunctions.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace convoy::cnn;

bool convoy::cnn::isExact(UnaryKind kind) {
  switch (kind) {
  case UnaryKind::identity:
  case UnaryKind::relu:
  case UnaryKind::leaky_relu:
  case UnaryKind::clip:
  case UnaryKind::abs:
  case UnaryKind::neg:
  case UnaryKind::reciprocal:
  case UnaryKind::floor:
  case UnaryKind::ceil:
  case UnaryKind::round:
  case UnaryKind::sqrt:
  case UnaryKind::sign:
  case UnaryKind::logical_not:
    return true;
  default:
    return false;
  }
}

static double clamp(double x, double low, double high) {
  return x < low ? low : x > high ? high : x;
}

static double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
}

double convoy::cnn::applyUnary(FunctionAttr function, double x) {
  double alpha = function.getAlphaValue(), beta = function.getBetaValue();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  switch (function.getKind()) {
  case UnaryKind::identity:
    return x;
  case UnaryKind::relu:
    return x < 0 ? 0 : x;
  case UnaryKind::leaky_relu:
    return x < 0 ? alpha * x : x;
  case UnaryKind::clip:
    return clamp(x, function.getAlpha() ? alpha : -infinity,
                 function.getBeta() ? beta : infinity);
  case UnaryKind::sigmoid:
    return 1 / (1 + std::exp(-x));
  case UnaryKind::hard_sigmoid:
    return clamp(alpha * x + beta, 0, 1);
  case UnaryKind::hard_swish:
    return x * clamp(x / 6 + 0.5, 0, 1);
  case UnaryKind::silu:
    return x / (1 + std::exp(-x));
  case UnaryKind::tanh:
    return std::tanh(x);
  case UnaryKind::elu:
    return x < 0 ? alpha * std::expm1(x) : x;
  case UnaryKind::erf:
    return std::erf(x);
  case UnaryKind::exp:
    return std::exp(x);
  case UnaryKind::log:
    return std::log(x);
  case UnaryKind::sqrt:
    return std::sqrt(x);
  case UnaryKind::abs:
    return std::fabs(x);
  case UnaryKind::neg:
    return -x;
  case UnaryKind::reciprocal:
    return 1 / x;
  case UnaryKind::floor:
    return std::floor(x);
  case UnaryKind::ceil:
    return std::ceil(x);
  case UnaryKind::round:
    return std::nearbyint(x);
  case UnaryKind::softplus:
    return softplus(x);
  case UnaryKind::gelu:
    return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
  case UnaryKind::mish:
    return x * std::tanh(softplus(x));
  case UnaryKind::logical_not:
    return x == 0;
  case UnaryKind::sign:
    return x > 0 ? 1 : x < 0 ? -1 : x;
  case UnaryKind::sin:
    return std::sin(x);
  case UnaryKind::cos:
    return std::cos(x);
  }
  llvm_unreachable("unknown unary kind");
}

std::optional<int64_t> convoy::cnn::applyUnary(FunctionAttr function, int64_t x) {
  switch (function.getKind()) {
  case UnaryKind::identity:
  case UnaryKind::floor:
  case UnaryKind::ceil:
  case UnaryKind::round:
    return x;
  case UnaryKind::relu:
    return std::max<int64_t>(x, 0);
  case UnaryKind::abs:
    return x < 0 ? int64_t(-uint64_t(x)) : x;
  case UnaryKind::neg:
    return int64_t(-uint64_t(x));
  case UnaryKind::sign:
    return x > 0 ? 1 : x < 0 ? -1 : 0;
  case UnaryKind::logical_not:
    return x == 0;
  default:
    return std::nullopt;
  }
}

template <typename T> static std::optional<bool> compareNumbers(BinaryKind kind, T a, T b) {
  switch (kind) {
  case BinaryKind::equal:
    return a == b;
  case BinaryKind::less:
    return a < b;
  case BinaryKind::less_equal:
    return a <= b;
  case BinaryKind::greater:
    return a > b;
  case BinaryKind::greater_equal:
    return a >= b;
  default:
    return std::nullopt;
  }
}

std::optional<bool> convoy::cnn::compare(BinaryKind kind, double a, double b) {
  return compareNumbers(kind, a, b);
}
std::optional<bool> convoy::cnn::compare(BinaryKind kind, int64_t a, int64_t b) {
  return compareNumbers(kind, a, b);
}

double convoy::cnn::applyBinary(BinaryKind kind, double a, double b) {
  switch (kind) {
  case BinaryKind::add:
    return a + b;
  case BinaryKind::sub:
    return a - b;
  case BinaryKind::mul:
    return a * b;
  case BinaryKind::div:
    return a / b;
  case BinaryKind::pow:
    return std::pow(a, b);
  case BinaryKind::min:
    return a < b || std::isnan(a) ? a : b;
  case BinaryKind::max:
    return a > b || std::isnan(a) ? a : b;
  case BinaryKind::mod:
    return std::fmod(a, b);
  case BinaryKind::prelu:
    return a >= 0 ? a : a * b;
  default:
    llvm_unreachable("not an arithmetic function of floats");
  }
}

std::optional<int64_t> convoy::cnn::applyBinary(BinaryKind kind, int64_t a, int64_t b) {
  bool undefined = b == 0 || (b == -1 && a == std::numeric_limits<int64_t>::min());
  switch (kind) {
  case BinaryKind::add:
    return int64_t(uint64_t(a) + uint64_t(b));
  case BinaryKind::sub:
    return int64_t(uint64_t(a) - uint64_t(b));
  case BinaryKind::mul:
    return int64_t(uint64_t(a) * uint64_t(b));
  case BinaryKind::div:
    return undefined ? std::nullopt : std::optional<int64_t>(a / b);
  case BinaryKind::mod: {
    if (undefined)
      return std::nullopt;
    // ONNX Mod on integers takes the sign of the divisor.
    int64_t rest = a % b;
    return rest && (rest < 0) != (b < 0) ? rest + b : rest;
  }
  case BinaryKind::pow: {
    if (b < 0 || b > 64)
      return std::nullopt;
    uint64_t power = 1;
    for (int64_t i = 0; i < b; ++i)
      power *= uint64_t(a);
    return int64_t(power);
  }
  case BinaryKind::min:
    return std::min(a, b);
  case BinaryKind::max:
    return std::max(a, b);
  case BinaryKind::prelu:
    return a >= 0 ? a : int64_t(uint64_t(a) * uint64_t(b));
  case BinaryKind::logical_and:
    return (a != 0) && (b != 0);
  case BinaryKind::logical_or:
    return (a != 0) || (b != 0);
  case BinaryKind::logical_xor:
    return (a != 0) != (b != 0);
  default:
    return std::nullopt;
  }
}
