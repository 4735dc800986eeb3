//===- WinogradTransform.cpp - Matrices of minimal filtering --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Analysis/WinogradTransform.h"

#include "llvm/ADT/STLExtras.h"

#include <cassert>
#include <optional>

using namespace convoy;

namespace {

using Polynomial = llvm::SmallVector<double>;

/// The product of `x - point` over all points, except the one at the index `without`. The
/// constant term comes first.
Polynomial multiplyRoots(llvm::ArrayRef<double> points, std::optional<size_t> without) {
  Polynomial product = {1.0};
  for (auto [index, point] : llvm::enumerate(points)) {
    if (without && index == *without)
      continue;
    product.push_back(0.0);
    for (size_t i = product.size() - 1; i > 0; --i)
      product[i] = product[i - 1] - point * product[i];
    product[0] *= -point;
  }
  return product;
}

/// `1, point, point^2, ...`
Polynomial powers(double point, int64_t count) {
  Polynomial result;
  double power = 1.0;
  for (int64_t i = 0; i < count; ++i, power *= point)
    result.push_back(power);
  return result;
}

} // namespace

WinogradTransform convoy::getWinogradTransform(int64_t outputs, int64_t taps) {
  int64_t extent = outputs + taps - 1;
  assert((extent == 4 || extent == 6) && "no interpolation points for this extent");
  llvm::SmallVector<double> points = {0.0};
  for (double point :
       extent == 4 ? llvm::SmallVector<double>{1.0} : llvm::SmallVector<double>{0.625, 1.5})
    points.append({point, -point});

  WinogradTransform transform = {outputs, taps, extent, {}, {}, {}};
  Matrix columns;
  for (auto [index, point] : llvm::enumerate(points)) {
    Polynomial row = multiplyRoots(points, index);
    row.push_back(0.0);
    transform.input.push_back(row);
    double norm = 1.0;
    for (auto [other, value] : llvm::enumerate(points))
      norm *= other == index ? 1.0 : point - value;
    Polynomial taken = powers(point, taps);
    for (double &value : taken)
      value /= norm;
    transform.filter.push_back(taken);
    columns.push_back(powers(point, outputs));
  }
  // The point at infinity takes the highest coefficients.
  transform.input.push_back(multiplyRoots(points, std::nullopt));
  transform.filter.emplace_back(taps, 0.0).back() = 1.0;
  columns.emplace_back(outputs, 0.0).back() = 1.0;
  for (int64_t row = 0; row < outputs; ++row) {
    transform.output.emplace_back();
    for (const auto &column : columns)
      transform.output.back().push_back(column[row]);
  }
  return transform;
}

WinogradTransform convoy::getIntegerWinogradTransform() {
  WinogradTransform transform = getWinogradTransform(/*outputs=*/2, /*taps=*/3);
  for (auto &row : transform.filter)
    for (double &value : row)
      value *= 2;
  return transform;
}

Matrix convoy::transformBoth(const Matrix &rows, const Matrix &tile) {
  size_t extent = tile.size();
  Matrix half(rows.size(), llvm::SmallVector<double>(extent, 0.0));
  Matrix result(rows.size(), llvm::SmallVector<double>(rows.size(), 0.0));
  for (size_t i = 0; i < rows.size(); ++i)
    for (size_t j = 0; j < extent; ++j)
      for (size_t k = 0; k < extent; ++k)
        half[i][j] += rows[i][k] * tile[k][j];
  for (size_t i = 0; i < rows.size(); ++i)
    for (size_t j = 0; j < rows.size(); ++j)
      for (size_t k = 0; k < extent; ++k)
        result[i][j] += half[i][k] * rows[j][k];
  return result;
}
