// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-generate-cpu-kernels --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s

// Integration/test_ops_convolution.py tests the results of these kernels.

// Depthwise: a lane is a channel. A row of 14 pixels is loaded once for all three columns of the
// kernel. The left and the right column miss one pixel at the border: 3 * 14 - 2 multiply-adds.
// CHECK:       cnn.launch @group_conv tasks(28)
// CHECK-LABEL: func.func private @group_conv(
// CHECK:         scf.for {{.+}} iter_args({{.+}}) -> (vector<16xf32>
// CHECK-COUNT-40:  vector.fma
// CHECK-NOT:       vector.fma
// CHECK:           scf.yield
// CHECK-COUNT-28: arith.cmpf olt
// CHECK-NOT:     arith.cmpf
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x2x14x14x16xf32>,
      %w: memref<2x3x3x1x16xf32>, %b: memref<32xf32>, %y: memref<1x2x14x14x16xf32>) {
    cnn.group_conv %x, %w, %b outs(%y)
        {activation = #cnn.function<clip, alpha = 0.0 : f32, beta = 6.0 : f32>, group = 32 : i64,
        filter_shape = array<i64: 32, 1, 3, 3>, output_block = 16 : i64,
        window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (memref<1x2x14x14x16xf32>, memref<2x3x3x1x16xf32>, memref<32xf32>, memref<1x2x14x14x16xf32>) -> ()
    return
  }
}

// -----

// Four channels per group, as in ResNeXt. For each of the four channels of a group, one shuffle
// copies this channel of the input to all lanes of its group.
// CHECK:       cnn.launch @group_conv tasks(28)
// CHECK-LABEL: func.func private @group_conv(
// CHECK:         vector.shuffle {{.+}} [0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12]
// CHECK:         vector.fma
// CHECK:         vector.shuffle {{.+}} [3, 3, 3, 3, 7, 7, 7, 7, 11, 11, 11, 11, 15, 15, 15, 15]
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x2x14x14x16xf32>,
      %w: memref<2x1x1x4x16xf32>, %y: memref<1x2x14x14x16xf32>) {
    cnn.group_conv %x, %w outs(%y) {group = 8 : i64, filter_shape = array<i64: 32, 4, 1, 1>, output_block = 16 : i64,
        window = #cnn.window<[1, 1]>}
        : (memref<1x2x14x14x16xf32>, memref<2x1x1x4x16xf32>, memref<1x2x14x14x16xf32>) -> ()
    return
  }
}

// -----

// A 3x3 kernel with stride 2: 14 pixels read 29 columns of the input, which are loaded once for each
// row of the kernel. LLVM must not unroll the loop over these rows. Then the residual is added.
// CHECK:       cnn.launch @group_conv tasks(6)
// CHECK-LABEL: func.func private @group_conv(
// CHECK:         scf.for {{.+}} = %c0 to %c3 step %c1 iter_args(
// CHECK-COUNT-3:   vector.load {{.+}} : memref<1x3x3x1x16xf32>
// CHECK-COUNT-29:  vector.load {{.+}} : memref<1x1x13x29x16xf32>
// CHECK-NOT:       vector.load
// CHECK:           scf.yield
// CHECK-NEXT:    } {loop_annotation = #[[ROLLED:.+]]}
// CHECK:         %[[R:.+]] = vector.load {{.+}} : memref<1x1x6x14x16xf32>
// CHECK-NEXT:    %[[SUM:.+]] = arith.addf %{{.+}}, %[[R]]
// CHECK-NEXT:    vector.store %[[SUM]]
// CHECK-COUNT-13: vector.store
// CHECK-NOT:     vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x1x13x29x16xf32>,
      %w: memref<1x3x3x1x16xf32>, %r: memref<1x1x6x14x16xf32>, %y: memref<1x1x6x14x16xf32>) {
    cnn.group_conv %x, %w residual(%r) outs(%y)
        {group = 16 : i64, filter_shape = array<i64: 16, 1, 3, 3>, output_block = 16 : i64,
        window = #cnn.window<[3, 3], strides = [2, 2]>}
        : (memref<1x1x13x29x16xf32>, memref<1x3x3x1x16xf32>, memref<1x1x6x14x16xf32>, memref<1x1x6x14x16xf32>) -> ()
    return
  }
}

// -----

// The columns of a wide kernel are a loop.
// CHECK:       cnn.launch @group_conv tasks(6)
// CHECK-LABEL: func.func private @group_conv(
// CHECK:         scf.for {{.+}} = %c0 to %c41 step %c1 iter_args(
// CHECK:           vector.load {{.+}} : memref<1x1x41x1x16xf32>
// CHECK-COUNT-14:  vector.fma
// CHECK-NOT:       vector.fma
// CHECK:           scf.yield
// CHECK-NEXT:    } {loop_annotation
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x1x6x54x16xf32>,
      %w: memref<1x1x41x1x16xf32>, %y: memref<1x1x6x14x16xf32>) {
    cnn.group_conv %x, %w outs(%y) {group = 16 : i64, filter_shape = array<i64: 16, 1, 1, 41>,
        output_block = 16 : i64, window = #cnn.window<[1, 41]>}
        : (memref<1x1x6x54x16xf32>, memref<1x1x41x1x16xf32>, memref<1x1x6x14x16xf32>) -> ()
    return
  }
}
