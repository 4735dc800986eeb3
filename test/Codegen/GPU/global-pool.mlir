// RUN: convoy-opt %s --cnn-generate-gpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// A block of threads per block of channels. Its 49 pixels have four quads; a thread reads one quad of every
// eighth pixel. Lanes with the same quad add up by shuffles. A single warp needs no shared memory.
// CHECK-LABEL: gpu.func @global_pool(
// CHECK-NOT:     workgroup
// CHECK-SAME:    known_block_size = array<i32: 32, 1, 1>, known_grid_size = array<i32: 3, 1, 1>
// CHECK-DAG:     %[[COUNT:.+]] = arith.constant dense<4.900000e+01> : vector<4xf32>
// CHECK-COUNT-12: gpu.shuffle xor
// CHECK-NOT:     gpu.shuffle
// CHECK:         arith.divf %{{.+}}, %[[COUNT]]
// CHECK:         scf.if
// CHECK:           vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>, %x: memref<1x3x7x7x16xf32>, %y: memref<1x3x1x1x16xf32>) {
    cnn.global_pool #cnn.pool_kind<average> %x outs(%y) {blocked} : (memref<1x3x7x7x16xf32>, memref<1x3x1x1x16xf32>) -> ()
    return
  }
}

// -----

// A large map has 256 threads. Their warps combine their results in shared memory.
// CHECK-LABEL: gpu.func @global_pool(
// CHECK-SAME:    workgroup(%[[SHARED:.+]] : memref<8xf32
// CHECK:         scf.for
// CHECK-COUNT-4:   memref.load
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK:         memref.store %{{.+}}, %[[SHARED]]
// CHECK:         gpu.barrier
// CHECK-COUNT-8: memref.load %[[SHARED]]
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>, %x: memref<1x2x64x64xf32>, %y: memref<1x2x1x1xf32>) {
    cnn.global_pool #cnn.pool_kind<maximum> %x outs(%y) : (memref<1x2x64x64xf32>, memref<1x2x1x1xf32>) -> ()
    return
  }
}
