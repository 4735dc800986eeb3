//===- Format.cpp - Tables and numbers for people -------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Format.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace convoy::driver;
using llvm::StringRef;

std::string convoy::driver::joinShape(llvm::ArrayRef<int64_t> shape) {
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

std::string convoy::driver::formatBytes(int64_t bytes) {
  return bytes ? formatCount(double(bytes)) + "B" : "";
}

void convoy::driver::printTable(const std::vector<std::vector<std::string>> &rows,
                                size_t leftColumns) {
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
      line += (column ? "  " : "") + (column < leftColumns ? cell + padding : padding + cell);
    }
    os << StringRef(line).rtrim() << '\n';
  }
}
