//===- Format.h - Tables and numbers for people -----------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_FORMAT_H
#define CONVOY_LIB_DRIVER_FORMAT_H

#include "llvm/ADT/ArrayRef.h"

#include <string>
#include <vector>

namespace convoy::driver {

/// "1x3x224x224".
std::string joinShape(llvm::ArrayRef<int64_t> shape);

/// Three significant digits and a prefix: "727 M".
std::string formatCount(double count);

/// The same with a unit, "1.26 MB"; empty for 0.
std::string formatBytes(int64_t bytes);

/// Prints a table on stdout. The first `leftColumns` columns are aligned to the left, the
/// others to the right.
void printTable(const std::vector<std::vector<std::string>> &rows, size_t leftColumns = 2);

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_FORMAT_H
