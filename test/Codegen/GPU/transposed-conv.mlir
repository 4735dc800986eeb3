// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-generate-gpu-kernels --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s

// Blocked data: a thread computes a quad of channels of a pixel. In each dimension it uses every second
// position of the kernel; the innermost loop is over quads of inputs.
// CHECK-LABEL: gpu.func @conv_transpose(
// CHECK-SAME:    known_block_size = array<i32: 256, 1, 1>, known_grid_size = array<i32: 1, 1, 1>
// CHECK:         scf.for
// CHECK:           scf.if
// CHECK:             scf.for
// CHECK:               scf.for
// CHECK:                 vector.load {{.+}} : memref<256xf32>, vector<4xf32>
// CHECK-COUNT-4:         vector.load {{.+}} : memref<4096xf32>, vector<4xf32>
// CHECK:         vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<1x1x4x4x16xf32>,
      %w: memref<1x1x1x4x4x16x16xf32>, %y: memref<1x1x8x8x16xf32>) {
    cnn.conv_transpose %x, %w outs(%y)
        {output_padding = array<i64: 0, 0>, filter_shape = array<i64: 16, 16, 4, 4>, output_block = 16 : i64,
        window = #cnn.window<[4, 4], strides = [2, 2], pads = [1, 1, 1, 1]>}
        : (memref<1x1x4x4x16xf32>, memref<1x1x1x4x4x16x16xf32>, memref<1x1x8x8x16xf32>) -> ()
    return
  }
}

// -----

// Plain data: three input channels, one by one. Only those outputs of a quad are stored that exist.
// CHECK-LABEL: gpu.func @conv_transpose(
// CHECK-COUNT-3: memref.load
// CHECK-COUNT-3: vector.fma
// CHECK-NOT:     vector.fma
// CHECK-COUNT-4: memref.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<1x3x4xf32>,
      %w: memref<1x1x1x3x3x16xf32>, %y: memref<1x5x6xf32>) {
    cnn.conv_transpose %x, %w outs(%y)
        {output_padding = array<i64: 0>, filter_shape = array<i64: 3, 5, 3>, window = #cnn.window<[3]>}
        : (memref<1x3x4xf32>, memref<1x1x1x3x3x16xf32>, memref<1x5x6xf32>) -> ()
    return
  }
}
