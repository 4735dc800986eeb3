// RUN: convoy-opt %s --cnn-generate-gpu-kernels --split-input-file --verify-diagnostics

// If the filter or the bias differs from the schedule, or there is no schedule, no kernel is generated.

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "", vector_lanes = 16,
    vector_registers = 32, l2 = 1048576, gpu = <cuda, [80]>>

module attributes {cnn.target = #target, cnn.arena_size = 64 : i64, cnn.weights_size = 64 : i64} {
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>, %x: memref<1x4xf32>, %w: memref<1x4x32xf32>, %y: memref<1x3xf32>) {
    // expected-error @below {{its filter is memref<1x4x32xf32>, but its schedule names #cnn.filter_layout<dense, 1x4x16xf32>}}
    cnn.dense %x, %w outs(%y) {filter_shape = array<i64: 3, 4>,
        schedule = #cnn.schedule<dense, tile = 1x1x16, filter = <dense, 1x4x16xf32>>}
      : (memref<1x4xf32>, memref<1x4x32xf32>, memref<1x3xf32>) -> ()
    return
  }
}

// -----

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "", vector_lanes = 16,
    vector_registers = 32, l2 = 1048576, gpu = <cuda, [80]>>

module attributes {cnn.target = #target, cnn.arena_size = 64 : i64, cnn.weights_size = 64 : i64} {
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>, %x: memref<1x4xf32>, %w: memref<1x4x16xf32>,
      %b: memref<3xf32>, %y: memref<1x3xf32>) {
    // expected-error @below {{has no GPU kernel: its bias is memref<3xf32>, but its schedule needs 16 f32}}
    cnn.dense %x, %w, %b outs(%y) {filter_shape = array<i64: 3, 4>,
        schedule = #cnn.schedule<dense, tile = 1x1x16, filter = <dense, 1x4x16xf32>>}
      : (memref<1x4xf32>, memref<1x4x16xf32>, memref<3xf32>, memref<1x3xf32>) -> ()
    return
  }
}

// -----

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "", vector_lanes = 16,
    vector_registers = 32, l2 = 1048576, gpu = <cuda, [80]>>

module attributes {cnn.target = #target, cnn.arena_size = 64 : i64, cnn.weights_size = 64 : i64} {
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>, %x: memref<1x4xf32>, %w: memref<1x4x16xf32>, %y: memref<1x3xf32>) {
    // expected-error @below {{has no GPU kernel: it has no schedule, which cnn-select-algorithm gives}}
    cnn.dense %x, %w outs(%y) {filter_shape = array<i64: 3, 4>} : (memref<1x4xf32>, memref<1x4x16xf32>, memref<1x3xf32>) -> ()
    return
  }
}
