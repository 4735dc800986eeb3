//===- Cache.h - Compiled models kept between runs --------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_COMPILER_CACHE_H
#define CONVOY_COMPILER_CACHE_H

#include "convoy/Compiler/Compilation.h"
#include "convoy/Runtime/Artefact.h"
#include "llvm/Support/BLAKE3.h"

namespace convoy {

/// Makes the folder for files that are kept between runs, and returns its path:
/// $CONVOY_CACHE_DIR, or `convoy` in $XDG_CACHE_HOME or ~/.cache.
llvm::Expected<llvm::SmallString<128>> makeCacheFolder();

/// Computes the name of a file in the cache from everything that its content depends on.
class CacheKey {
public:
  /// Adds the version of the compiler.
  CacheKey();
  void add(llvm::StringRef part);
  void add(cnn::TargetAttr target);
  /// Adds the options that change code and are no part of the target.
  void add(const CompileOptions &options);
  std::string str();

private:
  llvm::BLAKE3 hasher;
};

/// Compiles the model into the cache, unless it is there already, and loads it from there. The
/// key of the cache is made from the content of the model and of files that --bind names, the
/// size and time of the model's files of external data, the options, the target and the
/// compiler. Several programs may use the cache at the same time. The handler gets errors.
mlir::FailureOr<Artefact> compileIntoCache(Compilation &compilation);

} // namespace convoy

#endif // CONVOY_COMPILER_CACHE_H
