// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// Integration/test_ops_shape.py tests the results of these kernels.

// A negative index counts from the end, and an index is clamped to the dimension. It copies 32 elements.
// CHECK:       cnn.launch @gather tasks(1)
// CHECK-LABEL: func.func private @gather(
// CHECK:         %[[I:.+]] = memref.load %{{.+}} : memref<30xi64>
// CHECK:         %[[NEGATIVE:.+]] = arith.cmpi slt, %[[I]], %c0_i64
// CHECK:         arith.select %[[NEGATIVE]]
// CHECK-NEXT:    arith.maxsi
// CHECK-NEXT:    arith.minsi
// CHECK-NEXT:    arith.index_cast %{{.+}} : i64 to index
// CHECK:         scf.for {{.+}} = %c0 to %c32 step %c16
// CHECK:           vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x2x32xf32>, %i: memref<5x6xi64>, %y: memref<1x5x6x32xf32>) {
    cnn.gather %x, %i outs(%y) {axis = 1 : i64} : (memref<1x2x32xf32>, memref<5x6xi64>, memref<1x5x6x32xf32>) -> ()
    return
  }
}

// -----

// Nearest: the compiler makes tables of offsets.
// CHECK:       cnn.launch @resize tasks(1)
// CHECK-DAG:   memref.global "private" constant @resize_lower_2 : memref<16xi64> = dense<[0, 0, 8, 8, 16, 16,
// CHECK-DAG:   memref.global "private" constant @resize_lower_3 : memref<16xi64> = dense<[0, 0, 1, 1, 2, 2,
// CHECK-LABEL: func.func private @resize(
// CHECK-NOT:     arith.mulf
// CHECK:         scf.for {{.+}} = %c0 to %c16 step %c1 {
// CHECK:           %[[X:.+]] = memref.load {{.+}} : memref<512xf32>
// CHECK-NEXT:      memref.store %[[X]]
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x8x8x8xf32>, %y: memref<1x8x16x16xf32>) {
    cnn.resize <nearest> %x outs(%y) {coordinates = #cnn.coordinate_mode<asymmetric>,
        nearest = #cnn.nearest_mode<round_prefer_floor>, scales = array<f32: 1.0, 1.0, 2.0, 2.0>,
        shape = array<i64: 1, 8, 16, 16>} : (memref<1x8x8x8xf32>, memref<1x8x16x16xf32>) -> ()
    return
  }
}

// -----

// Linear: two offsets and two weights along each dimension.
// CHECK:       cnn.launch @resize tasks(128)
// CHECK-DAG:   memref.global "private" constant @resize_lower_weight_2 : memref<16xf32> = dense<[1.000000e+00, 7.500000e-01, 2.500000e-01,
// CHECK-DAG:   memref.global "private" constant @resize_upper_3 : memref<16xi64> = dense<[1, 1, 1, 2, 2, 3,
// CHECK-LABEL: func.func private @resize(
// CHECK-COUNT-4: memref.load {{.+}} : memref<512xf32>
// CHECK:         %[[SUM:.+]] = arith.addf
// CHECK-NEXT:    memref.store %[[SUM]]
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x8x8x8xf32>, %y: memref<1x8x16x16xf32>) {
    cnn.resize <linear> %x outs(%y) {coordinates = #cnn.coordinate_mode<half_pixel>,
        nearest = #cnn.nearest_mode<round_prefer_floor>, scales = array<f32: 1.0, 1.0, 2.0, 2.0>,
        shape = array<i64: 1, 8, 16, 16>} : (memref<1x8x8x8xf32>, memref<1x8x16x16xf32>) -> ()
    return
  }
}

// -----

// Blocked data is read a vector at a time, with the same weight for all lanes.
// CHECK:       cnn.launch @resize
// CHECK-LABEL: func.func private @resize(
// CHECK:         %[[X:.+]] = vector.load {{.+}} : memref<1024xf32>, vector<16xf32>
// CHECK-NEXT:    %[[W:.+]] = vector.broadcast %{{.+}} : f32 to vector<16xf32>
// CHECK-NEXT:    arith.mulf %[[X]], %[[W]] : vector<16xf32>
// CHECK-COUNT-3: vector.load
// CHECK:         vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x1x8x8x16xf32>, %y: memref<1x1x16x16x16xf32>) {
    cnn.resize <linear> %x outs(%y) {coordinates = #cnn.coordinate_mode<half_pixel>,
        nearest = #cnn.nearest_mode<round_prefer_floor>, scales = array<f32: 1.0, 1.0, 2.0, 2.0, 1.0>,
        shape = array<i64: 1, 1, 16, 16, 16>} : (memref<1x1x8x8x16xf32>, memref<1x1x16x16x16xf32>) -> ()
    return
  }
}
