// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// Blocked: a task is a block of channels. Its 3 x 7 pixels are added eight at a time, and then the
// last five. No value moves to another lane.
// CHECK:       cnn.launch @global_pool tasks(128)
// CHECK-LABEL: func.func private @global_pool(
// CHECK-DAG:     %[[COUNT:.+]] = arith.constant dense<2.100000e+01> : vector<16xf32>
// CHECK:         %[[SUMS:.+]]:8 = scf.for
// CHECK-COUNT-8:   vector.load %{{.+}} : memref<1x128x336xf32>, vector<16xf32>
// CHECK:           scf.yield
// CHECK-COUNT-5: vector.load
// CHECK-NOT:     vector.load
// CHECK-NOT:     vector.shuffle
// CHECK:         %[[MEAN:.+]] = arith.divf %{{.+}}, %[[COUNT]]
// CHECK:         vector.store %[[MEAN]]
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x128x3x7x16xf32>, %y: memref<1x128x1x1x16xf32>) {
    cnn.global_pool <average> %x outs(%y) {blocked} : (memref<1x128x3x7x16xf32>, memref<1x128x1x1x16xf32>) -> ()
    return
  }
}

// -----

// Plain: 49 pixels are three vectors and one lane of a fourth, whose other lanes are -inf. Then a
// tree of shuffles finds the maximum of the lanes. If that is -inf, there may be only NaNs, and the
// channel is computed once more. Little data is one task.
// CHECK:       cnn.launch @global_pool tasks(1)
// CHECK-LABEL: func.func private @global_pool(
// CHECK-DAG:     %[[LOWEST:.+]] = arith.constant dense<0xFF800000> : vector<16xf32>
// CHECK-COUNT-3: vector.load
// CHECK:         vector.maskedload %{{.+}}, %[[LOWEST]]
// CHECK:         vector.shuffle %{{.+}} [0, 1, 2, 3, 4, 5, 6, 7]
// CHECK:         vector.shuffle %{{.+}} [0] :
// CHECK:         vector.shuffle %{{.+}} [1] :
// CHECK:         memref.store %[[LARGEST:[0-9]+]], %{{.+}} : memref<1x20x1xf32>
// CHECK:         arith.cmpf oeq, %[[LARGEST]], %{{.+}} : f32
// CHECK:         scf.if
// CHECK-COUNT-7:   arith.maxnumf
// CHECK:           memref.store %{{.+}} : memref<1x20x1xf32>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x20x7x7xf32>, %y: memref<1x20x1x1xf32>) {
    cnn.global_pool <maximum> %x outs(%y) : (memref<1x20x7x7xf32>, memref<1x20x1x1xf32>) -> ()
    return
  }
}
