//===- LocationsTest.cpp - Diagnostics as text ----------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/Utils/Locations.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/MLIRContext.h"

#include "gtest/gtest.h"

using namespace mlir;
using namespace convoy;

/// The text of an error at a location of "m.onnx".
static std::string format(Location loc, StringRef message) {
  std::string text;
  ScopedDiagnosticHandler handler(loc.getContext(), [&](Diagnostic &diagnostic) {
    text = cnn::formatDiagnostic(diagnostic, "m.onnx");
  });
  emitError(loc, message);
  return text;
}

TEST(Locations, FileAndNodeStandInFront) {
  MLIRContext context;
  auto node = NameLoc::get(StringAttr::get(&context, "conv1"));
  EXPECT_EQ(format(UnknownLoc::get(&context), "no space left"), "no space left");
  EXPECT_EQ(format(cnn::getFileLoc(&context, "m.onnx"), "is empty"), "m.onnx: is empty");
  EXPECT_EQ(format(node, "is too large"), "m.onnx: node 'conv1': is too large");
  EXPECT_EQ(format(cnn::getNodeLoc(&context, "conv1", "Conv"), "has no input 1"),
            "m.onnx: node 'conv1' (Conv): has no input 1");
  // File and node are put in front even if the message names them itself.
  EXPECT_EQ(format(node, "m.onnx and conv1"), "m.onnx: node 'conv1': m.onnx and conv1");
  auto other = NameLoc::get(StringAttr::get(&context, "relu1"));
  EXPECT_EQ(format(FusedLoc::get(&context, {UnknownLoc::get(&context), node, other}), "fails"),
            "m.onnx: node 'conv1': fails");
}

TEST(Locations, DamagedNamesArePrintable) {
  MLIRContext context;
  auto node = NameLoc::get(StringAttr::get(&context, "a\nb\x7f"));
  EXPECT_EQ(format(node, "fails"), "m.onnx: node 'a?b?': fails");
  EXPECT_EQ(cnn::makePrintable("\xff"), "\xef\xbf\xbd");
}
