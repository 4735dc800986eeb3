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

/// The attributes that convolutions and pools share, with `auto_pad` resolved.
struct Window {
  llvm::SmallVector<int64_t> kernel, strides, dilations;
  /// Begin of each spatial dimension, then end of each.
  llvm::SmallVector<int64_t> pads;
  /// SAME_UPPER, SAME_LOWER, VALID or NOTSET.
  llvm::StringRef autoPad;

  bool isSame() const { return autoPad.starts_with("SAME"); }
  /// Fails with an error of the node if the dialect has no such window.
  mlir::FailureOr<cnn::WindowAttr> toAttribute(NodeImporter &node) const;
};

/// Reads the window of a node whose data is input 0. Where the kernel is known
/// from a filter, `filterKernel` holds it.
mlir::FailureOr<Window>
readWindow(NodeImporter &node,
           std::optional<llvm::ArrayRef<int64_t>> filterKernel = std::nullopt);

/// Resolves SAME and VALID for windows that slide over input 0.
void resolveAutoPad(NodeImporter &node, Window &window);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_WINDOW_H
