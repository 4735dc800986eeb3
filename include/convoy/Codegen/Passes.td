//===- Passes.td - Code generation passes ------------------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_PASSES_TD
#define CONVOY_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def CnnGenerateCPUKernels : Pass<"cnn-generate-cpu-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn each operation of @main into a kernel and its launch";
  let description = [{
    Asks the kernel families in turn which of them builds an operation in memref
    form, makes one function for each distinct operation and replaces it by
    `cnn.launch`. See docs/architecture.md for the form of a kernel.

    Post: the body of `@main` is views and launches.
  }];
  let dependentDialects = [
    "::convoy::cnn::CnnDialect", "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::mlir::affine::AffineDialect"];
}

def CnnConvertToLLVM : Pass<"cnn-convert-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Convert kernels and launches to the LLVM dialect";
  let description = [{
    Pointers cross function borders bare. A launch stores its buffers' pointers
    in an array on the stack and calls `convoy_rt_parallel_for` with the entry of
    the kernel, a function made here that unpacks the array:

    ```mlir
    llvm.func internal @conv_0_entry(%begin: i64, %end: i64, %args: !llvm.ptr) {
      %m0 = llvm.load %args[0] ...
      llvm.call @conv_0(%begin, %end, %m0, ...)
    }
    ```
    `@main` becomes `@convoy_model_invoke`. After launch `i` it calls
    `convoy_rt_layer_done(rt, i)`. See docs/architecture.md.

    Pre: no scf, affine or linalg is left.
    Post: only the LLVM dialect.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def CnnApproximateMath : Pass<"cnn-approximate-math"> {
  let summary = "Expand elementary functions into arithmetic";
  let description = [{
    `math.exp`, `log`, `tanh`, `erf`, `powf`, ... on f32 scalars and vectors become
    argument reduction and a polynomial, so that kernels stay vectorised and the
    artefact needs no libm.

    Numerics: errors of a few units in the last place; see MathApproximation.cpp.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

#endif // CONVOY_CODEGEN_PASSES_TD
