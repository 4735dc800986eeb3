// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-generate-gpu-kernels --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s

// 256 threads compute a tile of 16 outputs: 64 inputs at a time, each with four quads of weights. A
// thread loads eight quads in each iteration of its loop. The warps add up in shared memory.
// CHECK-LABEL: gpu.func @dense(
// CHECK-SAME:    workgroup(%[[SHARED:.+]] : memref<128xf32
// CHECK-SAME:    known_block_size = array<i32: 256, 1, 1>, known_grid_size = array<i32: 63, 1, 1>
// CHECK:         scf.for
// CHECK-COUNT-8:   vector.load {{.+}} {alignment = 16 : i64}
// CHECK:           scf.yield
// CHECK-COUNT-12: gpu.shuffle xor
// CHECK:         vector.store %{{.+}}, %[[SHARED]]
// CHECK:         gpu.barrier
// CHECK-COUNT-8: vector.load %[[SHARED]]
// CHECK-COUNT-4: memref.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<1x2048xf32>,
      %w: memref<63x2048x16xf32>, %b: memref<1008xf32>, %y: memref<1x1000xf32>) {
    cnn.dense %x, %w, %b outs(%y) {filter_shape = array<i64: 1000, 2048>}
        : (memref<1x2048xf32>, memref<63x2048x16xf32>, memref<1008xf32>, memref<1x1000xf32>) -> ()
    return
  }
}

// -----

// Several rows share the loads of weights. At the end, a thread adds up four outputs of a row.
// CHECK-LABEL: gpu.func @dense(
// CHECK-SAME:    workgroup(%[[SHARED:.+]] : memref<640xf32
// CHECK-SAME:    known_grid_size = array<i32: 2, 1, 1>
// CHECK-COUNT-1: vector.load
// CHECK-COUNT-5: vector.fma
// CHECK:         arith.minui
// CHECK-COUNT-5: vector.store %{{.+}}, %[[SHARED]]
// CHECK-COUNT-8: vector.load %[[SHARED]]
// CHECK-NOT:     vector.load %[[SHARED]]
// CHECK:         arith.cmpi ult, %thread_id_x, %c20
// CHECK:         scf.if
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<5x30xf32>, %w: memref<2x30x16xf32>,
      %y: memref<5x20xf32>) {
    cnn.dense %x, %w outs(%y) {filter_shape = array<i64: 20, 30>} : (memref<5x30xf32>, memref<2x30x16xf32>, memref<5x20xf32>) -> ()
    return
  }
}
