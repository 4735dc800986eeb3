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

/// A kernel, `gpu.func @k`, and the sizes of its launch. Its first arguments are
/// `%x: memref<Nxf32>`, the input, and `%y: memref<Mxf32>`, the output.
struct EmulatedKernel {
  /// The text after `@k(%x.., %y..`: more arguments, `)`, workgroup buffers in memory space
  /// `#shared`, and the body. An argument `%s: memref<64xi8>` is the arena.
  std::string text;
  /// The number of blocks of the launch, and of threads of each block.
  std::array<int, 3> grid = {1, 1, 1}, block = {32, 1, 1};
  /// The attributes of a cnn.tensor_map of x, which is the argument `%map: !llvm.ptr`. If they
  /// are empty, the kernel gets no map.
  std::string map = "";
};

/// Compiles kernels for the emulator, and runs them one after another on `x`, with `threads`
/// threads of the CPU. Returns the `count` numbers of `y`. If the run fails, it returns none
/// and sets `error` to the reason.
std::vector<float> runEmulated(const std::vector<EmulatedKernel> &kernels,
                               const std::vector<float> &x, size_t count, int threads = 1,
                               std::string *error = nullptr);

/// The same for a module after code generation, with one input and one output of f32.
std::vector<float> runEmulated(mlir::ModuleOp module, const std::vector<float> &x, int threads,
                               std::string *error);

inline std::vector<float> runEmulated(const EmulatedKernel &kernel,
                                      const std::vector<float> &x, size_t count,
                                      int threads = 1) {
  return runEmulated(std::vector<EmulatedKernel>{kernel}, x, count, threads);
}

#endif // CONVOY_TEST_UNIT_CODEGEN_EMULATEDKERNEL_H
