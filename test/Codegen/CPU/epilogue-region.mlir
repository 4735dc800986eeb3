// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// Integration/test_quantized_layers.py tests the results of these kernels.

// Regions of kernels that store vectors of channels. A tile of four pixels of integers: each vector of sums goes through the
// region right away. The 2x2 pixels of the map count as one row, also in the residual.
// CHECK-LABEL: func.func private @conv(
// CHECK-SAME:      memref<1x1x2x2x8xi16>, %{{[^:]+}}: memref<{{[^>]+}}>, %[[S:[^:]+]]: memref<1x8xf32>,
// CHECK-SAME:      %[[R:[^:]+]]: memref<1x1x2x2x8xi8>
// CHECK:         %[[ROW:.+]] = memref.reinterpret_cast %[[R]] {{.+}} to memref<1x1x1x4x8xi8>
// CHECK:           llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// CHECK:           scf.yield
// CHECK:         %[[SCALE:.+]] = vector.load %[[S]][%{{.+}}, %{{.+}}] : memref<1x8xf32>, vector<8xf32>
// CHECK:         %[[RESIDUAL:.+]] = vector.load %[[ROW]]{{.+}} : memref<1x1x1x4x8xi8>, vector<8xi8>
// CHECK:         %[[F:.+]] = arith.sitofp %{{.+}} : vector<8xi32> to vector<8xf32>
// CHECK:         %[[P:.+]] = arith.mulf %[[F]], %[[SCALE]] : vector<8xf32>
// CHECK:         %[[I:.+]] = arith.fptosi %[[P]] : vector<8xf32> to vector<8xi8>
// CHECK:         %[[SUM:.+]] = arith.addi %[[I]], %[[RESIDUAL]] : vector<8xi8>
// CHECK:         vector.store %[[SUM]], %{{.+}} : memref<1x1x1x4x8xi8>, vector<8xi8>
// CHECK-COUNT-3: vector.store
// CHECK-NOT:     vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x1x2x2x8xi16>,
      %w: memref<1x1x1x1x1x4x8x2xi8>, %s: memref<1x8xf32>, %r: memref<1x1x2x2x8xi8>, %y: memref<1x1x2x2x8xi8>) {
    cnn.conv %x, %w epilogue(%s, %r) outs(%y) {epilogue_maps = [affine_map<(d0, d1, d2, d3, d4) -> (d1, d4)>,
        affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>], filter_shape = array<i64: 8, 8, 1, 1>,
        output_block = 8 : i64, window = #cnn.window<[1, 1]>,
        schedule = #cnn.schedule<direct, tile = 12x1x8, span = plane, filter = <dots, 1x1x1x1x1x4x8x2xi8>>}
        : (memref<1x1x2x2x8xi16>, memref<1x1x1x1x1x4x8x2xi8>, memref<1x8xf32>, memref<1x1x2x2x8xi8>,
        memref<1x1x2x2x8xi8>) -> () {
    ^bb0(%sum: i32, %scale: f32, %other: i8):
      %0 = arith.sitofp %sum : i32 to f32
      %1 = arith.mulf %0, %scale : f32
      %2 = arith.fptosi %1 : f32 to i8
      %3 = arith.addi %2, %other : i8
      cnn.yield %3 : i8
    }
    return
  }
}

// -----

// A long region for a tile of six rows: the sums go to memory that stays in the cache, and a loop over the rows has the code
// of the region once for each vector. A number for each row of the result is a scalar.
// CHECK-LABEL: func.func private @dense(
// CHECK:         %[[SUMS:.+]] = memref.alloca() {alignment = 64 : i64} : memref<6x16xf32>
// CHECK:           vector.fma
// CHECK:           scf.yield
// CHECK-COUNT-12: vector.store %{{.+}}, %[[SUMS]]
// CHECK:         scf.for %[[ROW:.+]] = %c0 to %c6
// CHECK:           vector.load %[[SUMS]][%[[ROW]], %c0]
// CHECK:           vector.load %[[SUMS]][%[[ROW]], %c8]
// CHECK:           memref.load %{{.+}}[%{{.+}}, %c0] : memref<6x1xf32>
// CHECK-COUNT-28:  arith.addf
// CHECK-NOT:       arith.addf
// CHECK:         }
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<6x4xf32>, %w: memref<1x4x16xf32>,
      %s: memref<6x1xf32>, %y: memref<6x16xf32>) {
    cnn.dense %x, %w epilogue(%s) outs(%y) {epilogue_maps = [affine_map<(d0, d1) -> (d0, 0)>],
        filter_shape = array<i64: 16, 4>, schedule = #cnn.schedule<dense, tile = 6x2x8, filter = <dense, 1x4x16xf32>>}
        : (memref<6x4xf32>, memref<1x4x16xf32>, memref<6x1xf32>, memref<6x16xf32>) -> () {
    ^bb0(%sum: f32, %number: f32):
      %0 = arith.addf %sum, %number : f32
      %1 = arith.addf %0, %number : f32
      %2 = arith.addf %1, %number : f32
      %3 = arith.addf %2, %number : f32
      %4 = arith.addf %3, %number : f32
      %5 = arith.addf %4, %number : f32
      %6 = arith.addf %5, %number : f32
      %7 = arith.addf %6, %number : f32
      %8 = arith.addf %7, %number : f32
      %9 = arith.addf %8, %number : f32
      %10 = arith.addf %9, %number : f32
      %11 = arith.addf %10, %number : f32
      %12 = arith.addf %11, %number : f32
      %13 = arith.addf %12, %number : f32
      cnn.yield %13 : f32
    }
    return
  }
}
