//===- TileTransform.cpp - Transforms of Winograd's tiles -----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/TileTransform.h"

#include "convoy/Codegen/Common/LoopEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;

namespace {

using Values = SmallVector<Value>;

/// Writes `matrix * inputs` for vectors. Most of Winograd's points come in opposite pairs, p
/// and -p, whose rows or columns differ in signs only; the sums that they share are computed
/// once.
class LinearMap {
public:
  LinearMap(ImplicitLocOpBuilder &b, VectorType type) : b(b), type(type) {}

  Values apply(Matrix matrix, Values inputs) {
    pairColumns(matrix, inputs);
    Values results;
    for (size_t row = 0; row < matrix.size(); ++row) {
      if (row + 1 == matrix.size() || !isOppositeRow(matrix[row], matrix[row + 1])) {
        results.push_back(combine(matrix[row], inputs, /*start=*/0, /*step=*/1));
        continue;
      }
      Value even = combine(matrix[row], inputs, 0, 2),
            odd = combine(matrix[row], inputs, 1, 2);
      results.push_back(add(even, odd));
      results.push_back(subtract(even, odd));
      ++row;
    }
    return results;
  }

private:
  /// Whether `other` is `row` with the signs of the odd columns flipped.
  static bool isOppositeRow(ArrayRef<double> row, ArrayRef<double> other) {
    bool even = false, odd = false;
    for (size_t i = 0; i < row.size(); ++i) {
      if (other[i] != (i % 2 ? -row[i] : row[i]))
        return false;
      (i % 2 ? odd : even) |= row[i] != 0.0;
    }
    return even && odd;
  }

  /// Replaces the inputs of neighbouring columns that differ in signs only by their sum and
  /// their difference, and adapts the columns.
  void pairColumns(Matrix &matrix, Values &inputs) {
    for (size_t column = 0; column + 1 < inputs.size(); ++column) {
      bool same = false, opposite = false, pair = true;
      for (const auto &row : matrix) {
        double first = row[column], second = row[column + 1];
        same |= first != 0.0 && first == second;
        opposite |= first != 0.0 && first == -second;
        pair &= first == second || first == -second;
      }
      if (!pair || !same || !opposite)
        continue;
      Value sum = add(inputs[column], inputs[column + 1]);
      Value difference = subtract(inputs[column], inputs[column + 1]);
      inputs[column] = sum;
      inputs[column + 1] = difference;
      for (auto &row : matrix) {
        bool ofSum = row[column] == row[column + 1];
        row[column + 1] = ofSum ? 0.0 : row[column];
        row[column] = ofSum ? row[column] : 0.0;
      }
      ++column;
    }
  }

  /// The sum of every `step`-th product from `start` on.
  Value combine(ArrayRef<double> row, ArrayRef<Value> inputs, size_t start, size_t step) {
    Value sum;
    // A coefficient of 1 begins a sum at no cost.
    for (bool ones : {true, false})
      for (size_t i = start; i < row.size(); i += step) {
        if (row[i] == 0.0 || (row[i] == 1.0) != ones)
          continue;
        if (!sum)
          sum = ones ? inputs[i] : multiply(inputs[i], row[i]);
        else if (ones)
          sum = add(sum, inputs[i]);
        else if (row[i] == -1.0)
          sum = subtract(sum, inputs[i]);
        else
          sum = vector::FMAOp::create(b, inputs[i], splatVector(b, type, float(row[i])), sum);
      }
    return sum ? sum : zeroVector(b, type);
  }

  Value add(Value lhs, Value rhs) {
    return isInteger() ? arith::AddIOp::create(b, lhs, rhs).getResult()
                       : arith::AddFOp::create(b, lhs, rhs).getResult();
  }
  Value subtract(Value lhs, Value rhs) {
    return isInteger() ? arith::SubIOp::create(b, lhs, rhs).getResult()
                       : arith::SubFOp::create(b, lhs, rhs).getResult();
  }
  bool isInteger() const { return isa<IntegerType>(type.getElementType()); }

  Value multiply(Value value, double factor) {
    assert(!isInteger() && "transforms of integers add and subtract");
    return arith::MulFOp::create(b, value, splatVector(b, type, float(factor)));
  }

  ImplicitLocOpBuilder &b;
  VectorType type;
};

} // namespace

void convoy::emitTileTransform(ImplicitLocOpBuilder &b, VectorType type, const Matrix &matrix,
                               llvm::function_ref<Value(int64_t, int64_t)> read,
                               llvm::function_ref<void(int64_t, int64_t, Value)> write) {
  LinearMap linearMap(b, type);
  SmallVector<Values> half;
  int64_t extent = matrix.front().size();
  for (int64_t column = 0; column < extent; ++column) {
    Values values;
    for (int64_t row = 0; row < extent; ++row)
      values.push_back(read(row, column));
    half.push_back(linearMap.apply(matrix, values));
  }
  for (size_t row = 0; row < matrix.size(); ++row) {
    Values values;
    for (const Values &column : half)
      values.push_back(column[row]);
    for (auto [column, value] : llvm::enumerate(linearMap.apply(matrix, values)))
      write(row, column, value);
  }
}
