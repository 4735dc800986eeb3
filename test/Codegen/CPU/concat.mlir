// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// The channels of a single image are one row, which is cut into pieces. Every task copies its
// piece of each input, four vectors per step.
// CHECK:       cnn.launch @concat tasks(32)
// CHECK-LABEL: func.func private @concat(
// CHECK:         scf.for
// CHECK-COUNT-4:   vector.load %{{.+}} : memref<1x65536xf32>, vector<16xf32>
// CHECK-COUNT-4:   vector.store %{{.+}} : memref<1x98304xf32>, vector<16xf32>
// CHECK:         scf.for
// CHECK-COUNT-4:   vector.load %{{.+}} : memref<1x32768xf32>, vector<16xf32>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %a: memref<1x64x32x32xf32>,
      %b: memref<1x32x32x32xf32>, %y: memref<1x96x32x32xf32>) {
    cnn.concat %a, %b outs(%y) {axis = 1 : i64} : (memref<1x64x32x32xf32>, memref<1x32x32x32xf32>, memref<1x96x32x32xf32>) -> ()
    return
  }
}

// -----

// Short rows of another type: one task copies all rows. The ends of rows are masked.
// CHECK:       cnn.launch @concat tasks(1)
// CHECK-LABEL: func.func private @concat(
// CHECK:         vector.maskedload %{{.+}} : memref<3x5xi64>, vector<8xi1>, vector<8xi64> into vector<8xi64>
// CHECK:         vector.maskedstore
// CHECK:         vector.load %{{.+}} : memref<3x9xi64>, vector<8xi64>
// CHECK:         vector.maskedload
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %a: memref<3x5xi64>, %b: memref<3x9xi64>, %y: memref<3x14xi64>) {
    cnn.concat %a, %b outs(%y) {axis = 1 : i64} : (memref<3x5xi64>, memref<3x9xi64>, memref<3x14xi64>) -> ()
    return
  }
}

// -----

// Booleans are bytes in memory but bits in a vector, so they are copied one at a time.
// CHECK-LABEL: func.func private @concat(
// CHECK-NOT:     vector
// CHECK:         memref.load
// CHECK:         memref.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %a: memref<5xi1>, %b: memref<2xi1>, %y: memref<7xi1>) {
    cnn.concat %a, %b outs(%y) {axis = 0 : i64} : (memref<5xi1>, memref<2xi1>, memref<7xi1>) -> ()
    return
  }
}
