//===- Cache.h - Compiled models kept between runs --------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_CACHE_H
#define CONVOY_LIB_DRIVER_CACHE_H

#include "ModelOptions.h"
#include "convoy/Runtime/Artefact.h"
#include "llvm/Support/BLAKE3.h"

namespace convoy::driver {

/// Makes the folder for what is kept between runs: $CONVOY_CACHE_DIR, or `convoy` in
/// $XDG_CACHE_HOME or ~/.cache.
llvm::Expected<llvm::SmallString<128>> makeCacheFolder();

/// The name of what is kept, from all that it depends on; the compiler is part of it.
class CacheKey {
public:
  CacheKey();
  void add(llvm::StringRef part);
  std::string str();

private:
  llvm::BLAKE3 hasher;
};

/// Loads an artefact; or compiles a model into the cache, unless that has it
/// already, and loads it from there. The cache's key is the content of the model
/// and its external data, the options, the machine and the compiler, so any
/// number of programs may use it at once. On failure, which is reported, returns
/// nothing and sets `code`.
std::optional<Artefact> loadOrCompile(llvm::StringRef path, ModelOptions &modelOptions,
                                      const Arguments &arguments, int &code);

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_CACHE_H
