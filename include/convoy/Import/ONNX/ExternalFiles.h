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

/// The paths of the files in which the model's tensors have external data, sorted, whether or
/// not they exist. Empty if `model` is no model.
std::vector<std::string> listExternalFiles(llvm::StringRef model);

} // namespace convoy

#endif // CONVOY_IMPORT_ONNX_EXTERNALFILES_H
