//===- Locations.cpp - Where in a model an operation comes from -----------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/Utils/Locations.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace convoy;

/// A node's name, with the type of its operator as metadata.
using OperatorLoc = FusedLocWith<StringAttr>;

Location cnn::getFileLoc(MLIRContext *context, StringRef path) {
  return NameLoc::get(StringAttr::get(context, path));
}

Location cnn::getNodeLoc(MLIRContext *context, StringRef node, StringRef op) {
  return FusedLoc::get({NameLoc::get(StringAttr::get(context, node))},
                       StringAttr::get(context, op), context);
}

StringRef cnn::getNodeName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (StringRef name = getNodeName(part); !name.empty())
        return name;
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return getNodeName(call.getCallee());
  return "";
}

std::string cnn::makePrintable(StringRef text) {
  std::string line = llvm::json::fixUTF8(text);
  for (char &c : line)
    if (static_cast<unsigned char>(c) < 32 || c == 127)
      c = '?';
  return line;
}

std::string cnn::formatDiagnostic(Diagnostic &diagnostic, StringRef file) {
  Location loc = diagnostic.getLocation();
  StringRef node = getNodeName(loc);
  if (node.empty())
    return diagnostic.str();
  std::string place = (file + ": ").str();
  if (node != file) {
    place += ("node '" + node + "'").str();
    if (auto op = dyn_cast<OperatorLoc>(loc))
      place += (" (" + op.getMetadata().getValue() + ")").str();
    place += ": ";
  }
  return makePrintable(place) + diagnostic.str();
}
