//===- BufferizableOpInterfaceImpl.h - Bufferization of cnn ops -*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TRANSFORMS_BUFFERIZE_BUFFERIZABLEOPINTERFACEIMPL_H
#define CONVOY_TRANSFORMS_BUFFERIZE_BUFFERIZABLEOPINTERFACEIMPL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace convoy::cnn {
/// Registers models of BufferizableOpInterface for all cnn operations, for one-shot
/// bufferization.
void registerBufferizableOpInterfaceExternalModels(mlir::DialectRegistry &registry);
} // namespace convoy::cnn

#endif // CONVOY_TRANSFORMS_BUFFERIZE_BUFFERIZABLEOPINTERFACEIMPL_H
