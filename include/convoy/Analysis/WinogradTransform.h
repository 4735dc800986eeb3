//===- WinogradTransform.h - Matrices of minimal filtering ------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Winograd's minimal filtering F(m, r) computes m outputs of a correlation with r taps from
// n = m + r - 1 products: `y = A^T ((G g) * (B^T d))`. It is nested for two dimensions (Lavin
// and Gray 2016, "Fast Algorithms for Convolutional Neural Networks").
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_ANALYSIS_WINOGRADTRANSFORM_H
#define CONVOY_ANALYSIS_WINOGRADTRANSFORM_H

#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace convoy {

/// A matrix as its rows.
using Matrix = llvm::SmallVector<llvm::SmallVector<double>>;

struct WinogradTransform {
  /// m, r and n.
  int64_t outputs, taps, extent;
  /// B^T, `n x n`; G, `n x r`; A^T, `m x n`.
  Matrix input, filter, output;
};

/// The Toom-Cook matrices for `outputs` and `taps`. `outputs + taps - 1` must be 4
/// (interpolation points 0, +-1 and infinity) or 6 (0, +-5/8, +-3/2 and infinity). The latter
/// points lose about two bits less than the usual 0, +-1, +-2 and infinity, and their squares
/// are exact in f32.
WinogradTransform getWinogradTransform(int64_t outputs, int64_t taps);

/// The matrices of F(2, 3) for integers: those of the filter are twice as large, and all of
/// them consist of integers. So results are four times those of the convolution, for two
/// dimensions, and exact.
WinogradTransform getIntegerWinogradTransform();

/// `rows * tile * transpose(rows)`: transforms both dimensions of a tile.
Matrix transformBoth(const Matrix &rows, const Matrix &tile);

} // namespace convoy

#endif // CONVOY_ANALYSIS_WINOGRADTRANSFORM_H
