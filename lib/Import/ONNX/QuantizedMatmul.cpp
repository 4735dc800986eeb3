//===- QuantizedMatmul.cpp - Matrix products of quantised tensors ---------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Quantized.h"
#include "SizeRules.h"
#include "TensorReader.h"
#include "mlir/Dialect/Traits.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::onnximport;
using cnn::BinaryKind;
using cnn::ComputeBody;
using cnn::ComputeBuffer;
using cnn::Scalar;
using cnn::Scalars;

namespace {

/// The sums `sum over k of (a[m, k] - zero_a) * (b[k, n] - zero_b)`. If `b` is a constant
/// matrix, this is a cnn.dense of i16. Otherwise they are written as
/// `sum a * b - zero_b * sum a - zero_a * sum b + K * zero_a * zero_b`, so that the loop
/// multiplies numbers of 8 bits. All terms wrap around alike.
class IntegerProduct {
public:
  /// Reads the tensors `a` and `b`, which may have any number of batch dimensions. A list is a
  /// row on the left and a column on the right. Input `zeroB` has the zero points of `b`.
  static FailureOr<IntegerProduct> read(NodeImporter &node, unsigned a, unsigned b,
                                        unsigned zeroB, bool transposeA = false,
                                        bool transposeB = false);

  /// Takes the zero points, which broadcast to `getShape`, and makes the sums of rows and
  /// columns that they need.
  LogicalResult setZeroPoints(Value zeroA, Value zeroB);

  /// A parameter of the rows of `a` or the columns of `b`, as a tensor that broadcasts to
  /// `getShape`; zero, if it is left out, of the type of the input `of`.
  FailureOr<Value> readRowParameter(unsigned index, unsigned of) const {
    return readParameter(index, of, /*isOfRows=*/true);
  }
  FailureOr<Value> readColumnParameter(unsigned index, unsigned of) const {
    return readParameter(index, of, /*isOfRows=*/false);
  }

  /// The batch dimensions, rows and columns of the result.
  ArrayRef<int64_t> getShape() const { return shape; }

  /// Makes the sums, of i32 and of the shape `getShape`.
  FailureOr<Value> create() const;
  /// `result`, made of the sums, without the dimensions that lists do not have.
  FailureOr<Value> dropDims(FailureOr<Value> result) const;

private:
  IntegerProduct(NodeImporter &node) : node(node) {}

  FailureOr<Value> readParameter(unsigned index, unsigned of, bool isOfRows) const;
  /// The sums as a cnn operation.
  FailureOr<Value> multiply(Value zeroA, Value zeroB) const;
  /// Sums along the depth, as a column or as a row.
  FailureOr<Value> sumRows(Value matrix, bool asRow) const;
  Scalar emitSum(ComputeBody &body, ArrayRef<Scalar> at) const;

  NodeImporter &node;
  Value a, b; ///< batch x M x K and batch x N x K
  int64_t depth = 0;
  bool dropRows = false, dropColumns = false;
  SmallVector<int64_t> shape;
  /// Whether the sums are a cnn operation: then they are the only input.
  bool isLayer = false;
  /// a, b, and then those of the following that are not -1.
  SmallVector<Value> inputs;
  int zeroA = -1, zeroB = -1, rowSums = -1, columnSums = -1;
};

} // namespace

/// The matrices of a tensor with rows and columns exchanged.
static FailureOr<Value> transposeMatrices(NodeImporter &node, Value value) {
  SmallVector<int64_t> permutation =
      llvm::to_vector(llvm::seq<int64_t>(NodeImporter::getRank(value)));
  std::swap(permutation[permutation.size() - 1], permutation[permutation.size() - 2]);
  return node.transpose(value, permutation);
}

FailureOr<IntegerProduct> IntegerProduct::read(NodeImporter &node, unsigned a, unsigned b,
                                               unsigned zeroB, bool transposeA,
                                               bool transposeB) {
  IntegerProduct result(node);
  FailureOr<Value> lhs = node.getInput(a), rhs = node.getInput(b);
  if (NodeImporter::getRank(*lhs) == 0 || NodeImporter::getRank(*rhs) == 0)
    return node.error("one of the inputs is a scalar");
  if (NodeImporter::getRank(*lhs) == 1) {
    lhs = node.reshape(*lhs, {1, NodeImporter::getShape(*lhs)[0]});
    result.dropRows = true;
  } else if (transposeA) {
    lhs = transposeMatrices(node, *lhs);
  }
  if (NodeImporter::getRank(*rhs) == 1) {
    rhs = node.reshape(*rhs, {1, NodeImporter::getShape(*rhs)[0]});
    result.dropColumns = true;
  } else if (!transposeB) {
    rhs = transposeMatrices(node, *rhs);
  }
  if (failed(lhs) || failed(rhs))
    return failure();
  result.a = *lhs;
  result.b = *rhs;
  ArrayRef<int64_t> left = NodeImporter::getShape(*lhs), right = NodeImporter::getShape(*rhs);
  result.depth = left.back();
  if (right.back() != result.depth)
    return node.error("inputs have " + Twine(left.back()) + " columns and " +
                      Twine(right.back()) + " rows, which differ");
  ArrayRef<int64_t> leftBatch = left.drop_back(2), rightBatch = right.drop_back(2);
  if (!OpTrait::util::getBroadcastedShape(leftBatch, rightBatch, result.shape))
    return node.error("inputs have batches of shapes " + formatShape(leftBatch) + " and " +
                      formatShape(rightBatch) + ", which do not broadcast");
  result.shape.push_back(left[left.size() - 2]);
  result.shape.push_back(right[right.size() - 2]);
  result.inputs = {result.a, result.b};
  int64_t columns = result.shape.back();
  Value zero = node.getInput(zeroB);
  bool isOfColumns = !zero || NodeImporter::getType(zero).getNumElements() == 1 ||
                     (NodeImporter::getType(zero).getNumElements() == columns &&
                      NodeImporter::getShape(zero).back() == columns);
  result.isLayer = areConstant(node, {b, zeroB}) && isOfColumns &&
                   llvm::product_of(rightBatch) == 1 && llvm::product_of(left) > 0 &&
                   llvm::product_of(right) > 0;
  return result;
}

FailureOr<Value> IntegerProduct::readParameter(unsigned index, unsigned of,
                                               bool isOfRows) const {
  Value value = node.getInput(index);
  if (!value)
    return node.scalar(NodeImporter::getElementType(node.getInput(of)), 0);
  if (NodeImporter::getType(value).getNumElements() == 1)
    return node.reshape(value, {});
  FailureOr<Value> result = value;
  ArrayRef<int64_t> own = NodeImporter::getShape(value);
  if (isOfRows && own.size() == 1)
    result = node.reshape(value, {own[0], 1});
  if (failed(result) ||
      failed(requireBroadcast(node, index, NodeImporter::getShape(*result), shape)))
    return failure();
  own = NodeImporter::getShape(*result);
  // Along the other side the sum has one number for all.
  int64_t other = isOfRows ? own.back() : own.size() < 2 ? 1 : own[own.size() - 2];
  if (other != 1)
    return node.error(node.describeInput(index) + " has shape " + formatShape(own) +
                      ", expected one number for each " + (isOfRows ? "row" : "column"));
  return result;
}

FailureOr<Value> IntegerProduct::sumRows(Value matrix, bool asRow) const {
  SmallVector<int64_t> target(NodeImporter::getShape(matrix).drop_back());
  target.insert(asRow ? target.end() - 1 : target.end(), 1);
  FailureOr<Value> sums = sumLastDimension(node, matrix);
  if (failed(sums))
    return failure();
  return node.reshape(*sums, target);
}

FailureOr<Value> IntegerProduct::multiply(Value zeroA, Value zeroB) const {
  int64_t columns = shape.back();
  FailureOr<Value> left = subtractZero(node, a, zeroA);
  if (failed(left))
    return failure();
  int64_t rows = NodeImporter::getType(*left).getNumElements() / depth;
  left = node.reshape(*left, {rows, depth});
  FailureOr<Value> matrix = node.reshape(b, {columns, depth}), zero = zeroB;
  if (NodeImporter::getRank(zeroB) > 0)
    zero = node.reshape(zeroB, {columns, 1});
  if (failed(left) || failed(matrix) || failed(zero))
    return failure();
  FailureOr<Value> right = subtractZero(node, *matrix, *zero);
  if (failed(right))
    return failure();
  FailureOr<Value> sums = node.create<cnn::DenseOp>(*left, *right, Value());
  return failed(sums) ? sums : node.reshape(*sums, shape);
}

LogicalResult IntegerProduct::setZeroPoints(Value newZeroA, Value newZeroB) {
  if (failed(requireTypeOfZero(node, newZeroA, a, "left matrix")) ||
      failed(requireTypeOfZero(node, newZeroB, b, "right matrix")))
    return failure();
  if (isLayer) {
    FailureOr<Value> sums = multiply(newZeroA, newZeroB);
    if (failed(sums))
      return failure();
    inputs = {*sums};
    return success();
  }
  auto add = [&](int &number, FailureOr<Value> value) -> LogicalResult {
    if (failed(value))
      return failure();
    number = inputs.size();
    inputs.push_back(*value);
    return success();
  };
  if (!isZero(newZeroA) &&
      (failed(add(zeroA, newZeroA)) || failed(add(columnSums, sumRows(b, /*asRow=*/true)))))
    return failure();
  if (!isZero(newZeroB) &&
      (failed(add(zeroB, newZeroB)) || failed(add(rowSums, sumRows(a, /*asRow=*/false)))))
    return failure();
  return success();
}

/// The index of a batch x row x depth buffer for a point of batch, row and column.
static Scalars getIndex(ComputeBuffer buffer, ArrayRef<Scalar> at, Scalar row, Scalar k) {
  ArrayRef<int64_t> batch = buffer.getShape().drop_back(2);
  Scalars result;
  for (auto [extent, index] : llvm::zip_equal(batch, at.drop_back(2).take_back(batch.size())))
    result.push_back(extent == 1 ? index.constant(0) : index);
  result.append({row, k});
  return result;
}

Scalar IntegerProduct::emitSum(ComputeBody &body, ArrayRef<Scalar> at) const {
  Type i32 = body.b().getI32Type();
  ComputeBuffer left = body.input(0), right = body.input(1);
  Scalar row = at[at.size() - 2], column = at.back();
  Scalar sum = sumOver(body, {depth}, body.number(i32, 0), [&](ArrayRef<Scalar> k) {
    return left.load(getIndex(left, at, row, k[0])).to(i32) *
           right.load(getIndex(right, at, column, k[0])).to(i32);
  });
  if (zeroA >= 0)
    sum = sum - loadInteger(body, zeroA, at) * loadInteger(body, columnSums, at);
  if (zeroB >= 0)
    sum = sum - loadInteger(body, zeroB, at) * loadInteger(body, rowSums, at);
  if (zeroA >= 0 && zeroB >= 0)
    sum = sum + loadInteger(body, zeroA, at) * loadInteger(body, zeroB, at) * depth;
  return sum;
}

FailureOr<Value> IntegerProduct::create() const {
  if (isLayer)
    return inputs.front();
  return node.computeElements(
      "integer_matmul", inputs, shape, node.getBuilder().getI32Type(),
      [&](ComputeBody &body, ArrayRef<Scalar> at) { return emitSum(body, at); });
}

FailureOr<Value> IntegerProduct::dropDims(FailureOr<Value> result) const {
  if (failed(result))
    return failure();
  SmallVector<int64_t> target(shape);
  if (dropColumns)
    target.pop_back();
  if (dropRows)
    target.erase(target.end() - (dropColumns ? 1 : 2));
  return node.reshape(*result, target);
}

//===----------------------------------------------------------------------===//
// Operators of ONNX
//===----------------------------------------------------------------------===//

static LogicalResult importMatMulInteger(NodeImporter &node) {
  FailureOr<IntegerProduct> product = IntegerProduct::read(node, 0, 1, 3);
  if (failed(product))
    return failure();
  FailureOr<Value> zeroA = product->readRowParameter(2, 0);
  FailureOr<Value> zeroB = product->readColumnParameter(3, 1);
  if (failed(zeroA) || failed(zeroB) || failed(product->setZeroPoints(*zeroA, *zeroB)))
    return failure();
  return node.setResult(product->dropDims(product->create()));
}

/// A product or quotient of scales, rounded to their type.
static FailureOr<Value> combineScales(NodeImporter &node, BinaryKind kind, Value lhs,
                                      Value rhs) {
  Type type = NodeImporter::getElementType(lhs), f32 = node.getBuilder().getF32Type();
  FailureOr<Value> left = node.create<cnn::CastOp>(lhs, f32);
  FailureOr<Value> right = node.create<cnn::CastOp>(rhs, f32);
  if (failed(left) || failed(right))
    return failure();
  FailureOr<Value> result = node.binary(kind, *left, *right);
  return failed(result) ? result : node.create<cnn::CastOp>(*result, type);
}

static LogicalResult importQLinearMatMul(NodeImporter &node) {
  FailureOr<IntegerProduct> product = IntegerProduct::read(node, 0, 3, 5);
  if (failed(product))
    return failure();
  FailureOr<Value> scaleA = product->readRowParameter(1, 0);
  FailureOr<Value> zeroA = product->readRowParameter(2, 0);
  FailureOr<Value> scaleB = product->readColumnParameter(4, 3);
  FailureOr<Value> zeroB = product->readColumnParameter(5, 3);
  FailureOr<QuantizedOperand> result = readQuantized(node, -1, 6, 7);
  for (unsigned index : {1, 4})
    if (failed(checkScale(node, index, /*mayBeZero=*/true)))
      return failure();
  if (failed(scaleA) || failed(zeroA) || failed(scaleB) || failed(zeroB) || failed(result) ||
      failed(product->setZeroPoints(*zeroA, *zeroB)))
    return failure();
  FailureOr<Value> sums = product->create();
  FailureOr<Value> factors = combineScales(node, BinaryKind::mul, *scaleA, *scaleB);
  if (failed(sums) || failed(factors) ||
      failed(factors = combineScales(node, BinaryKind::div, *factors, result->scale)) ||
      failed(factors = node.create<cnn::CastOp>(*factors, node.getBuilder().getF32Type())))
    return failure();
  return node.setResult(
      product->dropDims(requantize(node, *sums, *factors, result->zeroPoint)));
}

ArrayRef<OpEntry> convoy::onnximport::getQuantizedMatmulOps() {
  static constexpr OpEntry ops[] = {
      OpEntry{"MatMulInteger", importMatMulInteger, 2, 4, kByte, 10}.with(ruleOfRows),
      {"QLinearMatMul", importQLinearMatMul, 8, 8,
       InputTypes(kByte, kFloat, kByte, kByte, kFloat, kByte, kFloat, kByte), 10, kNoEnd,
       "no 8-bit floats"},
  };
  return ops;
}

//===----------------------------------------------------------------------===//
// Operators of com.microsoft
//===----------------------------------------------------------------------===//

/// Sums as f32, times both scales, plus a bias for each column, if there is one.
static FailureOr<Value> scaleToFloat(NodeImporter &node, const IntegerProduct &product,
                                     Value scaleA, Value scaleB, unsigned biasIndex) {
  FailureOr<Value> factors = node.binary(BinaryKind::mul, scaleA, scaleB);
  FailureOr<Value> result = product.create();
  if (failed(factors) || failed(result) || failed(result = scaleSums(node, *result, *factors)))
    return failure();
  if (Value bias = node.getInput(biasIndex)) {
    if (failed(requireBroadcast(node, biasIndex, NodeImporter::getShape(bias),
                                product.getShape())))
      return failure();
    result = node.binary(BinaryKind::add, *result, bias);
  }
  return product.dropDims(result);
}

static LogicalResult importMatMulIntegerToFloat(NodeImporter &node) {
  FailureOr<IntegerProduct> product = IntegerProduct::read(node, 0, 1, 5);
  if (failed(product))
    return failure();
  FailureOr<Value> scaleA = product->readRowParameter(2, 0);
  FailureOr<Value> scaleB = product->readColumnParameter(3, 1);
  FailureOr<Value> zeroA = product->readRowParameter(4, 0);
  FailureOr<Value> zeroB = product->readColumnParameter(5, 1);
  if (failed(scaleA) || failed(scaleB) || failed(zeroA) || failed(zeroB) ||
      failed(product->setZeroPoints(*zeroA, *zeroB)))
    return failure();
  return node.setResult(scaleToFloat(node, *product, *scaleA, *scaleB, 6));
}

/// The product with input 0 quantised first. The number of the new input is that of all
/// inputs.
static LogicalResult importDynamicQuantizeMatMul(NodeImporter &node) {
  FailureOr<QuantizedOperand> a = quantizeDynamically(node, node.getInput(0));
  if (failed(a))
    return failure();
  // Operands that are left out keep their numbers.
  while (node.getNumInputs() < 5)
    node.addInput({});
  unsigned quantized = node.getNumInputs();
  node.addInput(a->value);
  FailureOr<IntegerProduct> product = IntegerProduct::read(node, quantized, 1, 3);
  if (failed(product))
    return failure();
  FailureOr<Value> scaleB = product->readColumnParameter(2, 1);
  FailureOr<Value> zeroB = product->readColumnParameter(3, 1);
  if (failed(scaleB) || failed(zeroB) || failed(product->setZeroPoints(a->zeroPoint, *zeroB)))
    return failure();
  return node.setResult(scaleToFloat(node, *product, a->scale, *scaleB, 4));
}

static LogicalResult importQGemm(NodeImporter &node) {
  for (unsigned input : {0, 3})
    if (NodeImporter::getRank(node.getInput(input)) != 2)
      return node.error(node.describeInput(input) + " has shape " +
                        formatShape(node.getShape(input)) + ", expected a matrix");
  float alpha = node.getFloat("alpha", 1.0f);
  FailureOr<IntegerProduct> product = IntegerProduct::read(
      node, 0, 3, 5, node.getInt("transA", 0) != 0, node.getInt("transB", 0) != 0);
  if (failed(product))
    return failure();
  FailureOr<Value> scaleA = product->readRowParameter(1, 0);
  FailureOr<Value> zeroA = product->readRowParameter(2, 0);
  FailureOr<Value> scaleB = product->readColumnParameter(4, 3);
  FailureOr<Value> zeroB = product->readColumnParameter(5, 3);
  if (failed(scaleA) || failed(zeroA) || failed(scaleB) || failed(zeroB) ||
      failed(product->setZeroPoints(*zeroA, *zeroB)))
    return failure();
  Value alphaValue = node.scalar(node.getBuilder().getF32Type(), alpha);
  FailureOr<Value> factors = node.binary(BinaryKind::mul, alphaValue, *scaleA);
  FailureOr<Value> sums = product->create();
  if (failed(factors) || failed(sums) ||
      failed(factors = node.binary(BinaryKind::mul, *factors, *scaleB)))
    return failure();
  if (Value bias = node.getInput(6)) {
    if (failed(requireBroadcast(node, 6, node.getShape(6), product->getShape())) ||
        failed(sums = node.binary(BinaryKind::add, *sums, bias)))
      return failure();
  }
  if (!node.getInput(7))
    return node.setResult(product->dropDims(scaleSums(node, *sums, *factors)));
  FailureOr<QuantizedOperand> result = readQuantized(node, -1, 7, 8);
  if (failed(result) ||
      failed(factors = node.binary(BinaryKind::div, *factors, result->scale)))
    return failure();
  return node.setResult(
      product->dropDims(requantize(node, *sums, *factors, result->zeroPoint)));
}

ArrayRef<OpEntry> convoy::onnximport::getMicrosoftQuantizedMatmulOps() {
  static constexpr OpEntry ops[] = {
      {"DynamicQuantizeMatMul", importDynamicQuantizeMatMul, 3, 5,
       InputTypes(kFloat, kByte, kFloat, kByte, kFloat)},
      OpEntry{"MatMulIntegerToFloat", importMatMulIntegerToFloat, 4, 7,
              InputTypes(kByte, kByte, kFloat, kFloat, kByte, kByte, kFloat)}
          .with(ruleOfRows),
      {"QGemm", importQGemm, 6, 9,
       InputTypes(kByte, kFloat, kByte, kByte, kFloat, kByte, kInt32, kFloat, kByte)},
  };
  return ops;
}
