//===- DecomposeOpInterfaceImpl.h - Decompositions --------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TRANSFORMS_SCHEDULE_DECOMPOSEOPINTERFACEIMPL_H
#define CONVOY_TRANSFORMS_SCHEDULE_DECOMPOSEOPINTERFACEIMPL_H

#include "mlir/IR/DialectRegistry.h"

namespace convoy::cnn {

/// Registers models of DecomposeOpInterface for the operations that `cnn-decompose` replaces.
void registerDecomposeOpInterfaceExternalModels(mlir::DialectRegistry &registry);

} // namespace convoy::cnn

#endif // CONVOY_TRANSFORMS_SCHEDULE_DECOMPOSEOPINTERFACEIMPL_H
