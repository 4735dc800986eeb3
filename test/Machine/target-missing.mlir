// A pass that needs a target says so if there is none, and says what to do. It does not assume some CPU.

// RUN: not convoy-opt %s --cnn-assign-partition 2>&1 | FileCheck %s
// RUN: not convoy-opt %s --cnn-simplify-communication 2>&1 | FileCheck %s
// RUN: not convoy-opt %s --cnn-assign-layout 2>&1 | FileCheck %s
// RUN: not convoy-opt %s --cnn-select-algorithm 2>&1 | FileCheck %s
// RUN: not convoy-opt %s --cnn-fuse-prologue 2>&1 | FileCheck %s
// RUN: not convoy-opt %s --cnn-narrow-floats 2>&1 | FileCheck %s
// RUN: not convoy-opt %s --cnn-to-destination-style 2>&1 | FileCheck %s
// RUN: not convoy-opt %s --cnn-plan-memory 2>&1 | FileCheck %s
// RUN: not convoy-opt %s --cnn-generate-cpu-kernels 2>&1 | FileCheck %s
// RUN: not convoy-opt %s --cnn-generate-gpu-kernels 2>&1 | FileCheck %s
// RUN: not convoy-opt %s --cnn-emulate-gpu 2>&1 | FileCheck %s
// CHECK: target-missing.mlir:[[#@LINE+3]]:1: error: has no attribute cnn.target,
// CHECK-SAME: {{^ }}which says what machine to compile for: run cnn-set-target first, such as
// CHECK-SAME: {{^ }}--cnn-set-target=cpu=x86-64-v3
module {
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>) {
    return
  }
}
