//===- Linker.h - Link object files -----------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_TARGET_LINKER_H
#define CONVOY_LIB_TARGET_LINKER_H

#include "convoy/Target/Target.h"
#include "llvm/TargetParser/Triple.h"

namespace convoy {

/// Links `objects` to the library, object or program `temporary`, which later
/// becomes a file of the name `finalName`.
llvm::Error linkObjects(EmitKind kind, const llvm::Triple &triple,
                        llvm::ArrayRef<std::string> objects, llvm::StringRef temporary,
                        llvm::StringRef finalName);

/// Fails if programs for `triple` cannot be linked on this machine. The error names the
/// package to install.
llvm::Error checkCanLinkExecutable(const llvm::Triple &triple);

} // namespace convoy

#endif // CONVOY_LIB_TARGET_LINKER_H
