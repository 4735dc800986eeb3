//===- GemmProblem.h - Layers as matrix products ----------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_CODEGEN_GPU_GEMMPROBLEM_H
#define CONVOY_LIB_CODEGEN_GPU_GEMMPROBLEM_H

#include "convoy/Machine/Gpu.h"

namespace convoy::gpu {

/// Bytes of an asynchronous copy of neighbouring channels.
inline constexpr int64_t kCopyBytes = kGpuAccessBytes;

/// A convolution or dense layer as a matrix product: results are pixels times output
/// channels, and each is a sum over `depth` inputs. A dense layer's pixels are its rows.
struct GemmProblem {
  /// Extents of the results: batch and spatial; their product is `pixels`.
  llvm::SmallVector<int64_t> results;
  int64_t pixels;
  int64_t groups, groupInputs, groupOutputs, outputTiles;

  /// The window, in each spatial dimension.
  llvm::SmallVector<int64_t> input, kernel, strides, dilations, padsBegin;

  /// Whether the inputs of a pixel are stored in chunks of 16 contiguous channels (blocked
  /// data, or a dense layer's row). Then each chunk is a step of the sum. Otherwise channels
  /// are planes, and inputs are copied one by one, in the order of the packed filter: kernel
  /// position, then channel.
  bool hasChunks;
  /// Elements from one image of the input to the next, and the chunks per group (without
  /// chunks, the channels per group; 0 for a dense layer).
  int64_t imageStride, groupStride;
  /// Rows of the packed filter per tile of output channels, and steps, of 16 rows each.
  int64_t depth, steps;

  enum class Output { Blocked, Planes, Rows, AlignedRows };
  /// How results are stored: in blocks of 16 channels, in channel planes, or in rows of
  /// contiguous channels, in a buffer that begins anywhere or, aligned, at a multiple of 16
  /// bytes.
  Output output;
  /// Channels of the output.
  int64_t outputChannels;

  int64_t outputPixels() const {
    return llvm::product_of(llvm::ArrayRef(results).drop_front());
  }
  int64_t inputPixels() const { return llvm::product_of(input); }
};

/// The matrix product of a convolution or a dense layer whose schedule says that it is one.
GemmProblem describeGemm(cnn::ConvOpInterface op);
GemmProblem describeGemm(cnn::DenseOp op);

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_GEMMPROBLEM_H
