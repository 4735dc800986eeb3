// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-generate-gpu-kernels --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s

// Plain data of one dimension: a thread per element. It reads one lane of the filter's tile.
// CHECK-LABEL: gpu.func @group_conv(
// CHECK-SAME:    known_block_size = array<i32: 160, 1, 1>, known_grid_size = array<i32: 1, 1, 1>
// CHECK-COUNT-3: math.fma {{.+}} : f32
// CHECK-NOT:     math.fma
// CHECK:         memref.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<1x5x32xf32>,
      %w: memref<5x1x1x3x1x32xf32>, %y: memref<1x5x32xf32>) {
    cnn.group_conv %x, %w outs(%y) {filter_shape = array<i64: 5, 1, 3>, group = 5 : i64,
        window = #cnn.window<[3], pads = [1, 1]>}
        : (memref<1x5x32xf32>, memref<5x1x1x3x1x32xf32>, memref<1x5x32xf32>) -> ()
    return
  }
}

// -----

// The loop is over the input channels of a group.
// CHECK-LABEL: gpu.func @group_conv(
// CHECK:         scf.for
// CHECK-COUNT-9:   math.fma
// CHECK:           scf.yield
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<1x6x8x8xf32>,
      %w: memref<2x1x1x3x3x3x32xf32>, %b: memref<64xf32>, %y: memref<1x4x8x8xf32>) {
    cnn.group_conv %x, %w, %b outs(%y)
        {filter_shape = array<i64: 4, 3, 3, 3>, group = 2 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (memref<1x6x8x8xf32>, memref<2x1x1x3x3x3x32xf32>, memref<64xf32>, memref<1x4x8x8xf32>) -> ()
    return
  }
}
