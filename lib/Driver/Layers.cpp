//===- Layers.cpp - The layers of a model ---------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layers.h"

#include "convoy/Dialect/Cnn/IR/Cnn.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::driver;

StringRef convoy::driver::getNodeName(Location loc) {
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

std::string convoy::driver::getLayerKind(Operation *op) {
  if (auto named = dyn_cast<cnn::LayerKindOpInterface>(op))
    return named.getLayerKind();
  StringRef kind = op->getName().stripDialect();
  return kind == "collapse_shape" || kind == "expand_shape" ? "reshape" : kind.str();
}

std::vector<Layer> convoy::driver::listLayers(ModuleOp module) {
  std::vector<Layer> layers;
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.empty())
    return layers;
  for (Operation &op : main.front().without_terminator()) {
    if (op.getNumResults() != 1 || matchPattern(&op, m_Constant()) || isa<tensor::EmptyOp>(op))
      continue;
    Layer layer;
    layer.op = &op;
    layer.name = getNodeName(op.getLoc()).str();
    layer.kind = getLayerKind(&op);
    layer.cost = computeLayerCost(&op);
    layers.push_back(std::move(layer));
  }
  return layers;
}

std::string convoy::driver::joinShape(ArrayRef<int64_t> shape) {
  return llvm::join(llvm::map_range(shape, [](int64_t dim) { return std::to_string(dim); }),
                    "x");
}

std::string convoy::driver::formatCount(double count) {
  static constexpr const char *prefixes[] = {"", " k", " M", " G", " T", " P"};
  size_t prefix = 0;
  while (count >= 999.5 && prefix + 1 < std::size(prefixes)) {
    count /= 1000;
    ++prefix;
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::format("%.*f",
                     prefix == 0 || count >= 99.95 ? 0
                     : count >= 9.995              ? 1
                                                   : 2,
                     count)
     << prefixes[prefix];
  return text;
}

void convoy::driver::printTable(const std::vector<std::vector<std::string>> &rows) {
  std::vector<size_t> widths;
  for (const auto &row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (auto [width, cell] : llvm::zip(widths, row))
      width = std::max(width, cell.size());
  }
  llvm::raw_ostream &os = llvm::outs();
  for (const auto &row : rows) {
    std::string line;
    for (auto [column, cell] : llvm::enumerate(row)) {
      std::string padding(widths[column] - cell.size(), ' ');
      line += (column ? "  " : "") + (column < 2 ? cell + padding : padding + cell);
    }
    os << StringRef(line).rtrim() << '\n';
  }
}
