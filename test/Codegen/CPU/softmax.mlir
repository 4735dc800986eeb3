// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// Along the last dimension: 1000 elements are 15 * 4 vectors, 2 vectors and 8 elements. The lanes
// past the end count as -inf for the maximum and as zero for the sum.
// CHECK:       cnn.launch @softmax tasks(8)
// CHECK-LABEL: func.func private @softmax(
// CHECK-DAG:     %[[LOWEST:.+]] = arith.constant dense<0xFF800000> : vector<16xf32>
// CHECK:         scf.for {{.+}} iter_args({{.+}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-COUNT-4:   arith.cmpf olt
// CHECK:         vector.maskedload %{{.+}}, %[[LOWEST]]
// CHECK:         vector.broadcast %{{.+}} : f32 to vector<16xf32>
// CHECK:         scf.for
// CHECK-COUNT-4:   math.exp
// CHECK-COUNT-3: math.exp
// CHECK:         vector.maskedstore
// CHECK:         vector.shuffle %{{.+}} [0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31]
// CHECK:         arith.divf %{{.+}} : f32
// CHECK:         scf.for
// CHECK-COUNT-4:   arith.mulf
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<8x1000xf32>, %y: memref<8x1000xf32>) {
    cnn.softmax %x outs(%y) {axis = 1 : i64} : (memref<8x1000xf32>, memref<8x1000xf32>) -> ()
    return
  }
}

// -----

// Along another dimension: each lane is a softmax of its own, and there are no shuffles. The map is
// cut into pieces of 4 vectors.
// CHECK:       cnn.launch @softmax tasks(32)
// CHECK-LABEL: func.func private @softmax(
// CHECK-NOT:     vector.shuffle
// CHECK-NOT:     masked
// CHECK-COUNT-4: math.exp
// CHECK-NOT:     math.exp
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x21x64x64xf32>, %y: memref<1x21x64x64xf32>) {
    cnn.softmax %x outs(%y) {axis = 1 : i64} : (memref<1x21x64x64xf32>, memref<1x21x64x64xf32>) -> ()
    return
  }
}
