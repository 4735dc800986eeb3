//===- ExternalFiles.cpp - Files that a model refers to -------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Import/ONNX/ExternalFiles.h"

#include "ModelFile.h"
#include "llvm/Support/Path.h"
#include <set>

using namespace convoy::onnximport;

std::vector<std::string> convoy::listExternalFiles(llvm::StringRef model) {
  llvm::Expected<std::unique_ptr<ModelFile>> file = ModelFile::read(model);
  if (!file) {
    llvm::consumeError(file.takeError());
    return {};
  }
  std::set<std::string> paths;
  auto visit = [&](const onnx::TensorProto &tensor) {
    if (tensor.data_location() != onnx::TensorProto::EXTERNAL)
      return;
    for (const auto &entry : tensor.external_data()) {
      if (entry.key() != "location")
        continue;
      llvm::SmallString<128> path(llvm::sys::path::parent_path(model));
      llvm::sys::path::append(path, entry.value());
      paths.insert(path.str().str());
    }
  };
  const onnx::GraphProto &graph = (*file)->model.graph();
  for (const onnx::TensorProto &tensor : graph.initializer())
    visit(tensor);
  for (const onnx::NodeProto &node : graph.node())
    for (const onnx::AttributeProto &attribute : node.attribute())
      if (attribute.has_t())
        visit(attribute.t());
  return {paths.begin(), paths.end()};
}
