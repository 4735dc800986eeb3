//===- TileRegisters.cpp - Instructions on matrix tiles -------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/CPU/TileRegisters.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cpu;
using namespace convoy::cnn;

/// The numbers of the tiles: sums [rows][channels], inputs and weights.
static constexpr int64_t kSums = 0, kInputs = 4, kWeights = 6, kTiles = 8;

TileRegisters::TileRegisters(ImplicitLocOpBuilder &builder, ScheduledOpInterface layer,
                             TargetAttr target, int64_t blocks)
    : b(builder), blocks(blocks), dotInputs(layer.getStepInputs()),
      sumType(VectorType::get({kTileRows}, layer.isInteger() ? Type(b.getI32Type())
                                                             : Type(b.getF32Type()))),
      product(findTileInstruction(target, layer.isInteger() ? DotType::u8 : DotType::bf16)) {
  assert(product && "a schedule that no kernel follows");
}

Value TileRegisters::address(Value buffer) {
  Value begin = memref::ExtractAlignedPointerAsIndexOp::create(b, buffer);
  auto type = cast<MemRefType>(buffer.getType());
  if (type.getLayout().isIdentity())
    return begin;
  Value offset = memref::ExtractStridedMetadataOp::create(b, buffer).getOffset();
  return add(b, begin, affine(b, offset, type.getElementTypeBitWidth() / 8, 0));
}

void TileRegisters::configure(int64_t inputs) {
  SmallVector<int8_t> bytes(kTileRowBytes, 0);
  bytes[0] = 1; // The palette.
  for (int64_t i = 0; i < kTiles; ++i) {
    bool hasInputs = i >= kInputs && i < kWeights;
    // Two bytes for the bytes of a row, from byte 16 on; one for the rows, from byte 48 on.
    bytes[16 + 2 * i] = int8_t(hasInputs ? inputs * elementBytes() : kTileRowBytes);
    bytes[48 + i] = int8_t(i >= kWeights ? inputs / dotInputs : kTileRows);
  }
  auto type = VectorType::get({kTileRowBytes}, b.getI8Type());
  Value config = emitScratch(b, MemRefType::get({kTileRowBytes}, b.getI8Type()));
  Value constant =
      arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef<int8_t>(bytes)));
  vector::StoreOp::create(b, constant, config, ValueRange{indexConstant(b, 0)});
  call(kTileConfigure, {pointer(address(config))});
}

void TileRegisters::release() { call(kTileRelease, {}); }

void TileRegisters::start(int64_t rows, Value bias) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t block = 0; block < blocks; ++block) {
      int64_t sum = kSums + row * blocks + block;
      // With a stride of 0, all rows of the tile are the bias.
      if (bias)
        load(sum, affine(b, bias, 1, block * kTileRowBytes), stride(0));
      else
        call(kTileClear, {number(sum)});
    }
}

void TileRegisters::multiply(int64_t rows, Value inputs, Value inputStride, Value weights) {
  for (int64_t block = 0; block < blocks; ++block)
    load(kWeights + block, affine(b, weights, 1, block * kTileRowBytes),
         stride(weightBytes()));
  for (int64_t row = 0; row < rows; ++row) {
    Value skipped = arith::MulIOp::create(b, inputStride, indexConstant(b, row * kTileRows));
    Value bytes = arith::IndexCastOp::create(b, b.getI64Type(), inputStride);
    load(kInputs + row, row == 0 ? inputs : add(b, inputs, skipped), bytes);
  }
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t block = 0; block < blocks; ++block)
      call(product->intrinsic, {number(kSums + row * blocks + block), number(kInputs + row),
                                number(kWeights + block)});
}

void TileRegisters::store(int64_t rows, Value to) {
  // Sums take as many bytes as dots.
  int64_t rowBytes = weightBytes();
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t block = 0; block < blocks; ++block) {
      Value place = affine(b, to, 1, row * kTileRows * rowBytes + block * kTileRowBytes);
      call(kTileStore,
           {number(kSums + row * blocks + block), pointer(place), stride(rowBytes)});
    }
}

void TileRegisters::call(StringRef intrinsic, ValueRange operands) {
  LLVM::CallIntrinsicOp::create(b, b.getStringAttr(intrinsic), operands);
}

void TileRegisters::load(int64_t tile, Value from, Value stride) {
  call(kTileLoad, {number(tile), pointer(from), stride});
}

Value TileRegisters::number(int64_t tile) {
  return LLVM::ConstantOp::create(b, b.getI8Type(), b.getI8IntegerAttr(tile));
}

Value TileRegisters::pointer(Value address) {
  Value integer = arith::IndexCastOp::create(b, b.getI64Type(), address);
  return LLVM::IntToPtrOp::create(b, LLVM::LLVMPointerType::get(b.getContext()), integer);
}

Value TileRegisters::stride(int64_t bytes) {
  return arith::ConstantOp::create(b, b.getI64IntegerAttr(bytes));
}
