// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --split-input-file | FileCheck %s

// The rows are tasks, the columns a loop.
// CHECK:       cnn.launch @compute tasks(80)
// CHECK:       func.func private @compute(%[[BEGIN:.+]]: index, %[[END:.+]]: index,
// CHECK-SAME:      %[[X:.+]]: memref<80x50xf32>, %[[Y:.+]]: memref<80x50xf32>)
// CHECK:       scf.for %[[ROW:.+]] = %[[BEGIN]] to %[[END]]
// CHECK-NEXT:    scf.for %[[COLUMN:.+]] = %c0 to %c50
// CHECK-NEXT:      %[[FROM:.+]] = arith.subi %c49, %[[COLUMN]]
// CHECK-NEXT:      %[[VALUE:.+]] = memref.load %[[X]][%[[ROW]], %[[FROM]]]
// CHECK-NEXT:      memref.store %[[VALUE]], %[[Y]][%[[ROW]], %[[COLUMN]]]
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 524288>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>, %x: memref<80x50xf32>, %y: memref<80x50xf32>) {
    cnn.compute "reverse" points [80, 50] %x outs(%y) : (memref<80x50xf32>, memref<80x50xf32>) -> () {
    ^bb0(%i: index, %j: index, %in: memref<80x50xf32>, %out: memref<80x50xf32>):
      %last = arith.constant 49 : index
      %from = arith.subi %last, %j : index
      %value = memref.load %in[%i, %from] : memref<80x50xf32>
      memref.store %value, %out[%i, %j] : memref<80x50xf32>
    }
    return
  }
}

// -----

// Little data are one task.
// CHECK:       cnn.launch @compute tasks(1)
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 524288>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>, %x: memref<8x5xf32>, %y: memref<8x5xf32>) {
    cnn.compute "reverse" points [8, 5] %x outs(%y) : (memref<8x5xf32>, memref<8x5xf32>) -> () {
    ^bb0(%i: index, %j: index, %in: memref<8x5xf32>, %out: memref<8x5xf32>):
      %last = arith.constant 4 : index
      %from = arith.subi %last, %j : index
      %value = memref.load %in[%i, %from] : memref<8x5xf32>
      memref.store %value, %out[%i, %j] : memref<8x5xf32>
    }
    return
  }
}
