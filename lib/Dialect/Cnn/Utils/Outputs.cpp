//===- Outputs.cpp - What `cnn.outputs` says ------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/Utils/Outputs.h"

using namespace mlir;

ArrayRef<Attribute> convoy::cnn::getModelOutputs(ArrayAttr outputs) {
  return outputs.getValue().take_while([](Attribute entry) {
    auto dictionary = dyn_cast<DictionaryAttr>(entry);
    auto name = dictionary ? dictionary.getAs<StringAttr>("name") : nullptr;
    return !name || !name.empty();
  });
}

ArrayRef<int64_t> convoy::cnn::getSizeResults(Attribute entry) {
  auto dictionary = dyn_cast<DictionaryAttr>(entry);
  auto sizes = dictionary ? dictionary.getAs<DenseI64ArrayAttr>("sizes") : nullptr;
  return sizes ? sizes.asArrayRef() : ArrayRef<int64_t>();
}
