//===- Matmul.cpp - Matrix product of computed operands on a GPU ----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A block of 16 x 16 threads computes a tile of rows by 64 columns, each thread some rows by a
// quad of columns. Tiles of both operands are copied to shared memory, 16 steps of the sum at
// a time; operands are plain, so they are read element by element.
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/MatmulShape.h"
#include "convoy/Codegen/GPU/GpuKernelBuilder.h"
#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::gpu;
using namespace convoy::cnn;

namespace {

using Values = SmallVector<Value>;

/// Columns of a tile, steps of the sum per copy, and threads along each side of a block.
constexpr int64_t kColumns = 64, kSteps = 16, kSide = 16;

/// The product's extents and tiles.
struct Product : MatmulShape {
  explicit Product(MatmulOp op) : MatmulShape(op) {
    tileRows = rows > kSide ? 4 * kSide : kSide;
    rowTiles = llvm::divideCeil(rows, tileRows);
    columnTiles = llvm::divideCeil(columns, kColumns);
  }
  int64_t blocks() const { return llvm::product_of(batch) * rowTiles * columnTiles; }

  int64_t tileRows, rowTiles, columnTiles;
};

/// Writes the code of one thread.
class Matmul {
public:
  Matmul(GpuKernel &kernel, const Product &product)
      : kernel(kernel), b(kernel.b), product(product), lhs(flatten(b, kernel.operands[0])),
        rhs(flatten(b, kernel.operands[1])), output(flatten(b, kernel.operands[2])),
        type(VectorType::get({kGpuQuad}, b.getF32Type())),
        zero(emitConstant(b, b.getLoc(), b.getF32Type(), 0.0)) {}

  void build() {
    thread = kernel.thread();
    SmallVector<int64_t> extents(product.batch);
    extents.append({product.rowTiles, product.columnTiles});
    Values at = delinearize(b, kernel.block(), extents);
    firstColumn = affine(b, at.pop_back_val(), kColumns, 0);
    firstRow = affine(b, at.pop_back_val(), product.tileRows, 0);
    lhsStart =
        affine(b, broadcastBatch(b, at, product.lhsBatch), product.rows * product.depth, 0);
    rhsStart =
        affine(b, broadcastBatch(b, at, product.rhsBatch), product.depth * product.columns, 0);
    Value outputStart =
        affine(b, broadcastBatch(b, at, product.batch), product.rows * product.columns, 0);
    // Rows of the left tile are padded, so that the elements of a column are in different
    // banks.
    lhsTile = kernel.shared({product.tileRows * (kSteps + 1)}, b.getF32Type());
    rhsTile = kernel.shared({kSteps * kColumns}, b.getF32Type());

    Value x = arith::RemUIOp::create(b, thread, indexConstant(b, kSide));
    Value y = arith::DivUIOp::create(b, thread, indexConstant(b, kSide));
    int64_t threadRows = product.tileRows / kSide;
    auto rowOf = [&](int64_t i) { return affine(b, y, 1, i * kSide); };
    Values sums(threadRows, zeroVector(b, type));
    int64_t steps = llvm::divideCeil(product.depth, kSteps);
    sums = emitLoop(b, steps, sums, [&](Value step, ValueRange carried) {
      Value first = affine(b, step, kSteps, 0);
      copyLhs(first);
      copyRhs(first);
      kernel.barrier();
      Values next(carried);
      for (int64_t k = 0; k < kSteps; ++k) {
        Value right = loadElements(b, rhsTile, affine(b, x, kGpuQuad, k * kColumns), kGpuQuad);
        for (int64_t i = 0; i < threadRows; ++i) {
          Value left = loadElements(b, lhsTile, affine(b, rowOf(i), kSteps + 1, k), 1);
          left = vector::BroadcastOp::create(b, type, left);
          next[i] = vector::FMAOp::create(b, left, right, next[i]);
        }
      }
      // No thread may still read the tiles when those of the next step overwrite them.
      kernel.barrier();
      return next;
    });
    for (int64_t i = 0; i < threadRows; ++i) {
      Value row = add(b, firstRow, rowOf(i));
      for (int64_t lane = 0; lane < kGpuQuad; ++lane) {
        Value column = add(b, firstColumn, affine(b, x, kGpuQuad, lane));
        Value inside = emitBoth(b, isRow(row), isColumn(column));
        kernel.when(inside, [&] {
          Value to = add(b, affine(b, row, product.columns, 0), column);
          storeElements(b, vector::ExtractOp::create(b, sums[i], lane), output,
                        add(b, outputStart, to));
        });
      }
    }
  }

private:
  Value isRow(Value row) {
    return product.rows % product.tileRows ? emitIsInside(b, row, product.rows) : Value();
  }
  Value isColumn(Value column) {
    return product.columns % kColumns ? emitIsInside(b, column, product.columns) : Value();
  }
  Value isStep(Value step) {
    return product.depth % kSteps ? emitIsInside(b, step, product.depth) : Value();
  }

  void copyLhs(Value first) {
    for (int64_t i = 0; i < product.tileRows * kSteps; i += kGpuBlockThreads) {
      Values at = delinearize(b, affine(b, thread, 1, i), {product.tileRows, kSteps});
      Value row = add(b, firstRow, at[0]), step = add(b, first, at[1]);
      Value from = add(b, lhsStart, add(b, affine(b, row, product.depth, 0), step));
      Value x = loadElementsOr(b, lhs, from, 1, emitBoth(b, isRow(row), isStep(step)), zero);
      storeElements(b, x, lhsTile, add(b, affine(b, at[0], kSteps + 1, 0), at[1]));
    }
  }

  void copyRhs(Value first) {
    for (int64_t i = 0; i < kSteps * kColumns; i += kGpuBlockThreads) {
      Value index = affine(b, thread, 1, i);
      Values at = delinearize(b, index, {kSteps, kColumns});
      Value step = add(b, first, at[0]), column = add(b, firstColumn, at[1]);
      Value from = add(b, rhsStart, add(b, affine(b, step, product.columns, 0), column));
      Value x =
          loadElementsOr(b, rhs, from, 1, emitBoth(b, isStep(step), isColumn(column)), zero);
      storeElements(b, x, rhsTile, index);
    }
  }

  GpuKernel &kernel;
  ImplicitLocOpBuilder &b;
  const Product &product;
  Value lhs, rhs, output;
  VectorType type;
  Value zero, thread, firstRow, firstColumn, lhsStart, rhsStart, lhsTile, rhsTile;
};

struct MatmulFamily : GpuKernelFamily {
  bool matches(Operation *op, TargetAttr) const override {
    auto matmul = dyn_cast<MatmulOp>(op);
    return matmul && isGpuFloat(getElementTypeOrSelf(matmul.getLhs()));
  }

  LogicalResult build(GpuKernels &kernels, Operation *op, TargetAttr) const override {
    Product product(cast<MatmulOp>(op));
    return kernels.add("matmul", {product.blocks()}, {kSide * kSide},
                       [&](GpuKernel &kernel) { Matmul(kernel, product).build(); });
  }
};

} // namespace

void convoy::gpu::addMatmulKernels(GpuKernelFamilies &families) {
  families.push_back(std::make_unique<MatmulFamily>());
}
