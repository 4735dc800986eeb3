//===- Window.h - Windows of convolutions and pools -------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_WINDOW_H
#define CONVOY_LIB_IMPORT_ONNX_WINDOW_H

#include "NodeImporter.h"

namespace convoy::onnximport {

/// The attributes that convolutions and pools share.
struct Window {
  llvm::SmallVector<int64_t> kernel, strides, dilations;
  /// At the beginning of each spatial dimension, then at the end of each. If `autoPad` is not
  /// NOTSET, they are 0 until they are computed.
  llvm::SmallVector<int64_t> pads;
  /// SAME_UPPER, SAME_LOWER, VALID or NOTSET.
  llvm::StringRef autoPad;

  bool isSame() const { return autoPad.starts_with("SAME"); }
  /// Fails with an error of the node if the dialect has no such window.
  mlir::FailureOr<cnn::WindowAttr> toAttribute(NodeImporter &node) const;
};

/// Reads the window of a node whose data is input 0. For a node with a filter,
/// `filterKernel` is the spatial shape of the filter.
mlir::FailureOr<Window>
readWindow(NodeImporter &node,
           std::optional<llvm::ArrayRef<int64_t>> filterKernel = std::nullopt);

/// The attribute `group`; an error if it is not from 1 to the number of input channels.
mlir::FailureOr<int64_t> readGroup(NodeImporter &node);

/// Moves the channels of input 0 from its last dimension to dimension 1.
mlir::LogicalResult moveChannelsFirst(NodeImporter &node);
/// Does so if the attribute `channels_last` is set.
mlir::LogicalResult readChannelsLast(NodeImporter &node, bool &channelsLast);
/// Moves the channels of the result to the end if they were there.
mlir::FailureOr<mlir::Value> restoreChannelsLast(NodeImporter &node, mlir::Value result,
                                                 bool channelsLast);

/// Computes the pads of SAME_UPPER and SAME_LOWER for a window that slides over input 0.
void resolveAutoPad(NodeImporter &node, Window &window);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_WINDOW_H
