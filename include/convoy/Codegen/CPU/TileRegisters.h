//===- TileRegisters.h - Instructions on matrix tiles -----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A register tile of a layer is 32 rows (pixels of a convolution, rows of a dense layer) by up
// to 32 output channels: up to four tiles of sums. A step loads two tiles of inputs, with the
// inputs of a row in each of their rows, and two of weights, and multiplies each pair.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_CPU_TILEREGISTERS_H
#define CONVOY_CODEGEN_CPU_TILEREGISTERS_H

#include "convoy/Codegen/CPU/CpuKernelBuilder.h"
#include "convoy/Machine/Cpu.h"

namespace convoy::cpu {

/// Emits instructions on tiles. Addresses are of type index, in bytes.
class TileRegisters {
public:
  /// `layer` has the schedule `tile_product`, and `blocks` vectors of output channels in a
  /// register tile. The target must have tiles for its factors.
  TileRegisters(mlir::ImplicitLocOpBuilder &builder, cnn::ScheduledOpInterface layer,
                cnn::TargetAttr target, int64_t blocks);

  /// The address of the first element of a buffer.
  mlir::Value address(mlir::Value buffer);

  /// Begins the use of tiles: a step multiplies `inputs` inputs of a row. `release` ends it.
  void configure(int64_t inputs);
  void release();

  /// Lets the sums of `rows` tiles of rows begin at the bias whose address is `bias`, or at
  /// zero if it is null.
  void start(int64_t rows, mlir::Value bias);
  /// Adds the products of a step. The inputs of the first row are at `inputs` and those of
  /// each row `inputStride` bytes behind those of the row before.
  void multiply(int64_t rows, mlir::Value inputs, mlir::Value inputStride,
                mlir::Value weights);
  /// Stores the sums to `to`, the rows behind each other.
  void store(int64_t rows, mlir::Value to);

  /// Bytes of a row of weights, which has a dot for each output channel of the tile.
  int64_t weightBytes() const { return blocks * kTileRowBytes; }
  int64_t elementBytes() const { return 4 / dotInputs; }
  int64_t getDotInputs() const { return dotInputs; }
  /// A vector of sums.
  mlir::VectorType getSumType() const { return sumType; }

private:
  void call(llvm::StringRef intrinsic, mlir::ValueRange operands);
  void load(int64_t tile, mlir::Value from, mlir::Value stride);
  mlir::Value number(int64_t tile);
  mlir::Value pointer(mlir::Value address);
  mlir::Value stride(int64_t bytes);

  mlir::ImplicitLocOpBuilder &b;
  int64_t blocks, dotInputs;
  mlir::VectorType sumType;
  const TileInstruction *product;
};

} // namespace convoy::cpu

#endif // CONVOY_CODEGEN_CPU_TILEREGISTERS_H
