//===- EmulatedKernel.h - Runs hand-written GPU kernels ---------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_TEST_UNIT_CODEGEN_EMULATEDKERNEL_H
#define CONVOY_TEST_UNIT_CODEGEN_EMULATEDKERNEL_H

#include "mlir/IR/BuiltinOps.h"

#include <array>
#include <string>
#include <vector>

/// `gpu.func @k` and its launch, with the arguments `%x: memref<Nxf32>` and
/// `%y: memref<Mxf32>`.
struct EmulatedKernel {
  /// Everything behind `@k(%x.., %y..`: more arguments, `)`, workgroup buffers in memory
  /// space `#shared`, and the body.
  std::string text;
  std::array<int, 3> grid = {1, 1, 1}, block = {32, 1, 1};
  /// Attributes of a cnn.tensor_map of x, which is the argument `%map: !llvm.ptr`; none if
  /// empty.
  std::string map = "";
};

/// Compiles kernels that run one after another for the emulator, and runs them as `threads`
/// threads on `x`. Returns `count` numbers, `y`; none if the run failed, and `error` says
/// why.
std::vector<float> runEmulated(const std::vector<EmulatedKernel> &kernels,
                               const std::vector<float> &x, size_t count, int threads = 1,
                               std::string *error = nullptr);

/// The same of a module after code generation, with an input and an output of f32.
std::vector<float> runEmulated(mlir::ModuleOp module, const std::vector<float> &x, int threads,
                               std::string *error);

inline std::vector<float> runEmulated(const EmulatedKernel &kernel,
                                      const std::vector<float> &x, size_t count,
                                      int threads = 1) {
  return runEmulated(std::vector<EmulatedKernel>{kernel}, x, count, threads);
}

#endif // CONVOY_TEST_UNIT_CODEGEN_EMULATEDKERNEL_H
