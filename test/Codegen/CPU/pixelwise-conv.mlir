// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-generate-cpu-kernels --canonicalize --cse | FileCheck %s

// The 18 output channels of a group are two tiles of 9. A task has two vectors of the 40 pixels, or the
// 8 that are left. A step loads the pixels of an input channel and broadcasts a weight per output channel.
// CHECK:         cnn.launch @pixelwise_conv tasks(8)
// CHECK-LABEL: func.func private @pixelwise_conv(
// The last task of a row: 8 pixels.
// CHECK:         scf.if
// CHECK:           memref.load %{{.+}} : memref<36xf32>
// CHECK:           scf.for {{.+}} -> (vector<16xf32>
// CHECK:             vector.{{maskedload|load}}
// CHECK-COUNT-9:     vector.fma
// CHECK:             scf.yield
// CHECK-NOT:         vector.fma
// The other tasks: 32 pixels.
// CHECK:         } else {
// CHECK:           scf.for {{.+}} -> (vector<16xf32>
// CHECK-COUNT-2:     vector.load
// CHECK-COUNT-18:    vector.fma
// CHECK:             scf.yield
// CHECK-COUNT-18:  vector.store
// CHECK-NOT:       vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<2x12x4x10xf32>,
      %w: memref<2x2x1x1x1x6x9xf32>, %b: memref<36xf32>, %y: memref<2x36x4x10xf32>) {
    cnn.group_conv %x, %w, %b outs(%y)
        {group = 2 : i64, filter_shape = array<i64: 36, 6, 1, 1>, window = #cnn.window<[1, 1]>}
        : (memref<2x12x4x10xf32>, memref<2x2x1x1x1x6x9xf32>, memref<36xf32>, memref<2x36x4x10xf32>) -> ()
    return
  }
}
