// RUN: convoy-opt %s --cnn-generate-gpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// To blocked data, 64 pixels of a block of channels at a time: they are read along pixels into shared
// memory, and written from there along channels, 16 bytes at a time.
// CHECK-LABEL: gpu.func @reorder(
// CHECK-SAME:    workgroup(%[[TILE:.+]] : memref<1088xf32
// CHECK-SAME:    known_block_size = array<i32: 256, 1, 1>, known_grid_size = array<i32: 2, 2, 3>
// CHECK:         memref.load %reinterpret_cast
// CHECK:         memref.store %{{.+}}, %[[TILE]]
// CHECK:         gpu.barrier
// CHECK-COUNT-4: memref.load %[[TILE]]
// CHECK:         vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>, %x: memref<3x32x8x16xf32>, %y: memref<3x2x8x16x16xf32>) {
    cnn.reorder %x outs(%y) {block = 16 : i64} : (memref<3x32x8x16xf32>, memref<3x2x8x16x16xf32>) -> ()
    return
  }
}

// -----

// To plain data: channels past the last are not written.
// CHECK-LABEL: gpu.func @reorder(
// CHECK-DAG:     %[[CHANNELS:.+]] = arith.constant 20 : index
// CHECK:         vector.load
// CHECK:         gpu.barrier
// CHECK:         arith.cmpi ult, %{{.+}}, %[[CHANNELS]]
// CHECK:         scf.if
// CHECK:           memref.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>, %x: memref<1x2x8x8x16xf32>, %y: memref<1x20x8x8xf32>) {
    cnn.reorder %x outs(%y) {block = 0 : i64, channels = 20 : i64} : (memref<1x2x8x8x16xf32>, memref<1x20x8x8xf32>) -> ()
    return
  }
}

// -----

// Small maps: a thread per element. With a shuffle of 3, channel c is channel c % 3 * 6 + c / 3 of the
// input; after the last channel there are zeros.
// CHECK-LABEL: gpu.func @reorder(
// CHECK-NOT:     gpu.barrier
// CHECK-DAG:     arith.remui %[[CHANNEL:.+]], %c3
// CHECK-DAG:     arith.divui %[[CHANNEL]], %c3
// CHECK:         memref.load
// CHECK:         arith.select %{{.+}}, %{{.+}}, %cst : f32
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>, %x: memref<1x18x3x3xf32>, %y: memref<1x2x3x3x16xf32>) {
    cnn.reorder %x outs(%y) {block = 16 : i64, shuffle = 3 : i64} : (memref<1x18x3x3xf32>, memref<1x2x3x3x16xf32>) -> ()
    return
  }
}
