// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

#target = #cnn.target<triple = "aarch64-linux-gnu", cpu = "neoverse-n1", features = "", vector_lanes = 4,
    vector_registers = 32, l2 = 1048576>

// To blocked data with 4 lanes: squares of 4 channels by 4 pixels are transposed in log2(4) steps. The
// second block has one channel and zeros, and the last square has one pixel.
// CHECK:       cnn.launch @reorder tasks(1)
// CHECK-LABEL: func.func private @reorder(
// CHECK-DAG:     %[[ZERO:.+]] = arith.constant dense<0.000000e+00> : vector<4xf32>
// CHECK:         scf.if
// CHECK:           scf.for
// CHECK-COUNT-1:     vector.load
// CHECK:             vector.shuffle %{{.+}}, %[[ZERO]]
// CHECK-COUNT-4:     vector.store
// CHECK:           vector.maskedload
// CHECK-COUNT-1:   vector.store
// CHECK:         else
// CHECK:           scf.for
// CHECK:             %[[A:.+]] = vector.load
// CHECK:             %[[B:.+]] = vector.load
// CHECK:             %[[C:.+]] = vector.load
// CHECK:             %[[D:.+]] = vector.load
// CHECK:             %[[AB0:.+]] = vector.shuffle %[[A]], %[[B]] [0, 4, 2, 6]
// CHECK:             %[[AB1:.+]] = vector.shuffle %[[A]], %[[B]] [1, 5, 3, 7]
// CHECK:             %[[CD0:.+]] = vector.shuffle %[[C]], %[[D]] [0, 4, 2, 6]
// CHECK:             %[[CD1:.+]] = vector.shuffle %[[C]], %[[D]] [1, 5, 3, 7]
// CHECK:             %[[P0:.+]] = vector.shuffle %[[AB0]], %[[CD0]] [0, 1, 4, 5]
// CHECK:             %[[P2:.+]] = vector.shuffle %[[AB0]], %[[CD0]] [2, 3, 6, 7]
// CHECK:             %[[P1:.+]] = vector.shuffle %[[AB1]], %[[CD1]] [0, 1, 4, 5]
// CHECK:             %[[P3:.+]] = vector.shuffle %[[AB1]], %[[CD1]] [2, 3, 6, 7]
// CHECK:             vector.store %[[P0]]
// CHECK:             vector.store %[[P1]]
// CHECK:             vector.store %[[P2]]
// CHECK:             vector.store %[[P3]]
// CHECK-COUNT-4:   vector.maskedload
module attributes {cnn.target = #target} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x5x3x3xf32>, %y: memref<1x2x3x3x4xf32>) {
    cnn.reorder %x outs(%y) {block = 4 : i64} : (memref<1x5x3x3xf32>, memref<1x2x3x3x4xf32>) -> ()
    return
  }
}

// -----

#target = #cnn.target<triple = "aarch64-linux-gnu", cpu = "neoverse-n1", features = "", vector_lanes = 4,
    vector_registers = 32, l2 = 1048576>

// To plain data: only the three channels that exist are written, so that one of eight shuffles is not
// needed. A large map is cut into pieces.
// CHECK:       cnn.launch @reorder tasks(32)
// CHECK-LABEL: func.func private @reorder(
// CHECK:         arith.minsi
// CHECK:         scf.for
// CHECK-COUNT-4:   vector.load
// CHECK-COUNT-7:   vector.shuffle
// CHECK-COUNT-3:   vector.store
// CHECK-NOT:       vector.store
module attributes {cnn.target = #target} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x1x128x128x4xf32>, %y: memref<1x3x128x128xf32>) {
    cnn.reorder %x outs(%y) {block = 0 : i64, channels = 3 : i64} : (memref<1x1x128x128x4xf32>, memref<1x3x128x128xf32>) -> ()
    return
  }
}

// -----

#target = #cnn.target<triple = "aarch64-linux-gnu", cpu = "neoverse-n1", features = "", vector_lanes = 4,
    vector_registers = 32, l2 = 1048576>

// Channel c of the result is channel c % 2 * 4 + c / 2 of the input.
// CHECK-LABEL: func.func private @reorder(
// CHECK-DAG:     %[[TWO:.+]] = arith.constant 2 : index
// CHECK-DAG:     %[[FOUR:.+]] = arith.constant 4 : index
// CHECK:         %[[C:.+]] = arith.muli %{{.+}}, %[[FOUR]]
// CHECK:         %[[J:.+]] = arith.remui %[[C]], %[[TWO]]
// CHECK:         %[[I:.+]] = arith.divui %[[C]], %[[TWO]]
// CHECK:         %[[G:.+]] = arith.muli %[[J]], %[[FOUR]]
// CHECK:         %[[S:.+]] = arith.addi %[[G]], %[[I]]
// CHECK:         vector.load %{{.+}}[%{{.+}}, %[[S]], %{{.+}}]
module attributes {cnn.target = #target} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x8x4x4xf32>, %y: memref<1x2x4x4x4xf32>) {
    cnn.reorder %x outs(%y) {block = 4 : i64, shuffle = 2 : i64} : (memref<1x8x4x4xf32>, memref<1x2x4x4x4xf32>) -> ()
    return
  }
}
