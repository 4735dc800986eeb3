//===- EpilogueRegion.cpp - The region of a layer's epilogue --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/EpilogueRegion.h"

#include "convoy/Codegen/CPU/VectorRows.h"
#include "convoy/Codegen/Common/BodyEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;

/// The most operations of a region that are written again for each vector of a tile.
static constexpr int64_t kUnrolledOperations = 48;

EpilogueRegion::EpilogueRegion(ImplicitLocOpBuilder &builder, Operation *layer,
                               ValueRange inputs)
    : b(builder), inputs(inputs) {
  auto op = dyn_cast<cnn::EpilogueRegionOpInterface>(layer);
  if (!op || !op.hasEpilogueRegion())
    return;
  region = &op.getEpilogue();
  for (Attribute map : op.getEpilogueMapsAttr())
    maps.push_back(cast<AffineMapAttr>(map).getValue());
  [[maybe_unused]] LogicalResult result = captureConstants(b, *region, captured);
  assert(succeeded(result) && "verified: a region uses constants alone from outside");
}

void EpilogueRegion::reshapeSpatial(ArrayRef<int64_t> extents) {
  for (auto [input, map] : llvm::zip_equal(inputs, maps)) {
    if (!map.isIdentity())
      continue;
    ArrayRef<int64_t> old = cast<MemRefType>(input.getType()).getShape();
    SmallVector<int64_t> shape(old.take_front(2));
    llvm::append_range(shape, extents);
    shape.push_back(old.back());
    input = reshapeBuffer(b, input, shape);
  }
}

Value EpilogueRegion::emit(Value sum, ValueRange indices) {
  if (!region)
    return sum;
  int64_t lanes = cast<VectorType>(sum.getType()).getNumElements();
  Block &body = region->front();
  IRMapping mapping = captured;
  mapping.map(body.getArgument(0), sum);
  for (auto [input, map, argument] :
       llvm::zip_equal(inputs, maps, body.getArguments().drop_front())) {
    SmallVector<Value> at;
    bool isVector = map.isIdentity();
    if (isVector) {
      at.assign(indices.begin(), indices.end());
    } else {
      for (AffineExpr expr : map.getResults()) {
        auto dim = dyn_cast<AffineDimExpr>(expr);
        bool isLast = dim && dim.getPosition() + 1 == map.getNumDims();
        at.push_back(!dim     ? indexConstant(b, 0)
                     : isLast ? indices.back()
                              : indices[dim.getPosition()]);
        isVector |= isLast;
      }
    }
    Type element = argument.getType();
    Value value = isVector
                      ? vector::LoadOp::create(b, VectorType::get({lanes}, element), input, at)
                            .getResult()
                      : memref::LoadOp::create(b, input, at).getResult();
    mapping.map(argument, value);
  }
  return widen(b, emitBody(b, body, mapping, lanes).front(), lanes);
}

void EpilogueRegion::forEachRow(ArrayRef<Value> sums, int64_t rows,
                                llvm::function_ref<void(Value, ArrayRef<Value>)> store) {
  int64_t blocks = sums.size() / rows;
  auto sumsOf = [&](int64_t row) {
    SmallVector<Value> some;
    for (int64_t block = 0; block < blocks; ++block)
      some.push_back(sums[block * rows + row]);
    return some;
  };
  int64_t operations = region ? region->front().getOperations().size() : 1;
  if (rows == 1 || operations * int64_t(sums.size()) <= kUnrolledOperations) {
    for (int64_t row = 0; row < rows; ++row)
      store(indexConstant(b, row), sumsOf(row));
    return;
  }
  auto type = cast<VectorType>(sums.front().getType());
  int64_t lanes = type.getNumElements();
  // Tiles differ in size.
  auto isSmall = [&](MemRefType memory) {
    return memory.getDimSize(0) < rows || memory.getDimSize(1) < blocks * lanes;
  };
  if (!scratch || isSmall(cast<MemRefType>(scratch.getType())))
    scratch = emitScratch(b, MemRefType::get({rows, blocks * lanes}, type.getElementType()));
  auto indicesOf = [&](Value row, int64_t block) {
    return SmallVector<Value>{row, indexConstant(b, block * lanes)};
  };
  for (int64_t row = 0; row < rows; ++row)
    for (auto [block, sum] : llvm::enumerate(sumsOf(row)))
      vector::StoreOp::create(b, sum, scratch, indicesOf(indexConstant(b, row), block));
  emitLoop(b, rows, {}, [&](Value row, ValueRange) {
    SmallVector<Value> some;
    for (int64_t block = 0; block < blocks; ++block)
      some.push_back(vector::LoadOp::create(b, type, scratch, indicesOf(row, block)));
    store(row, some);
    return SmallVector<Value>();
  });
}
