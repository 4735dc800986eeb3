//===- Dense.cpp - Gemm and MatMul ----------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Operators.h"
#include "SizeRules.h"
#include "TensorReader.h"
#include "mlir/Dialect/Traits.h"
#include <numeric>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::ComputeBody;
using cnn::Scalar;
using cnn::Scalars;

/// Whether the node multiplies floats; an error if its inputs have different types.
static FailureOr<bool> readIsFloat(NodeImporter &node) {
  Type type = NodeImporter::getElementType(node.getInput(0));
  for (auto [index, input] : llvm::enumerate(node.getInputs()))
    if (input && NodeImporter::getElementType(input) != type)
      return node.error(node.describeInput(index) + " has another element type than input 0");
  return isa<FloatType>(type);
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

/// `at` in a tensor of the given shape, which broadcasts to the space of `at`.
static Scalars broadcastIndices(ComputeBody &body, ArrayRef<int64_t> shape,
                                ArrayRef<Scalar> at) {
  Scalars result(at.take_back(shape.size()));
  for (auto [index, extent] : llvm::zip(result, shape))
    if (extent == 1)
      index = body.index(0);
  return result;
}

/// The sum of lhs(k) * rhs(k) for all k below `depth`.
static Scalar sumProducts(ComputeBody &body, Type type, int64_t depth,
                          llvm::function_ref<Scalars(Scalar)> lhs,
                          llvm::function_ref<Scalars(Scalar)> rhs) {
  return body.loop(depth, {body.number(type, 0)}, [&](Scalar k, ArrayRef<Scalar> sum) {
    return Scalars{sum[0] + body.input(0).load(lhs(k)) * body.input(1).load(rhs(k))};
  })[0];
}

/// The product of two tensors of rank 2 or more, whose other dimensions broadcast.
static FailureOr<Value> multiplyIntegers(NodeImporter &node, Value lhs, Value rhs) {
  ArrayRef<int64_t> left = NodeImporter::getShape(lhs), right = NodeImporter::getShape(rhs);
  Type type = NodeImporter::getElementType(lhs);
  SmallVector<int64_t> shape;
  if (left.back() != right[right.size() - 2] ||
      !OpTrait::util::getBroadcastedShape(left.drop_back(2), right.drop_back(2), shape))
    return node.error("inputs have shapes " + formatShape(left) + " and " +
                      formatShape(right) + ", which have no matrix product");
  shape.append({left[left.size() - 2], right.back()});
  return node.computeElements(
      "integer_matmul", {lhs, rhs}, shape, type, [&](ComputeBody &body, ArrayRef<Scalar> at) {
        auto indices = [&](ArrayRef<int64_t> operand, Scalar row, Scalar column) {
          Scalars result = broadcastIndices(body, operand.drop_back(2), at.drop_back(2));
          result.append({row, column});
          return result;
        };
        return sumProducts(
            body, type, left.back(),
            [&](Scalar k) { return indices(left, at[at.size() - 2], k); },
            [&](Scalar k) { return indices(right, k, at.back()); });
      });
}

/// Gemm of integers. Factors other than 1 are applied in f64, and the sum is truncated.
static LogicalResult importIntegerGemm(NodeImporter &node) {
  ArrayRef<int64_t> a = node.getShape(0), b = node.getShape(1);
  bool transposeA = node.getInt("transA", 0) != 0, transposeB = node.getInt("transB", 0) != 0;
  double alpha = node.getFloat("alpha", 1), beta = node.getFloat("beta", 1);
  int64_t rows = a[transposeA], depth = a[!transposeA], columns = b[!transposeB];
  Value c = node.getInput(2);
  if (depth != b[transposeB])
    return node.error("inputs have shapes " + formatShape(a) + " and " + formatShape(b) +
                      ", which have no matrix product");
  SmallVector<Value> inputs = {node.getInput(0), node.getInput(1)};
  SmallVector<int64_t> shape;
  if (c) {
    if (!OpTrait::util::getBroadcastedShape({rows, columns}, node.getShape(2), shape) ||
        shape != ArrayRef<int64_t>({rows, columns}))
      return node.error(node.describeInput(2) + " does not broadcast to " + Twine(rows) + "x" +
                        Twine(columns));
    inputs.push_back(c);
  }
  Type type = NodeImporter::getElementType(inputs[0]), f64 = node.getBuilder().getF64Type();
  return node.setResult(node.computeElements(
      "integer_gemm", inputs, {rows, columns}, type,
      [&](ComputeBody &body, ArrayRef<Scalar> at) {
        auto pair = [](bool swap, Scalar x, Scalar y) {
          return swap ? Scalars{y, x} : Scalars{x, y};
        };
        Scalar sum = sumProducts(
            body, type, depth, [&](Scalar k) { return pair(transposeA, at[0], k); },
            [&](Scalar k) { return pair(transposeB, k, at[1]); });
        Scalar addend;
        if (c)
          addend = body.input(2).load(broadcastIndices(body, node.getShape(2), at));
        if (alpha == 1 && beta == 1)
          return c ? sum + addend : sum;
        Scalar scaled = sum.to(f64) * alpha;
        return (c ? scaled + addend.to(f64) * beta : scaled).to(type);
      }));
}

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

static bool isConstant(Value value) { return cnn::ConstantData::get(value).has_value(); }

/// Whether the value is a dequantisation of constants, which cnn-raise-quantization looks for.
static bool isDequantized(Value value) {
  auto op = value ? value.getDefiningOp<cnn::DequantizeOp>() : cnn::DequantizeOp();
  return op && llvm::all_of(op->getOperands(), isConstant);
}

/// Whether the value can be the filter of a dense layer.
static bool isWeight(NodeImporter &node, unsigned index) {
  return (isDequantized(node.getInput(index)) || node.getConstant(index)) &&
         !llvm::is_contained(node.getShape(index), 0);
}

/// The constant times `factor`; the same value if `factor` is 1.
static FailureOr<Value> scaleConstant(NodeImporter &node, Value value, float factor) {
  if (factor == 1.0f)
    return value;
  cnn::ConstantData data = *cnn::ConstantData::get(value);
  RankedTensorType type = data.getType();
  // Other types are computed, and rounded, after the import.
  if (!data.holds<float>())
    return node.binary(cnn::BinaryKind::mul, value,
                       node.scalar(type.getElementType(), factor));
  if (data.isSplat())
    return node.constant(cnn::makeConstant<float>(type, {data.get<float>(0) * factor}));
  return node.constant(cnn::fillConstant<float>(type, [&](MutableArrayRef<float> out) {
    for (auto [to, from] : llvm::zip_equal(out, data.getValues<float>()))
      to = from * factor;
  }));
}

/// Gemm's constant C times `beta`, as a bias of `columns` elements. Null if C is computed or
/// has rows of its own.
static FailureOr<Value> makeBias(NodeImporter &node, Value c, int64_t columns, float beta) {
  RankedTensorType type = NodeImporter::getType(c);
  bool isScalar = type.getNumElements() == 1;
  if (!isConstant(c) ||
      (!isScalar && (type.getNumElements() != columns || type.getShape().back() != columns)))
    return Value();
  FailureOr<Value> scaled = scaleConstant(node, c, beta);
  if (failed(scaled) || type.getNumElements() == columns)
    return failed(scaled) ? scaled : node.reshape(*scaled, columns);
  if (failed(scaled = node.reshape(*scaled, {})))
    return failure();
  return node.create<cnn::BroadcastOp>(*scaled, SmallVector<int64_t>{columns});
}

/// The number of rows of `matrix` that count, if it is an input that has this size.
static Value countRows(NodeImporter &node, Value matrix) {
  return matrix == node.getInput(0) ? node.getExtents(0)[0].size : Value();
}

/// The product of two matrices, or of batches of matrices.
static FailureOr<Value> multiply(NodeImporter &node, Value lhs, Value rhs) {
  FailureOr<Value> result = node.create<cnn::MatmulOp>(lhs, rhs);
  if (succeeded(result) && NodeImporter::getShape(lhs).back() == 0)
    return node.zeros(NodeImporter::getType(*result)); // Each element is a sum of nothing.
  return result;
}

LogicalResult convoy::onnximport::importGemm(NodeImporter &node) {
  // Integers cannot be multiplied by another factor.
  if (node.getFloat("alpha", 1.0f) != 1.0f)
    (void)node.getConstant(1);
  // cnn.dense wants its filter as N x K, cnn.matmul its right side as K x N.
  bool isDense = isWeight(node, 1);
  (void)node.getConstant(2); // Constants are scaled and broadcast at once.
  FailureOr<Value> a = node.getInput(0), b = node.getInput(1);
  Value c = node.getInput(2);
  if (NodeImporter::getRank(*a) != 2 || NodeImporter::getRank(*b) != 2)
    return node.error("input 0 and 1 have shapes of rank " + Twine(NodeImporter::getRank(*a)) +
                      " and " + Twine(NodeImporter::getRank(*b)) + ", expected 2");
  FailureOr<bool> isFloat = readIsFloat(node);
  if (failed(isFloat))
    return failure();
  if (!*isFloat)
    return importIntegerGemm(node);
  float alpha = node.getFloat("alpha", 1.0f), beta = node.getFloat("beta", 1.0f);
  if (beta == 0)
    c = Value(); // Not even a NaN in it matters.
  bool transposeB = node.getInt("transB", 0) != 0;
  bool broadcasts = node.getOpset() >= 7 || node.getInt("broadcast", 0) != 0;
  if (node.getInt("transA", 0) != 0 && failed(a = node.transpose(*a, {1, 0})))
    return failure();

  if (transposeB != isDense && failed(b = node.transpose(*b, {1, 0})))
    return failure();
  int64_t rows = NodeImporter::getShape(*a)[0];
  int64_t columns = NodeImporter::getShape(*b)[isDense ? 0 : 1];
  if (c && !broadcasts && NodeImporter::getShape(c) != ArrayRef<int64_t>({rows, columns}))
    return node.error(node.describeInput(2) + " has shape " +
                      formatShape(NodeImporter::getShape(c)) + ", the result has " +
                      Twine(rows) + "x" + Twine(columns) + ", and attribute 'broadcast' is 0");
  if (c && NodeImporter::getRank(c) > 2)
    return node.error(node.describeInput(2) + " does not broadcast to " + Twine(rows) + "x" +
                      Twine(columns));
  FailureOr<Value> result;
  if (isDense) {
    FailureOr<Value> bias = c ? makeBias(node, c, columns, beta) : FailureOr<Value>(Value());
    if (failed(bias))
      return failure();
    FailureOr<Value> filter = scaleConstant(node, *b, alpha);
    if (failed(filter))
      return failure();
    result = node.create<cnn::DenseOp>(*a, *filter, *bias, countRows(node, *a));
    if (*bias || !c)
      return node.setResult(result);
  } else {
    result = multiply(node, *a, *b);
    if (succeeded(result) && alpha != 1.0f)
      result = node.binary(cnn::BinaryKind::mul, *result,
                           node.scalar(NodeImporter::getElementType(*result), alpha));
  }
  if (failed(result))
    return failure();
  FailureOr<Value> addend = c;
  if (c && beta != 1.0f)
    addend = isConstant(c) ? scaleConstant(node, c, beta)
                           : node.binary(cnn::BinaryKind::mul, c,
                                         node.scalar(NodeImporter::getElementType(c), beta));
  if (c &&
      (failed(addend) || failed(result = node.binary(cnn::BinaryKind::add, *result, *addend))))
    return failure();
  if (NodeImporter::getShape(*result) != ArrayRef<int64_t>({rows, columns}))
    return node.error(node.describeInput(2) + " does not broadcast to " + Twine(rows) + "x" +
                      Twine(columns));
  return node.setResult(result);
}

FailureOr<Value> convoy::onnximport::createDense(NodeImporter &node, Value input, Value filter,
                                                 Value bias) {
  FailureOr<Value> result;
  if (isConstant(filter) && NodeImporter::getType(filter).getNumElements() != 0) {
    bool isFused = bias && isConstant(bias);
    result = node.create<cnn::DenseOp>(input, filter, isFused ? bias : Value());
    if (isFused)
      return result;
  } else {
    FailureOr<Value> right = node.transpose(filter, {1, 0});
    if (failed(right))
      return failure();
    result = multiply(node, input, *right);
  }
  if (failed(result) || !bias)
    return result;
  return node.binary(cnn::BinaryKind::add, *result, bias);
}

/// A product with a constant matrix as its right side: the rows of the left side become the
/// samples of a dense layer.
static FailureOr<Value> multiplyDense(NodeImporter &node, Value lhs, Value rhs) {
  ArrayRef<int64_t> shape = NodeImporter::getShape(lhs);
  int64_t rows = 1;
  for (int64_t dim : shape.drop_back())
    rows *= dim;
  FailureOr<Value> filter = node.transpose(rhs, {1, 0});
  FailureOr<Value> matrix = node.reshape(lhs, {rows, shape.back()});
  if (failed(filter) || failed(matrix))
    return failure();
  FailureOr<Value> result =
      node.create<cnn::DenseOp>(*matrix, *filter, /*bias=*/Value(), countRows(node, *matrix));
  if (failed(result))
    return failure();
  SmallVector<int64_t> resultShape(shape.drop_back());
  resultShape.push_back(NodeImporter::getShape(*result)[1]);
  return node.reshape(*result, resultShape);
}

/// The product of matrices of floats; a dense layer if the right side is one constant matrix.
static FailureOr<Value> multiplyFloats(NodeImporter &node, Value lhs, Value rhs) {
  if (NodeImporter::getRank(rhs) == 2 && (isConstant(rhs) || isDequantized(rhs)) &&
      NodeImporter::getType(rhs).getNumElements() != 0)
    return multiplyDense(node, lhs, rhs);
  return multiply(node, lhs, rhs);
}

FailureOr<Value> convoy::onnximport::createMatMul(NodeImporter &node, Value left,
                                                  Value right) {
  FailureOr<Value> lhs = left, rhs = right;
  int64_t lhsRank = NodeImporter::getRank(left), rhsRank = NodeImporter::getRank(right);
  if (lhsRank == 0 || rhsRank == 0)
    return node.error("one of the inputs is a scalar");
  FailureOr<bool> isFloat = readIsFloat(node);
  if (failed(isFloat))
    return failure();
  // A vector is a row on the left and a column on the right; the result has no
  // dimension for it.
  if (lhsRank == 1 && failed(lhs = node.reshape(left, {1, NodeImporter::getShape(left)[0]})))
    return failure();
  if (rhsRank == 1 && failed(rhs = node.reshape(right, {NodeImporter::getShape(right)[0], 1})))
    return failure();
  FailureOr<Value> result =
      *isFloat ? multiplyFloats(node, *lhs, *rhs) : multiplyIntegers(node, *lhs, *rhs);
  if (failed(result))
    return failure();
  SmallVector<int64_t> shape(NodeImporter::getShape(*result));
  if (rhsRank == 1)
    shape.pop_back();
  if (lhsRank == 1)
    shape.erase(shape.end() - (rhsRank == 1 ? 1 : 2));
  return node.reshape(*result, shape);
}

static LogicalResult importMatMul(NodeImporter &node) {
  // A constant is the filter of a dense layer.
  if (!isDequantized(node.getInput(1)))
    (void)node.getConstant(1);
  return node.setResult(createMatMul(node, node.getInput(0), node.getInput(1)));
}

ArrayRef<OpEntry> convoy::onnximport::getDenseOps() {
  static constexpr OpEntry ops[] = {
      OpEntry{"Gemm", importGemm, 2, 3, kFactor}.with(ruleOfRows),
      OpEntry{"MatMul", importMatMul, 2, 2, kFactor}.with(ruleOfRows),
  };
  return ops;
}
