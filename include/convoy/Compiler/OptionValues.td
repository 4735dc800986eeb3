//===- OptionValues.td - Words that options take -----------*- tablegen -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Enumerations that only options in CompileOptions.td use.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_COMPILER_OPTIONVALUES
#define CONVOY_COMPILER_OPTIONVALUES

include "mlir/IR/EnumAttr.td"

class Choice<string name, string summary, list<EnumCase> cases>
    : I32Enum<name, summary, cases> {
  let cppNamespace = "::convoy";
}

def Platform : Choice<"Platform", "What runs a model", [
  I32EnumCase<"Cpu", 0, "cpu">,
  I32EnumCase<"CpuEmulator", 1, "cpu-emulator">,
  I32EnumCase<"Cuda", 2, "cuda">,
  I32EnumCase<"CudaEmulator", 3, "cuda-emulator">
]>;

def WeightType : Choice<"WeightType", "How weights of convolutions and dense layers are stored", [
  I32EnumCase<"F32", 0, "f32">,
  I32EnumCase<"F16", 1, "f16">,
  I32EnumCase<"BF16", 2, "bf16">
]>;

def OutputKind : Choice<"OutputKind", "What a compilation writes", [
  I32EnumCase<"Lib", 0, "lib">,
  I32EnumCase<"Obj", 1, "obj">,
  I32EnumCase<"Exe", 2, "exe">,
  I32EnumCase<"Asm", 3, "asm">,
  I32EnumCase<"LLVMIR", 4, "llvm-ir">,
  I32EnumCase<"MLIR", 5, "mlir">
]>;

#endif // CONVOY_COMPILER_OPTIONVALUES
