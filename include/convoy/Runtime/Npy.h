//===- Npy.h - Tensors in .npy files ----------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_RUNTIME_NPY_H
#define CONVOY_RUNTIME_NPY_H

#include "convoy/Runtime/Tensor.h"

namespace convoy {

/// Reads a NumPy `.npy` file (format versions 1 to 3, little-endian numbers and
/// bools; Fortran order is converted). Errors name the file.
/// See https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
llvm::Expected<Tensor> readNpy(llvm::StringRef path);

/// Writes a `.npy` file of format version 1. bfloat16 is two bytes without a
/// name, as NumPy writes the type of ml_dtypes.
llvm::Error writeNpy(llvm::StringRef path, const Tensor &tensor);

} // namespace convoy

#endif // CONVOY_RUNTIME_NPY_H
