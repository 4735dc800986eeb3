// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v4 | FileCheck %s
// RUN: convoy-opt %s --cnn-set-target=cpu=znver4 | FileCheck %s --check-prefix=ZEN4
// RUN: convoy-opt %s --cnn-set-target=cpu=neoverse-v2 | FileCheck %s --check-prefix=ARM
// RUN: convoy-opt %s --cnn-set-target="cpu=x86-64-v3 triple=x86_64-linux-musl" | FileCheck %s --check-prefix=MUSL
// RUN: convoy-opt %s --cnn-set-target="cpu=x86-64-v3 precision=bf16" | FileCheck %s --check-prefix=BF16
// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-set-target=cpu=znver4 | FileCheck %s --check-prefix=FIRST
// RUN: not convoy-opt %s --cnn-set-target 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not convoy-opt %s --cnn-set-target=cpu=quantum 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// CHECK: #cnn.target<triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v4", features = "-prefer-256-bit",
// CHECK-SAME: vector_lanes = 16, vector_registers = 32, l2 = 1048576>
// ZEN4: cpu = "znver4", features = "-prefer-256-bit", vector_lanes = 16, vector_registers = 32, l2 = 1048576>
// ARM: triple = "aarch64-unknown-linux-gnu", cpu = "neoverse-v2", features = "", vector_lanes = 4, vector_registers = 32
// MUSL: triple = "x86_64-unknown-linux-musl"
// BF16: l2 = 524288, precision = bf16>
// The pass does not replace a target.
// FIRST: cpu = "x86-64-v3"
// NONE: error: cnn-set-target needs a CPU, such as cpu=x86-64-v3
// UNKNOWN: error: unknown CPU 'quantum' for x86_64-unknown-linux-gnu
module {}
