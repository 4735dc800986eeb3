//===- Cache.h - Compiled models kept between runs --------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TOOLS_CONVOY_CACHE_H
#define CONVOY_TOOLS_CONVOY_CACHE_H

#include "ModelOptions.h"
#include "convoy/Runtime/Artefact.h"

namespace convoy::tool {

/// Loads an artefact; or compiles a model into the cache, unless that has it
/// already, and loads it from there. The cache's key is the content of the model
/// and its external data, the options, the machine and the compiler, so any
/// number of programs may use it at once. On failure, which is reported, returns
/// nothing and sets `code`.
std::optional<Artefact> loadOrCompile(llvm::StringRef path, ModelOptions &modelOptions,
                                      const Options &options, int &code);

} // namespace convoy::tool

#endif // CONVOY_TOOLS_CONVOY_CACHE_H
