// RUN: convoy-opt %s --cnn-extend-epilogue --split-input-file | FileCheck %s

// test/Integration/test_integer_kernels.py tests the numbers.

// The scaled and rounded sums of a layer of integers, and a residual.
// CHECK-DAG:   #[[ID:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>
// CHECK-DAG:   #[[CHANNELS:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d4)>
// CHECK-LABEL: func.func @conv(
// CHECK-SAME:      %[[X:.+]]: tensor<1x1x4x4x8xi16>, %[[W:.+]]: tensor<{{.+}}>, %[[S:.+]]: tensor<1x8xf32>,
// CHECK-SAME:      %[[R:.+]]: tensor<1x1x4x4x8xi8>)
// CHECK:         %[[Y:.+]] = cnn.conv %[[X]], %[[W]] epilogue(%[[S]], %[[R]])
// CHECK-SAME:      {epilogue_maps = [#[[CHANNELS]], #[[ID]]], filter_shape
// CHECK-SAME:      -> tensor<1x1x4x4x8xi16> {
// CHECK:         ^bb0(%[[SUM:.+]]: i32, %[[SCALE:.+]]: f32, %[[OTHER:.+]]: i8):
// CHECK-NEXT:      %[[F:.+]] = arith.sitofp %[[SUM]] : i32 to f32
// CHECK-NEXT:      arith.mulf %[[F]], %[[SCALE]]
// CHECK-NEXT:      arith.extsi %[[OTHER]]
// CHECK:           cnn.yield %{{.+}} : i16
// CHECK-NOT:     linalg.generic
// CHECK:         return %[[Y]]
#id = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>
#channels = affine_map<(d0, d1, d2, d3, d4) -> (d1, d4)>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576>} {
  func.func @conv(%x: tensor<1x1x4x4x8xi16>, %w: tensor<1x1x1x1x1x4x8x2xi8>, %s: tensor<1x8xf32>,
      %r: tensor<1x1x4x4x8xi8>) -> tensor<1x1x4x4x8xi16> {
    %0 = cnn.conv %x, %w {filter_shape = array<i64: 8, 8, 1, 1>, output_block = 8 : i64, window = #cnn.window<[1, 1]>,
        schedule = #cnn.schedule<direct, tile = 12x1x8, filter = <dots, 1x1x1x1x1x4x8x2xi8>>}
        : (tensor<1x1x4x4x8xi16>, tensor<1x1x1x1x1x4x8x2xi8>) -> tensor<1x1x4x4x8xi32>
    %init = tensor.empty() : tensor<1x1x4x4x8xi16>
    %1 = linalg.generic {indexing_maps = [#channels, #id, #id, #id],
        iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
        ins(%s, %0, %r : tensor<1x8xf32>, tensor<1x1x4x4x8xi32>, tensor<1x1x4x4x8xi8>)
        outs(%init : tensor<1x1x4x4x8xi16>) {
    ^bb0(%scale: f32, %sum: i32, %other: i8, %out: i16):
      %2 = arith.sitofp %sum : i32 to f32
      %3 = arith.mulf %2, %scale : f32
      %4 = arith.extsi %other : i8 to i16
      %5 = arith.fptosi %3 : f32 to i16
      %6 = arith.addi %5, %4 : i16
      linalg.yield %6 : i16
    } -> tensor<1x1x4x4x8xi16>
    return %1 : tensor<1x1x4x4x8xi16>
  }
}

// -----

// An operation that reads two layers: the later one takes it, and moves behind what the operation reads.
// CHECK-LABEL: func.func @two_layers(
// CHECK:         %[[A:.+]] = cnn.dense %{{.+}}, %{{.+}} {filter_shape
// CHECK:         %[[S:.+]] = linalg.generic
// CHECK:         cnn.dense {{.+}} epilogue(%[[A]], %[[S]])
// CHECK-NOT:     linalg.generic
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0, 0)>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576>} {
  func.func @two_layers(%x: tensor<2x8xf32>, %w: tensor<1x8x8xf32>, %s: tensor<2x1xf32>) -> tensor<2x8xf32> {
    %a = cnn.dense %x, %w {filter_shape = array<i64: 8, 8>,
        schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x8x8xf32>>}
        : (tensor<2x8xf32>, tensor<1x8x8xf32>) -> tensor<2x8xf32>
    %b = cnn.dense %x, %w {filter_shape = array<i64: 8, 8>,
        schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x8x8xf32>>}
        : (tensor<2x8xf32>, tensor<1x8x8xf32>) -> tensor<2x8xf32>
    %one = tensor.empty() : tensor<2x1xf32>
    %scale = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%s : tensor<2x1xf32>) outs(%one : tensor<2x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %2 = arith.addf %in, %in : f32
      linalg.yield %2 : f32
    } -> tensor<2x1xf32>
    %init = tensor.empty() : tensor<2x8xf32>
    %1 = linalg.generic {indexing_maps = [#id, #id, #row, #id], iterator_types = ["parallel", "parallel"]}
        ins(%a, %b, %scale : tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x1xf32>) outs(%init : tensor<2x8xf32>) {
    ^bb0(%l: f32, %r: f32, %f: f32, %out: f32):
      %2 = arith.subf %l, %r : f32
      %3 = arith.mulf %2, %f : f32
      linalg.yield %3 : f32
    } -> tensor<2x8xf32>
    return %1 : tensor<2x8xf32>
  }
}

// -----

// Not extended: a second reader, a reader that transposes, one that needs its index, elements of 64 bits, an input with
// other spatial extents, and a result that is plain.
// CHECK-LABEL: func.func @stay(
// CHECK-NOT:     epilogue
// CHECK:         return
#id = affine_map<(d0, d1) -> (d0, d1)>
#turned = affine_map<(d0, d1) -> (d1, d0)>
#id4 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#id5 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>
#columns = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, 0, d3, d4)>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576>} {
  func.func @stay(%x: tensor<8x8xf32>, %w: tensor<1x8x8xf32>, %d: tensor<1x1x4x4x8xf32>, %k: tensor<1x1x1x1x1x8x8xf32>,
      %c: tensor<1x1x1x4x8xf32>)
      -> (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf64>, tensor<1x1x4x4x8xf32>, tensor<1x8x4x4xf32>) {
    %init = tensor.empty() : tensor<8x8xf32>
    %0 = cnn.dense %x, %w {filter_shape = array<i64: 8, 8>,
        schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x8x8xf32>>}
        : (tensor<8x8xf32>, tensor<1x8x8xf32>) -> tensor<8x8xf32>
    %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%0 : tensor<8x8xf32>) outs(%init : tensor<8x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %10 = arith.addf %in, %in : f32
      linalg.yield %10 : f32
    } -> tensor<8x8xf32>
    %2 = cnn.dense %1, %w {filter_shape = array<i64: 8, 8>,
        schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x8x8xf32>>}
        : (tensor<8x8xf32>, tensor<1x8x8xf32>) -> tensor<8x8xf32>
    %3 = linalg.generic {indexing_maps = [#turned, #id], iterator_types = ["parallel", "parallel"]}
        ins(%2 : tensor<8x8xf32>) outs(%init : tensor<8x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %10 = arith.addf %in, %in : f32
      linalg.yield %10 : f32
    } -> tensor<8x8xf32>
    %4 = cnn.dense %3, %w {filter_shape = array<i64: 8, 8>,
        schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x8x8xf32>>}
        : (tensor<8x8xf32>, tensor<1x8x8xf32>) -> tensor<8x8xf32>
    %5 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%4 : tensor<8x8xf32>) outs(%init : tensor<8x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %i = linalg.index 1 : index
      %n = arith.index_cast %i : index to i32
      %f = arith.sitofp %n : i32 to f32
      %10 = arith.addf %in, %f : f32
      linalg.yield %10 : f32
    } -> tensor<8x8xf32>
    %6 = cnn.dense %5, %w {filter_shape = array<i64: 8, 8>,
        schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x8x8xf32>>}
        : (tensor<8x8xf32>, tensor<1x8x8xf32>) -> tensor<8x8xf32>
    %init64 = tensor.empty() : tensor<8x8xf64>
    %7 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%6 : tensor<8x8xf32>) outs(%init64 : tensor<8x8xf64>) {
    ^bb0(%in: f32, %out: f64):
      %10 = arith.extf %in : f32 to f64
      linalg.yield %10 : f64
    } -> tensor<8x8xf64>
    %8 = cnn.conv %d, %k {filter_shape = array<i64: 8, 8, 1, 1>, output_block = 8 : i64, window = #cnn.window<[1, 1]>,
        schedule = #cnn.schedule<direct, tile = 12x1x8, filter = <tiles, 1x1x1x1x1x8x8xf32>>}
        : (tensor<1x1x4x4x8xf32>, tensor<1x1x1x1x1x8x8xf32>) -> tensor<1x1x4x4x8xf32>
    %init5 = tensor.empty() : tensor<1x1x4x4x8xf32>
    %9 = linalg.generic {indexing_maps = [#id5, #columns, #id5],
        iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
        ins(%8, %c : tensor<1x1x4x4x8xf32>, tensor<1x1x1x4x8xf32>) outs(%init5 : tensor<1x1x4x4x8xf32>) {
    ^bb0(%in: f32, %column: f32, %out: f32):
      %10 = arith.subf %in, %column : f32
      linalg.yield %10 : f32
    } -> tensor<1x1x4x4x8xf32>
    %11 = cnn.conv %9, %k {filter_shape = array<i64: 8, 8, 1, 1>, window = #cnn.window<[1, 1]>,
        schedule = #cnn.schedule<direct, tile = 12x1x8, filter = <tiles, 1x1x1x1x1x8x8xf32>>}
        : (tensor<1x1x4x4x8xf32>, tensor<1x1x1x1x1x8x8xf32>) -> tensor<1x8x4x4xf32>
    %init4 = tensor.empty() : tensor<1x8x4x4xf32>
    %12 = linalg.generic {indexing_maps = [#id4, #id4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%11 : tensor<1x8x4x4xf32>) outs(%init4 : tensor<1x8x4x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %10 = arith.subf %in, %in : f32
      linalg.yield %10 : f32
    } -> tensor<1x8x4x4xf32>
    return %0, %3, %5, %7, %9, %12
      : tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf64>, tensor<1x1x4x4x8xf32>, tensor<1x8x4x4xf32>
  }
}
