//===- Locations.h - Where in a model an operation comes from ---*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The location of an operation is the name of its ONNX node. The location of a module, and of
// everything that belongs to no node, is the name of the file. Diagnostics are emitted at such
// a location; their text names neither node nor file. `formatDiagnostic` puts both before the
// text, once, at the end.
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

/// The location of a node, with the type of its operator, such as "Conv", for diagnostics of
/// the importer.
mlir::Location getNodeLoc(mlir::MLIRContext *context, llvm::StringRef node,
                          llvm::StringRef op);

/// The name of the node at a location; empty if there is none.
llvm::StringRef getNodeName(mlir::Location loc);

/// `text` as one line of valid UTF-8 without control characters, since names in a damaged file
/// may contain anything.
std::string makePrintable(llvm::StringRef text);

/// The text of the diagnostic after the model's file, the node and its operator, as far as the
/// location tells them: "model.onnx: node 'conv1' (Conv): has no input 1". A diagnostic
/// without a location is not about the model; its text stays as it is.
std::string formatDiagnostic(mlir::Diagnostic &diagnostic, llvm::StringRef file);

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_UTILS_LOCATIONS_H
