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

/// Bytes of an asynchronous copy of channels side by side.
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

  /// Whether the inputs of a pixel lie in chunks of 16 channels side by side (blocked data, a
  /// dense layer's row), each a step of the sum; otherwise channels are planes, and inputs
  /// are taken one by one in the order of the packed filter: kernel, then channel.
  bool hasChunks;
  /// Elements from an image to the next in the input, and chunks of a group in an image;
  /// channels of a group without chunks.
  int64_t imageStride, groupStride;
  /// Rows of the packed filter for a tile of output channels, and steps of 16 of them.
  int64_t depth, steps;

  enum class Output { Blocked, Planes, Rows, AlignedRows };
  /// How results lie in memory: blocks of 16 channels, channel planes, or the channels of
  /// a row side by side, which may begin anywhere or on 16 bytes.
  Output output;
  /// Channels of the output.
  int64_t outputChannels;

  int64_t outputPixels() const {
    return llvm::product_of(llvm::ArrayRef(results).drop_front());
  }
  int64_t inputPixels() const { return llvm::product_of(input); }
};

/// A convolution or a dense layer whose schedule says that it is a matrix product.
GemmProblem describeGemm(cnn::ConvOpInterface op);
GemmProblem describeGemm(cnn::DenseOp op);

} // namespace convoy::gpu

#endif // CONVOY_LIB_CODEGEN_GPU_GEMMPROBLEM_H
