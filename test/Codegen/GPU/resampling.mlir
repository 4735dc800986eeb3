// RUN: convoy-opt %s --cnn-generate-gpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// A negative index counts from the end. An index is clamped before it is converted, as that drops bits.
// CHECK-LABEL: gpu.func @gather(
// CHECK:         %[[NUMBER:.+]] = memref.load {{.+}} : memref<3xi64>
// CHECK:         arith.addi %[[NUMBER]], %c5_i64
// CHECK:         %[[UPPER:.+]] = arith.maxsi
// CHECK:         %[[INSIDE:.+]] = arith.minsi %[[UPPER]], %c4_i64
// CHECK:         arith.index_cast %[[INSIDE]] : i64 to index
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<2x5x3xf32>, %i: memref<3xi64>, %y: memref<2x3x3xf32>) {
    cnn.gather %x, %i outs(%y) {axis = 1 : i64} : (memref<2x5x3xf32>, memref<3xi64>, memref<2x3x3xf32>) -> ()
    return
  }
}

// -----

// Linear: four neighbours. Coordinates are computed in f32.
// CHECK-LABEL: gpu.func @resize(
// CHECK:         arith.divf {{.+}} : f32
// CHECK:         arith.fptosi
// CHECK-COUNT-4: memref.load
// CHECK-NOT:     memref.load
// CHECK:         memref.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>, %x: memref<1x2x3x3xf32>, %y: memref<1x2x6x6xf32>) {
    cnn.resize #cnn.resize_mode<linear> %x outs(%y)
        {shape = array<i64: 1, 2, 6, 6>, scales = array<f32: 1.0, 1.0, 2.0, 2.0>,
        coordinates = #cnn.coordinate_mode<half_pixel>, nearest = #cnn.nearest_mode<floor>}
        : (memref<1x2x3x3xf32>, memref<1x2x6x6xf32>) -> ()
    return
  }
}

// -----

// Nearest on blocked data in the arena: a thread per quad of channels.
// CHECK-LABEL: gpu.func @resize(
// CHECK-SAME:    known_block_size = array<i32: 160, 1, 1>, known_grid_size = array<i32: 1, 1, 1>
// CHECK:         math.floor
// CHECK:         vector.load
// CHECK-NOT:     vector.load
// CHECK:         vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 524288, gpu = <cuda, [80]>>, cnn.arena_size = 65536 : i64} {
  func.func @main(%arena: memref<65536xi8>, %weights: memref<4096xi8>) {
    %c0 = arith.constant 0 : index
    %c4096 = arith.constant 4096 : index
    %x = memref.view %arena[%c0][] : memref<65536xi8> to memref<1x1x3x3x16xf32>
    %y = memref.view %arena[%c4096][] : memref<65536xi8> to memref<1x1x6x6x16xf32>
    cnn.resize #cnn.resize_mode<nearest> %x outs(%y)
        {shape = array<i64: 1, 1, 6, 6, 16>, scales = array<f32: 1.0, 1.0, 2.0, 2.0, 1.0>,
        coordinates = #cnn.coordinate_mode<asymmetric>, nearest = #cnn.nearest_mode<floor>}
        : (memref<1x1x3x3x16xf32>, memref<1x1x6x6x16xf32>) -> ()
    return
  }
}
