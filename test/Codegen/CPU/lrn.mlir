// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// Blocked, as in AlexNet. Shuffles bring in the channels of the window of 5 that belong to the blocks
// before and after; blocks outside of the data count as zero. The exponent 3/4 needs two square roots.
// CHECK:       cnn.launch @lrn tasks(36)
// CHECK-LABEL: func.func private @lrn(
// CHECK-DAG:     %[[ZERO:.+]] = arith.constant dense<0.000000e+00> : vector<16xf32>
// CHECK:         %[[X:.+]] = vector.load
// CHECK:         %[[BEFORE:.+]] = arith.select %{{.+}}, %{{.+}}, %[[ZERO]] : vector<16xf32>
// CHECK:         %[[HERE:.+]] = arith.mulf %[[X]], %[[X]]
// CHECK:         vector.shuffle %[[BEFORE]], %[[HERE]] [14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29]
// CHECK:         vector.shuffle %[[BEFORE]], %[[HERE]] [15, 16,
// CHECK:         %[[BEHIND:.+]] = arith.select %{{.+}}, %{{.+}}, %[[ZERO]] : vector<16xf32>
// CHECK:         vector.shuffle %[[HERE]], %[[BEHIND]] [1, 2,
// CHECK:         vector.shuffle %[[HERE]], %[[BEHIND]] [2, 3,
// CHECK:         %[[T:.+]] = math.fma
// CHECK:         %[[ROOT:.+]] = math.sqrt %[[T]]
// CHECK:         %[[FOURTH:.+]] = math.sqrt %[[ROOT]]
// CHECK:         %[[POWER:.+]] = arith.mulf %[[ROOT]], %[[FOURTH]]
// CHECK:         arith.divf %[[X]], %[[POWER]]
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x6x27x27x16xf32>, %y: memref<1x6x27x27x16xf32>) {
    cnn.lrn %x outs(%y) {size = 5 : i64, alpha = 1.0e-4 : f32, beta = 0.75 : f32, bias = 1.0 : f32, blocked}
        : (memref<1x6x27x27x16xf32>, memref<1x6x27x27x16xf32>) -> ()
    return
  }
}

// -----

// Plain: vectors of pixels, a loop over the channels of the window, and a mask at the end of the
// row. Other exponents need the logarithm.
// CHECK:       cnn.launch @lrn tasks(1)
// CHECK-LABEL: func.func private @lrn(
// CHECK:         vector.load
// CHECK:         arith.maxsi
// CHECK:         arith.minsi
// CHECK:         scf.for {{.+}} -> (vector<16xf32>)
// CHECK:           vector.fma
// CHECK:         math.log
// CHECK:         math.exp
// CHECK-NOT:     math.sqrt
// CHECK:         vector.maskedload
// CHECK:         vector.maskedstore
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x7x5x5xf32>, %y: memref<1x7x5x5xf32>) {
    cnn.lrn %x outs(%y) {size = 4 : i64, alpha = 1.0e-4 : f32, beta = 0.6 : f32, bias = 1.0 : f32}
        : (memref<1x7x5x5xf32>, memref<1x7x5x5xf32>) -> ()
    return
  }
}
