// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-generate-gpu-kernels --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s

// Depthwise: a thread computes four channels of a pixel from nine quads of inputs and of weights.
// CHECK-LABEL: gpu.func @group_conv(
// CHECK-SAME:    known_block_size = array<i32: 256, 1, 1>, known_grid_size = array<i32: 2, 1, 1>
// CHECK-NOT:     scf.for
// CHECK-COUNT-9: vector.fma
// CHECK-NOT:     vector.fma
// CHECK:         arith.select %{{.+}} : vector<4xi1>, vector<4xf32>
// CHECK:         vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<1x2x8x8x16xf32>,
      %w: memref<2x3x3x1x16xf32>, %b: memref<32xf32>, %y: memref<1x2x8x8x16xf32>) {
    cnn.group_conv %x, %w, %b outs(%y)
        {filter_shape = array<i64: 32, 1, 3, 3>, group = 32 : i64, output_block = 16 : i64,
        activation = #cnn.function<relu>, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (memref<1x2x8x8x16xf32>, memref<2x3x3x1x16xf32>, memref<32xf32>, memref<1x2x8x8x16xf32>) -> ()
    return
  }
}

// -----

// Groups of two: each lane needs both channels of its group.
// CHECK-LABEL: gpu.func @group_conv(
// CHECK:         vector.shuffle %[[X:.+]], %[[X]] [0, 0, 2, 2]
// CHECK:         vector.shuffle %[[X]], %[[X]] [1, 1, 3, 3]
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<1x1x8x8x16xf32>,
      %w: memref<1x1x1x2x16xf32>, %y: memref<1x1x8x8x16xf32>) {
    cnn.group_conv %x, %w outs(%y) {filter_shape = array<i64: 16, 2, 1, 1>, group = 8 : i64, output_block = 16 : i64,
        window = #cnn.window<[1, 1]>} : (memref<1x1x8x8x16xf32>, memref<1x1x1x2x16xf32>, memref<1x1x8x8x16xf32>) -> ()
    return
  }
}

// -----

// Groups of eight read two quads of inputs and eight of weights.
// CHECK-LABEL: gpu.func @group_conv(
// CHECK-COUNT-8: vector.load {{.+}} : memref<128xf32>, vector<4xf32>
// CHECK-COUNT-2: vector.load {{.+}} : memref<1024xf32>, vector<4xf32>
// CHECK-COUNT-8: vector.fma
// CHECK-NOT:     vector.fma
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<1x1x8x8x16xf32>,
      %w: memref<1x1x1x8x16xf32>, %y: memref<1x1x8x8x16xf32>) {
    cnn.group_conv %x, %w outs(%y) {filter_shape = array<i64: 16, 8, 1, 1>, group = 2 : i64, output_block = 16 : i64,
        window = #cnn.window<[1, 1]>} : (memref<1x1x8x8x16xf32>, memref<1x1x1x8x16xf32>, memref<1x1x8x8x16xf32>) -> ()
    return
  }
}

// -----

// If there are many pixels, a thread computes four of a row. For three kernel columns they need six
// inputs, in each of three rows.
// CHECK-LABEL: gpu.func @group_conv(
// CHECK-SAME:    known_grid_size = array<i32: 2048, 1, 1>
// CHECK-COUNT-18: vector.load {{.+}} : memref<8388608xf32>, vector<4xf32>
// CHECK-COUNT-4: vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<1x8x256x256x16xf32>,
      %w: memref<8x3x3x1x16xf32>, %y: memref<1x8x256x256x16xf32>) {
    cnn.group_conv %x, %w outs(%y) {filter_shape = array<i64: 128, 1, 3, 3>, group = 128 : i64,
        output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (memref<1x8x256x256x16xf32>, memref<8x3x3x1x16xf32>, memref<1x8x256x256x16xf32>) -> ()
    return
  }
}
