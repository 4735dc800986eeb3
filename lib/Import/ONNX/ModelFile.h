//===- ModelFile.h - The protobuf of a model file ---------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_MODELFILE_H
#define CONVOY_LIB_IMPORT_ONNX_MODELFILE_H

#include "MappedFile.h"
#include "onnx.pb.h"
#include <optional>
#include <vector>

namespace convoy::onnximport {

/// A model whose initializers' raw data stays in the file: protobuf would copy
/// it, and weights can be hundreds of megabytes.
struct ModelFile {
  /// Errors do not name the file.
  static llvm::Expected<std::unique_ptr<ModelFile>> read(llvm::StringRef path);

  std::shared_ptr<MappedFile> file;
  onnx::ModelProto model;
  /// For each initializer of the graph, where its `raw_data` is in the file. That field is
  /// empty in `model`.
  std::vector<std::optional<Extent>> rawData;
};

/// Parses a whole file as one message. Errors do not name the file.
llvm::Error parseMessage(llvm::ArrayRef<char> bytes, google::protobuf::MessageLite &message);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_MODELFILE_H
