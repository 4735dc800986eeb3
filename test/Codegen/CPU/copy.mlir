// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --cse | FileCheck %s

// A copy from a view, row by row. A row is the longest part that is contiguous on both sides.
// CHECK:       cnn.launch @copy tasks(1)
// CHECK-LABEL: func.func private @copy(
// CHECK:         memref.reinterpret_cast %{{.+}} to offset: [163], sizes: [2, 3, 10], strides: [120, 20, 1]
// CHECK:         memref.reinterpret_cast %{{.+}} to offset: [0], sizes: [2, 3, 10], strides: [30, 10, 1]
// CHECK:         vector.maskedload
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<4x6x20xf32>, %y: memref<2x3x10xf32>) {
    %slice = memref.subview %x[1, 2, 3] [2, 3, 10] [1, 1, 1] : memref<4x6x20xf32> to memref<2x3x10xf32, strided<[120, 20, 1], offset: 163>>
    memref.copy %slice, %y : memref<2x3x10xf32, strided<[120, 20, 1], offset: 163>> to memref<2x3x10xf32>
    return
  }
}
