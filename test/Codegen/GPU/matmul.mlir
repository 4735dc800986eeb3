// RUN: convoy-opt %s --cnn-generate-gpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// Tiles of 64 x 64, with operands in shared memory. A batch of one is broadcast.
// CHECK-LABEL: gpu.func @matmul(
// CHECK-SAME:    workgroup(%[[LEFT:.+]] : memref<1088xf32{{.+}}, %[[RIGHT:.+]] : memref<1024xf32
// CHECK-SAME:    known_block_size = array<i32: 256, 1, 1>, known_grid_size = array<i32: 12, 1, 1>
// CHECK:         scf.for
// CHECK:           memref.store %{{.+}}, %[[LEFT]]
// CHECK:           memref.store %{{.+}}, %[[RIGHT]]
// CHECK:           gpu.barrier
// CHECK-COUNT-64:  vector.fma
// CHECK-NOT:       vector.fma
// CHECK:           gpu.barrier
// CHECK:           scf.yield
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<3x70x48xf32>,
      %w: memref<1x48x128xf32>, %y: memref<3x70x128xf32>) {
    cnn.matmul %x, %w outs(%y) : (memref<3x70x48xf32>, memref<1x48x128xf32>, memref<3x70x128xf32>) -> ()
    return
  }
}

// -----

// Few rows: tiles of 16. Elements outside of the operands are zero; outside of the result nothing is written.
// CHECK-LABEL: gpu.func @matmul(
// CHECK-SAME:    known_grid_size = array<i32: 1, 1, 1>
// CHECK-COUNT-16: vector.fma
// CHECK-NOT:     vector.fma
// CHECK-COUNT-4: scf.if
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<5x7xf32>, %w: memref<7x9xf32>, %y: memref<5x9xf32>) {
    cnn.matmul %x, %w outs(%y) : (memref<5x7xf32>, memref<7x9xf32>, memref<5x9xf32>) -> ()
    return
  }
}
