// RUN: convoy-opt %s --cnn-generate-gpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// The windows of five channels of the four channels of a quad are in three quads. Outside there are zeros.
// CHECK-LABEL: gpu.func @lrn(
// CHECK-DAG:     arith.constant dense<2.000000e+00> : vector<4xf32>
// CHECK-COUNT-3: vector.load
// CHECK-NOT:     vector.load
// CHECK:         math.fma
// CHECK-COUNT-2: math.sqrt
// CHECK:         arith.divf
// CHECK:         vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>, %x: memref<1x2x3x3x16xf32>, %y: memref<1x2x3x3x16xf32>) {
    cnn.lrn %x outs(%y) {size = 5 : i64, alpha = 10.0 : f32, beta = 0.75 : f32, bias = 1.0 : f32, blocked}
        : (memref<1x2x3x3x16xf32>, memref<1x2x3x3x16xf32>) -> ()
    return
  }
}

// -----

// Plain data: the channels of a window are a plane apart. Other exponents need the logarithm.
// CHECK-LABEL: gpu.func @lrn(
// CHECK-COUNT-3: memref.load
// CHECK-NOT:     memref.load
// CHECK:         math.log
// CHECK:         math.exp
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>, %x: memref<1x20x3x3xf32>, %y: memref<1x20x3x3xf32>) {
    cnn.lrn %x outs(%y) {size = 3 : i64, alpha = 0.01 : f32, beta = 0.6 : f32, bias = 1.0 : f32}
        : (memref<1x20x3x3xf32>, memref<1x20x3x3xf32>) -> ()
    return
  }
}
