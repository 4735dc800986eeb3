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

/// Makes the folder for what is kept between runs: $CONVOY_CACHE_DIR, or `convoy` in
/// $XDG_CACHE_HOME or ~/.cache.
llvm::Expected<llvm::SmallString<128>> makeCacheFolder();

/// The name of what is kept, from all that it depends on; the compiler is part of it.
class CacheKey {
public:
  CacheKey();
  void add(llvm::StringRef part);
  void add(cnn::TargetAttr target);
  /// Each option that changes code and is no part of the target.
  void add(const CompileOptions &options);
  std::string str();

private:
  llvm::BLAKE3 hasher;
};

/// Compiles the model into the cache, unless that has it already, and loads it from there.
/// The cache's key is the content of the model and its external data, the options, the
/// machine and the compiler, so any number of programs may use it at once. The handler gets
/// errors.
mlir::FailureOr<Artefact> compileIntoCache(Compilation &compilation);

} // namespace convoy

#endif // CONVOY_COMPILER_CACHE_H
