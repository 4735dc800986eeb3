// RUN: convoy-opt %s --cnn-pack-weights | FileCheck %s
// RUN: convoy-opt %s --cnn-pack-weights --cnn-pack-weights | FileCheck %s

module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 2, vector_registers = 16, l2 = 1048576>} {
  // Three hidden units are a block of two vectors. It has, for each element of h, the weights of both gates. The lane without
  // a unit has zeros.
  // CHECK-LABEL: func.func @gru(
  func.func @gru(%x: tensor<4x1x1x9xf32>) -> tensor<4x1x1x3xf32> {
    // CHECK: %[[W:.+]] = arith.constant dense<{{\[+}}1.000000e+00, 2.000000e+00, 3.000000e+00, 0.000000e+00],
    // CHECK-SAME: [4.000000e+00, 5.000000e+00, 6.000000e+00, 0.000000e+00]],
    // CHECK-SAME: {{\[+}}7.000000e+00, 8.000000e+00, 9.000000e+00, 0.000000e+00],
    // CHECK-SAME: [1.600000e+01, 1.700000e+01, 1.800000e+01, 0.000000e+00]{{\]+}}> : tensor<1x1x3x2x4xf32>
    // CHECK: %[[C:.+]] = arith.constant dense<{{\[+}}1.100000e+01, 1.200000e+01, 1.300000e+01, 0.000000e+00]],
    // CHECK-SAME: {{.*}} : tensor<1x1x3x1x4xf32>
    %r = arith.constant dense<[[[1., 2., 3., 4., 5., 6.], [7., 8., 9., 10., 11., 12.], [13., 14., 15., 16., 17., 18.]]]>
        : tensor<1x3x6xf32>
    %c = arith.constant dense<[[[11., 12., 13.], [21., 22., 23.], [31., 32., 33.]]]> : tensor<1x3x3xf32>
    // CHECK: cnn.recurrence <gru> <forward> %arg0, %[[W]] candidate(%[[C]])
    %0 = cnn.recurrence <gru> <forward> %x, %r candidate(%c)
        {functions = [#cnn.function<sigmoid>, #cnn.function<tanh>], sequence}
        : (tensor<4x1x1x9xf32>, tensor<1x3x6xf32>, tensor<1x3x3xf32>) -> tensor<4x1x1x3xf32>
    return %0 : tensor<4x1x1x3xf32>
  }

  // Eight vectors are four blocks of two, because larger register tiles gain little.
  // CHECK-LABEL: func.func @blocks(
  func.func @blocks(%x: tensor<4x1x2x48xf32>) -> tensor<1x2x1x16xf32> {
    // CHECK: %[[W:.+]] = arith.constant dense{{.*}} : tensor<2x4x16x3x4xf32>
    // CHECK: cnn.recurrence <gru> <bidirectional> %arg0, %[[W]]
    %r = arith.constant dense<0.5> : tensor<2x16x48xf32>
    %0 = cnn.recurrence <gru> <bidirectional> %x, %r
        {functions = [#cnn.function<sigmoid>, #cnn.function<tanh>, #cnn.function<sigmoid>, #cnn.function<tanh>], last_h}
        : (tensor<4x1x2x48xf32>, tensor<2x16x48xf32>) -> tensor<1x2x1x16xf32>
    return %0 : tensor<1x2x1x16xf32>
  }

  // The kernel reads computed weights as they are.
  // CHECK-LABEL: func.func @computed(
  func.func @computed(%x: tensor<4x1x1x3xf32>, %r: tensor<1x3x3xf32>) -> tensor<4x1x1x3xf32> {
    // CHECK: cnn.recurrence <rnn> <forward> %arg0, %arg1 {{.+}} : (tensor<4x1x1x3xf32>, tensor<1x3x3xf32>)
    %0 = cnn.recurrence <rnn> <forward> %x, %r {functions = [#cnn.function<tanh>], sequence}
        : (tensor<4x1x1x3xf32>, tensor<1x3x3xf32>) -> tensor<4x1x1x3xf32>
    return %0 : tensor<4x1x1x3xf32>
  }
}
