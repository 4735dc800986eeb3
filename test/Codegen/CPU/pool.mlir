// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// The numbers are those of Integration/test_ops_pooling_and_norms.py.

// A task is a row of one channel block. NaN stays: the other value is taken only where it is
// greater.
// CHECK:       cnn.launch @pool_0 tasks(8)
// CHECK-LABEL: func.func private @pool_0(
// CHECK-DAG:     arith.constant dense<0xFF800000> : vector<16xf32>
// CHECK:         scf.for
// CHECK-COUNT-11:  arith.cmpf olt, {{.+}} : vector<16xf32>
// CHECK-NOT:       arith.cmpf
// CHECK:           scf.yield
// CHECK-COUNT-4: vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "", vector_lanes = 16, vector_registers = 32, l1 = 32768, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x2x8x8x16xf32>, %y: memref<1x2x4x4x16xf32>) {
    cnn.max_pool %x outs(%y) {kernel = array<i64: 3, 3>, blocked, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (memref<1x2x8x8x16xf32>, memref<1x2x4x4x16xf32>) -> ()
    return
  }
}

// -----

// An average over what is inside: the rows that exist times the columns that exist.
// CHECK:       cnn.launch @pool_0 tasks(16)
// CHECK-LABEL: func.func private @pool_0(
// CHECK:         scf.for
// CHECK-COUNT-22:  arith.addf
// CHECK:           scf.yield
// CHECK:         arith.sitofp
// CHECK-COUNT-8: arith.divf {{.+}} : vector<16xf32>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "", vector_lanes = 16, vector_registers = 32, l1 = 32768, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x2x8x8x16xf32>, %y: memref<1x2x8x8x16xf32>) {
    cnn.avg_pool %x outs(%y) {kernel = array<i64: 3, 3>, blocked, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (memref<1x2x8x8x16xf32>, memref<1x2x8x8x16xf32>) -> ()
    return
  }
}

// -----

// An average that counts the pads divides by nine everywhere.
// CHECK:       cnn.launch @pool_0 tasks(16)
// CHECK-LABEL: func.func private @pool_0(
// CHECK-NOT:     arith.sitofp
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "", vector_lanes = 16, vector_registers = 32, l1 = 32768, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x2x8x8x16xf32>, %y: memref<1x2x8x8x16xf32>) {
    cnn.avg_pool %x outs(%y) {kernel = array<i64: 3, 3>, blocked, count_include_pad, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (memref<1x2x8x8x16xf32>, memref<1x2x8x8x16xf32>) -> ()
    return
  }
}
