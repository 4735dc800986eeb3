//===- Dense.cpp - Gemm and MatMul ----------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Dense.h"
#include "OpTable.h"
#include "TensorReader.h"
#include <numeric>

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;

static bool isConstant(Value value) { return cnn::ConstantData::get(value).has_value(); }

/// Whether the value can be the filter of a dense layer.
static bool isWeight(NodeImporter &node, unsigned index) {
  return node.getConstant(index) && !llvm::is_contained(node.getShape(index), 0);
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

/// Gemm's C times `beta`, as a bias of `columns` elements. Null if C has rows of its own, or
/// is not constant, as a dense layer's bias has to be.
static FailureOr<Value> makeBias(NodeImporter &node, Value c, int64_t columns, float beta) {
  RankedTensorType type = NodeImporter::getType(c);
  bool isScalar = type.getNumElements() == 1;
  if (!isScalar && (type.getNumElements() != columns || type.getShape().back() != columns))
    return Value();
  if (!isConstant(c))
    return isScalar || beta != 1.0f ? FailureOr<Value>(Value()) : node.reshape(c, columns);
  FailureOr<Value> scaled = scaleConstant(node, c, beta);
  if (failed(scaled) || type.getNumElements() == columns)
    return failed(scaled) ? scaled : node.reshape(*scaled, columns);
  if (failed(scaled = node.reshape(*scaled, {})))
    return failure();
  return node.create<cnn::BroadcastOp>(*scaled, SmallVector<int64_t>{columns});
}

/// The product of two matrices, or of batches of matrices.
static FailureOr<Value> multiply(NodeImporter &node, Value lhs, Value rhs) {
  FailureOr<Value> result = node.create<cnn::MatmulOp>(lhs, rhs);
  if (succeeded(result) && NodeImporter::getShape(lhs).back() == 0)
    return node.zeros(NodeImporter::getType(*result)); // Each element is a sum of nothing.
  return result;
}

static LogicalResult importGemm(NodeImporter &node) {
  // cnn.dense wants its filter as N x K, cnn.matmul its right side as K x N.
  bool isDense = isWeight(node, 1);
  (void)node.getConstant(2); // Constants are scaled and broadcast at once.
  FailureOr<Value> a = node.getInput(0), b = node.getInput(1);
  Value c = node.getInput(2);
  if (NodeImporter::getRank(*a) != 2 || NodeImporter::getRank(*b) != 2)
    return node.error("input 0 and 1 have shapes of rank " + Twine(NodeImporter::getRank(*a)) +
                      " and " + Twine(NodeImporter::getRank(*b)) + ", expected 2");
  float alpha = node.getFloat("alpha", 1.0f), beta = node.getFloat("beta", 1.0f);
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
    result = node.create<cnn::DenseOp>(*a, *filter, *bias);
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
  FailureOr<Value> result = node.create<cnn::DenseOp>(*matrix, *filter, /*bias=*/Value());
  if (failed(result))
    return failure();
  SmallVector<int64_t> resultShape(shape.drop_back());
  resultShape.push_back(NodeImporter::getShape(*result)[1]);
  return node.reshape(*result, resultShape);
}

FailureOr<Value> convoy::onnximport::multiplyMatrices(NodeImporter &node, Value lhs,
                                                      Value rhs) {
  if (NodeImporter::getRank(rhs) == 2 && isConstant(rhs) &&
      NodeImporter::getType(rhs).getNumElements() != 0)
    return multiplyDense(node, lhs, rhs);
  return multiply(node, lhs, rhs);
}

static LogicalResult importMatMul(NodeImporter &node) {
  if (NodeImporter::getRank(node.getInput(0)) != 0 && node.getShape(1).size() == 2 &&
      isWeight(node, 1))
    return node.setResult(multiplyDense(node, node.getInput(0), node.getInput(1)));
  FailureOr<Value> lhs = node.getInput(0), rhs = node.getInput(1);
  int64_t lhsRank = NodeImporter::getRank(*lhs), rhsRank = NodeImporter::getRank(*rhs);
  if (lhsRank == 0 || rhsRank == 0)
    return node.error("one of the inputs is a scalar");
  // A vector is a row on the left and a column on the right; the result has no
  // dimension for it.
  if (lhsRank == 1 && failed(lhs = node.reshape(*lhs, {1, node.getShape(0)[0]})))
    return failure();
  if (rhsRank == 1 && failed(rhs = node.reshape(*rhs, {node.getShape(1)[0], 1})))
    return failure();
  FailureOr<Value> result = multiply(node, *lhs, *rhs);
  if (failed(result))
    return failure();
  SmallVector<int64_t> shape(NodeImporter::getShape(*result));
  if (rhsRank == 1)
    shape.pop_back();
  if (lhsRank == 1)
    shape.erase(shape.end() - (rhsRank == 1 ? 1 : 2));
  return node.setResult(node.reshape(*result, shape));
}

ArrayRef<OpEntry> convoy::onnximport::getDenseOps() {
  static constexpr OpEntry ops[] = {
      {"Gemm", importGemm, 2, 3, InputTypes::Float},
      {"MatMul", importMatMul, 2, 2, InputTypes::Float},
  };
  return ops;
}
