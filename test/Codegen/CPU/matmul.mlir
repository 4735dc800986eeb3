// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// 197 columns are 6 tiles of two vectors and one of 5 columns; 197 rows are 16 tiles of 12 rows and
// one of 5: 12 * 7 * 17 tasks. Tasks with the same tile of columns follow each other.
// CHECK:       cnn.launch @matmul tasks(1428)
// CHECK-LABEL: func.func private @matmul(
// CHECK:         scf.if
// CHECK:           scf.if
// CHECK:             scf.for
// CHECK:               vector.maskedload
// CHECK-COUNT-5:       vector.fma
// CHECK-NOT:           vector.fma
// CHECK:             else
// CHECK:               scf.for
// CHECK-COUNT-10:      vector.fma
// CHECK-NOT:           vector.fma
// CHECK:         else
// CHECK:           scf.if
// CHECK-COUNT-12:      vector.fma
// CHECK:           else
// CHECK-COUNT-2:       vector.load
// CHECK-COUNT-24:      vector.fma
// CHECK-NOT:           vector.fma
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<12x197x64xf32>, %w: memref<12x64x197xf32>,
      %y: memref<12x197x197xf32>) {
    cnn.matmul %x, %w outs(%y) : (memref<12x197x64xf32>, memref<12x64x197xf32>, memref<12x197x197xf32>) -> ()
    return
  }
}

// -----

// The batches of the operands, 2 and 3, are broadcast. A tile of a single row has more vectors,
// here all four of the row.
// CHECK:       cnn.launch @matmul tasks(1)
// CHECK-LABEL: func.func private @matmul(
// CHECK-DAG:     %[[LHS:.+]] = memref.reinterpret_cast %{{.+}} sizes: [2, 1, 7]
// CHECK-DAG:     memref.reinterpret_cast %{{.+}} sizes: [6, 1, 64]
// CHECK-DAG:     %[[OF_RHS:.+]] = arith.remui %[[BATCH:.+]], %c3
// CHECK-DAG:     %[[OF_LHS:.+]] = arith.divui %[[BATCH]], %c3
// CHECK:         scf.for {{.+}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK:           vector.load %{{.+}}[%[[OF_RHS]],
// CHECK:           memref.load %[[LHS]][%[[OF_LHS]],
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<2x1x1x7xf32>, %w: memref<3x7x64xf32>, %y: memref<2x3x1x64xf32>) {
    cnn.matmul %x, %w outs(%y) : (memref<2x1x1x7xf32>, memref<3x7x64xf32>, memref<2x3x1x64xf32>) -> ()
    return
  }
}
