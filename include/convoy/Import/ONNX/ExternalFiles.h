//===- ExternalFiles.h - Files that a model refers to -----------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_IMPORT_ONNX_EXTERNALFILES_H
#define CONVOY_IMPORT_ONNX_EXTERNALFILES_H

#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace convoy {

/// Paths of the files that hold external data of the model's tensors, sorted,
/// whether or not they exist. Empty for a file that is no model.
std::vector<std::string> listExternalFiles(llvm::StringRef model);

} // namespace convoy

#endif // CONVOY_IMPORT_ONNX_EXTERNALFILES_H
