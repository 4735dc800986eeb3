// RUN: convoy-opt %s --cnn-generate-gpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// A block of threads per row. Each thread keeps four elements in registers; 1000 are less than 4 * 256, so
// some threads have no last one. The threads combine their results twice: the maximum and the sum.
// CHECK-LABEL: gpu.func @softmax(
// CHECK-SAME:    known_block_size = array<i32: 256, 1, 1>, known_grid_size = array<i32: 2, 1, 1>
// CHECK-COUNT-4: memref.load %reinterpret_cast
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK:         gpu.barrier
// CHECK-COUNT-4: math.exp
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK:         gpu.barrier
// CHECK:         arith.divf
// CHECK-COUNT-4: memref.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>, %x: memref<2x1000xf32>, %y: memref<2x1000xf32>) {
    cnn.softmax %x outs(%y) {axis = 1 : i64} : (memref<2x1000xf32>, memref<2x1000xf32>) -> ()
    return
  }
}

// -----

// The elements of long rows are kept in the output. A thread reads only elements that it has written.
// CHECK-LABEL: gpu.func @softmax(
// CHECK:         scf.for
// CHECK:         scf.for
// CHECK-COUNT-4:   math.exp
// CHECK:         scf.for
// CHECK-COUNT-4:   arith.mulf
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>, %x: memref<1x65536xf32>, %y: memref<1x65536xf32>) {
    cnn.softmax %x outs(%y) {axis = 1 : i64} : (memref<1x65536xf32>, memref<1x65536xf32>) -> ()
    return
  }
}

// -----

// Many columns of few elements: a thread per column.
// CHECK-LABEL: gpu.func @softmax(
// CHECK-SAME:    known_block_size = array<i32: 256, 1, 1>, known_grid_size = array<i32: 4, 1, 1>
// CHECK-NOT:     gpu.shuffle
// CHECK-COUNT-3: math.exp
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>, %x: memref<1x3x32x32xf32>, %y: memref<1x3x32x32xf32>) {
    cnn.softmax %x outs(%y) {axis = 1 : i64} : (memref<1x3x32x32xf32>, memref<1x3x32x32xf32>) -> ()
    return
  }
}
