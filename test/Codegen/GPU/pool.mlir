// RUN: convoy-opt %s --cnn-generate-gpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// A thread computes four channels of a pixel: 1 x 2 x 4 x 4 x 16 / 4 threads. The nine positions of the kernel
// are read without a branch. For a position outside of the map, another pixel is read and replaced by NaN,
// over which maxnumf passes.
// CHECK-LABEL: gpu.func @pool(
// CHECK-SAME:    known_block_size = array<i32: 128, 1, 1>, known_grid_size = array<i32: 1, 1, 1>
// CHECK-DAG:     %[[NAN:.+]] = arith.constant dense<0x7FC00000> : vector<4xf32>
// CHECK-NOT:     scf.for
// CHECK:         %[[INDEX:.+]] = arith.select %[[INSIDE:.+]], %{{.+}}, %{{.+}} : index
// CHECK-NEXT:    %[[LOADED:.+]] = vector.load %{{.+}}[%[[INDEX]]] {alignment = 16 : i64}
// CHECK-NEXT:    arith.select %[[INSIDE]], %[[LOADED]], %[[NAN]] : vector<4xf32>
// CHECK-COUNT-8: vector.load
// CHECK-NOT:     vector.load
// CHECK:         vector.store {{.+}} {alignment = 16 : i64}
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>, %x: memref<1x2x8x8x16xf32>, %y: memref<1x2x4x4x16xf32>) {
    cnn.max_pool %x outs(%y) {window = #cnn.window<[3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>}
        : (memref<1x2x8x8x16xf32>, memref<1x2x4x4x16xf32>) -> ()
    return
  }
}

// -----

// Plain data: a thread per element. No position is outside of the map, so there are no checks, and
// the mean is over all nine.
// CHECK-LABEL: gpu.func @pool(
// CHECK-DAG:     %[[NINE:.+]] = arith.constant 9.000000e+00 : f32
// CHECK-NOT:     arith.select
// CHECK-COUNT-9: memref.load
// CHECK:         arith.divf %{{.+}}, %[[NINE]] : f32
// CHECK:         memref.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>, %x: memref<1x3x7x7xf32>, %y: memref<1x3x3x3xf32>) {
    cnn.avg_pool %x outs(%y) {window = #cnn.window<[3, 3], strides = [2, 2]>} : (memref<1x3x7x7xf32>, memref<1x3x3x3xf32>) -> ()
    return
  }
}

// -----

// A large kernel has a loop over its rows. The mean divides by the number of pixels inside the map.
// CHECK-LABEL: gpu.func @pool(
// CHECK:         scf.for
// CHECK-COUNT-5:   arith.addf {{.+}} : vector<4xf32>
// CHECK:           scf.yield
// CHECK:         arith.sitofp
// CHECK:         arith.divf {{.+}} : vector<4xf32>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 4096 : i64} {
  func.func @main(%arena: memref<4096xi8>, %weights: memref<4096xi8>, %x: memref<1x1x9x9x16xf32>, %y: memref<1x1x9x9x16xf32>) {
    cnn.avg_pool %x outs(%y) {window = #cnn.window<[5, 5], pads = [2, 2, 2, 2]>} : (memref<1x1x9x9x16xf32>, memref<1x1x9x9x16xf32>) -> ()
    return
  }
}
