// RUN: convoy-opt %s --cnn-generate-gpu-kernels --canonicalize | FileCheck %s

// A thread moves an element.
// CHECK:      gpu.func @compute(%[[X:.+]]: memref<80x50xf32>, %[[Y:.+]]: memref<80x50xf32>)
// CHECK:      arith.remui %{{.+}}, %c50
// CHECK-NEXT: arith.divui %{{.+}}, %c50
// CHECK:      %[[VALUE:.+]] = memref.load %[[X]]
// CHECK-NEXT: memref.store %[[VALUE]], %[[Y]]
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 4096 : i64} {
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
