//===- Locations.h - Where in a model an operation comes from ---*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The location of an operation is the name of its ONNX node, and that of a module and
// of what belongs to no node the name of the file. Diagnostics are emitted at such a
// location and name neither; `formatDiagnostic` puts both in front, once, in the end.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_UTILS_LOCATIONS_H
#define CONVOY_DIALECT_CNN_UTILS_LOCATIONS_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"

#include <string>

namespace convoy::cnn {

/// The location of the model's file.
mlir::Location getFileLoc(mlir::MLIRContext *context, llvm::StringRef path);

/// The location of a node for diagnostics of the importer, which name its operator too.
mlir::Location getNodeLoc(mlir::MLIRContext *context, llvm::StringRef node,
                          llvm::StringRef op);

/// The name of the node at a location; empty if there is none.
llvm::StringRef getNodeName(mlir::Location loc);

/// One line of text whatever is in the names of a damaged file.
std::string makePrintable(llvm::StringRef text);

/// The diagnostic's text with the model's file, the node and its operator in front, as far
/// as its location tells them: "model.onnx: node 'conv1' (Conv): has no input 1". A
/// diagnostic without a location is not about the model, and stays as it is.
std::string formatDiagnostic(mlir::Diagnostic &diagnostic, llvm::StringRef file);

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_UTILS_LOCATIONS_H
