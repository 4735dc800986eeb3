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
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::mlir::affine::AffineDialect"];
}

def CnnLowerLaunches : Pass<"cnn-lower-launches", "::mlir::ModuleOp"> {
  let summary = "Turn launches into calls of the artefact's runtime";
  let description = [{
    Runs on the LLVM dialect beside `cnn.launch`: makes `convoy_model_invoke`
    from `@main`, and for each kernel the entry that unpacks an argument array.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // CONVOY_CODEGEN_PASSES_TD
