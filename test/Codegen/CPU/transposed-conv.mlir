// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-generate-cpu-kernels --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s

// Kernel 4, stride 2, pad 1: the even columns of the output need kernel columns 1 and 3, the odd ones 0 and
// 2. Each is 9 pixels of 2 vectors. The first even column has no input for kernel column 3, and the last
// odd column none for kernel column 0, so these have 8 pixels.
// CHECK:       cnn.launch @conv_transpose tasks(18)
// CHECK-LABEL: func.func private @conv_transpose(
// CHECK:         vector.load %{{.+}} : memref<32xf32>
// CHECK:         scf.for {{.+}} -> (vector<16xf32>
// CHECK-COUNT-16:  vector.fma
// CHECK:           scf.yield
// CHECK-COUNT-18:  vector.fma
// CHECK:           scf.yield
// CHECK-COUNT-18: vector.store
// CHECK-COUNT-18:  vector.fma
// CHECK:           scf.yield
// CHECK-COUNT-16:  vector.fma
// CHECK:           scf.yield
// CHECK-COUNT-18: vector.store
// CHECK-NOT:     vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x1x9x9x16xf32>,
      %w: memref<1x1x1x4x4x16x32xf32>, %b: memref<32xf32>, %y: memref<1x2x18x18x16xf32>) {
    cnn.conv_transpose %x, %w, %b outs(%y)
        {output_padding = array<i64: 0, 0>, filter_shape = array<i64: 16, 32, 4, 4>, output_block = 16 : i64,
        window = #cnn.window<[4, 4], strides = [2, 2], pads = [1, 1, 1, 1]>}
        : (memref<1x1x9x9x16xf32>, memref<1x1x1x4x4x16x32xf32>, memref<32xf32>, memref<1x2x18x18x16xf32>) -> ()
    return
  }
}

// -----

// Kernel 1, stride 2: odd columns have no input at all, so they are the activation of the bias.
// Plain results of groups go through a scratch tile.
// CHECK:       cnn.launch @conv_transpose tasks(22)
// CHECK-LABEL: func.func private @conv_transpose(
// CHECK:         memref.alloca() {alignment = 64 : i64} : memref<28x16xf32>
// CHECK-COUNT-6: vector.fma
// CHECK-NOT:     vector.fma
// CHECK-COUNT-6: vector.store
// CHECK:         memref.load %{{.+}} : memref<28x16xf32>
// CHECK-COUNT-5: vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x4x6x6xf32>,
      %w: memref<2x1x1x1x1x2x16xf32>, %b: memref<32xf32>, %y: memref<1x6x11x11xf32>) {
    cnn.conv_transpose %x, %w, %b outs(%y)
        {output_padding = array<i64: 0, 0>, filter_shape = array<i64: 4, 3, 1, 1>, group = 2 : i64,
        activation = #cnn.function<relu>, window = #cnn.window<[1, 1], strides = [2, 2]>}
        : (memref<1x4x6x6xf32>, memref<2x1x1x1x1x2x16xf32>, memref<32xf32>, memref<1x6x11x11xf32>) -> ()
    return
  }
}
