//===- Inspect.h - The views of convoy inspect ------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_INSPECT_H
#define CONVOY_LIB_DRIVER_INSPECT_H

#include "Arguments.h"

#include "convoy/Compiler/Compilation.h"
#include "convoy/Compiler/PartitionedLayers.h"

namespace convoy::driver {

/// Paths of files to write about a partition: an SVG, and the model with annotations. Empty
/// if not asked for.
struct PartitionFiles {
  std::string drawing, onnx;
};

/// Each prints a view of the model and returns the exit code; errors are reported.
int inspectLayers(Compilation &compilation, bool asJSON);
int inspectGpu(Compilation &compilation, bool asJSON);
int inspectPartition(Compilation &compilation, bool asJSON, const PartitionFiles &files);

/// Prints a list as text or JSON, unless making it failed; returns the exit code.
template <typename List>
int printList(const Compilation &compilation, const mlir::FailureOr<List> &list, bool asJSON,
              void (*printText)(const List &),
              void (*printJSON)(llvm::StringRef model, const List &)) {
  if (failed(list))
    return kInputError;
  if (asJSON)
    printJSON(compilation.getModel(), *list);
  else
    printText(*list);
  return kDone;
}

/// Writes the devices' columns from top to bottom, with the exchanges between them, as SVG.
void drawPartition(llvm::raw_ostream &os, llvm::StringRef model,
                   const PartitionedLayers &partition);

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_INSPECT_H
