// RUN: convoy-opt %s --cnn-fold-batch-norm --split-input-file | FileCheck %s

// s = 4 / sqrt(3 + 1) = 2;  W = 3 * s = 6;  b = (5 - 1) * s + 7 = 15.
// CHECK-LABEL: func.func @conv(
func.func @conv(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  // CHECK-DAG: %[[W:.+]] = arith.constant dense<6.000000e+00> : tensor<1x1x3x3xf32>
  // CHECK-DAG: %[[B:.+]] = arith.constant dense<1.500000e+01> : tensor<1xf32>
  // CHECK-NOT: arith.constant
  %w = arith.constant dense<3.0> : tensor<1x1x3x3xf32>
  %b = arith.constant dense<5.0> : tensor<1xf32>
  %scale = arith.constant dense<4.0> : tensor<1xf32>
  %offset = arith.constant dense<7.0> : tensor<1xf32>
  %mean = arith.constant dense<1.0> : tensor<1xf32>
  %variance = arith.constant dense<3.0> : tensor<1xf32>
  // CHECK-NEXT: %[[R:.+]] = cnn.conv %{{.+}}, %[[W]], %[[B]] {window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>
  %0 = cnn.conv %x, %w, %b {window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>, tensor<1xf32>) -> tensor<1x1x4x4xf32>
  %1 = cnn.batch_norm %0, %scale, %offset, %mean, %variance
      {epsilon = 1.0 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<1x1x4x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %1 : tensor<1x1x4x4xf32>
}

// -----

// Without a bias the convolution gets one: t = 1 - 2 * s. s = [1/2, 1/4].
// CHECK-LABEL: func.func @per_channel(
func.func @per_channel(%x: tensor<1x1x4xf32>) -> tensor<1x2x3xf32> {
  // CHECK:      %[[W:.+]] = arith.constant dense<{{\[\[\[}}5.000000e-01, 1.000000e+00{{\]\]}},
  // CHECK-SAME:   {{\[\[}}7.500000e-01, 1.000000e+00{{\]\]\]}}> : tensor<2x1x2xf32>
  // CHECK:      %[[B:.+]] = arith.constant dense<[0.000000e+00, 5.000000e-01]> : tensor<2xf32>
  %w = arith.constant dense<[[[1.0, 2.0]], [[3.0, 4.0]]]> : tensor<2x1x2xf32>
  %one = arith.constant dense<1.0> : tensor<2xf32>
  %mean = arith.constant dense<2.0> : tensor<2xf32>
  %variance = arith.constant dense<[3.0, 15.0]> : tensor<2xf32>
  // CHECK: cnn.conv %{{.+}}, %[[W]], %[[B]]
  %0 = cnn.conv %x, %w {window = #cnn.window<[2]>} : (tensor<1x1x4xf32>, tensor<2x1x2xf32>) -> tensor<1x2x3xf32>
  // CHECK-NOT: cnn.batch_norm
  %1 = cnn.batch_norm %0, %one, %one, %mean, %variance {epsilon = 1.0 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<1x2x3xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x3xf32>
  return %1 : tensor<1x2x3xf32>
}

// -----

// Two groups with two output channels each.
// CHECK-LABEL: func.func @group(
func.func @group(%x: tensor<1x2x4xf32>) -> tensor<1x4x4xf32> {
  // CHECK:      %[[W:.+]] = arith.constant dense<{{\[\[\[}}1.000000e+00{{\]\]}}, {{\[\[}}4.000000e+00{{\]\]}},
  // CHECK-SAME:   {{\[\[}}9.000000e+00{{\]\]}}, {{\[\[}}1.600000e+01{{\]\]\]}}> : tensor<4x1x1xf32>
  %w = arith.constant dense<[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]> : tensor<4x1x1xf32>
  %a = arith.constant dense<[[1.0], [2.0], [3.0], [4.0]]> : tensor<4x1xf32>
  // CHECK: cnn.group_conv %{{.+}}, %[[W]] {
  %0 = cnn.group_conv %x, %w {group = 2 : i64, window = #cnn.window<[1]>} : (tensor<1x2x4xf32>, tensor<4x1x1xf32>) -> tensor<1x4x4xf32>
  // CHECK-NOT: cnn.binary
  %1 = cnn.binary <mul> %0, %a : (tensor<1x4x4xf32>, tensor<4x1xf32>) -> tensor<1x4x4xf32>
  return %1 : tensor<1x4x4xf32>
}

// -----

// Depthwise, with a shift that Caffe wrote as a subtraction from a constant: 1 - conv.
// CHECK-LABEL: func.func @depthwise(
func.func @depthwise(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK-DAG: %[[W:.+]] = arith.constant dense<{{\[\[\[}}-2.000000e+00{{\]\], \[\[}}-3.000000e+00{{\]\]\]}}> : tensor<2x1x1xf32>
  // CHECK-DAG: %[[B:.+]] = arith.constant dense<1.000000e+00> : tensor<2xf32>
  %w = arith.constant dense<[[[2.0]], [[3.0]]]> : tensor<2x1x1xf32>
  %one = arith.constant dense<1.0> : tensor<f32>
  // CHECK: cnn.group_conv %{{.+}}, %[[W]], %[[B]]
  %0 = cnn.group_conv %x, %w {group = 2 : i64, window = #cnn.window<[1]>} : (tensor<1x2x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  // CHECK-NOT: cnn.binary
  %1 = cnn.binary <sub> %one, %0 : (tensor<f32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %1 : tensor<1x2x4xf32>
}

// -----

// The filter of a transposed convolution is I x O: s = [1, 1/2, 1/4] is multiplied along dimension 1.
// CHECK-LABEL: func.func @transposed(
func.func @transposed(%x: tensor<1x2x4xf32>) -> tensor<1x3x4xf32> {
  // CHECK:      %[[W:.+]] = arith.constant dense<{{\[\[\[}}4.000000e+00], [2.000000e+00], [1.000000e+00{{\]\]}},
  // CHECK-SAME:   {{\[\[}}8.000000e+00], [4.000000e+00], [2.000000e+00{{\]\]\]}}> : tensor<2x3x1xf32>
  %w = arith.constant dense<[[[4.0], [4.0], [4.0]], [[8.0], [8.0], [8.0]]]> : tensor<2x3x1xf32>
  %one = arith.constant dense<1.0> : tensor<3xf32>
  %zero = arith.constant dense<0.0> : tensor<3xf32>
  %variance = arith.constant dense<[0.0, 3.0, 15.0]> : tensor<3xf32>
  // CHECK: cnn.conv_transpose %{{.+}}, %[[W]] {
  %0 = cnn.conv_transpose %x, %w {output_padding = array<i64: 0>, window = #cnn.window<[1]>}
      : (tensor<1x2x4xf32>, tensor<2x3x1xf32>) -> tensor<1x3x4xf32>
  // CHECK-NOT: cnn.batch_norm
  %1 = cnn.batch_norm %0, %one, %zero, %zero, %variance {epsilon = 1.0 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<1x3x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x3x4xf32>
  return %1 : tensor<1x3x4xf32>
}

// -----

// A transposed convolution of two groups, I x O/2: output 0 depends on input 0, and output 1 on input 1.
// CHECK-LABEL: func.func @transposed_group(
func.func @transposed_group(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK-DAG: %[[W:.+]] = arith.constant dense<{{\[\[\[}}2.000000e+00{{\]\], \[\[}}1.500000e+01{{\]\]\]}}> : tensor<2x1x1xf32>
  %w = arith.constant dense<[[[1.0]], [[3.0]]]> : tensor<2x1x1xf32>
  %a = arith.constant dense<[[2.0], [5.0]]> : tensor<2x1xf32>
  // CHECK: cnn.conv_transpose %{{.+}}, %[[W]] {
  %0 = cnn.conv_transpose %x, %w {group = 2 : i64, output_padding = array<i64: 0>, window = #cnn.window<[1]>}
      : (tensor<1x2x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  // CHECK-NOT: cnn.binary
  %1 = cnn.binary <mul> %0, %a : (tensor<1x2x4xf32>, tensor<2x1xf32>) -> tensor<1x2x4xf32>
  return %1 : tensor<1x2x4xf32>
}

// -----

// s = [1/2, 1];  W = [[1, 2], [6, 8]];  b = ([3, 5] - 1) * s + 2 = [3, 6].
// CHECK-LABEL: func.func @dense(
func.func @dense(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  // CHECK-DAG: %[[W:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00], [6.000000e+00, 8.000000e+00]]> : tensor<2x2xf32>
  // CHECK-DAG: %[[B:.+]] = arith.constant dense<[3.000000e+00, 6.000000e+00]> : tensor<2xf32>
  %w = arith.constant dense<[[2.0, 4.0], [6.0, 8.0]]> : tensor<2x2xf32>
  %b = arith.constant dense<[3.0, 5.0]> : tensor<2xf32>
  %one = arith.constant dense<1.0> : tensor<2xf32>
  %two = arith.constant dense<2.0> : tensor<2xf32>
  %variance = arith.constant dense<[3.0, 0.0]> : tensor<2xf32>
  // CHECK: cnn.dense %{{.+}}, %[[W]], %[[B]]
  %0 = cnn.dense %x, %w, %b : (tensor<3x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  // CHECK-NOT: cnn.batch_norm
  %1 = cnn.batch_norm %0, %one, %two, %one, %variance {epsilon = 1.0 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<3x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}

// -----

// Caffe's batch norm and Scale layer after a convolution: s = 1/2, then * 6, then + 7. The factors have
// their shape from a reshape of constants, as ONNX's Unsqueeze becomes one.
// CHECK-LABEL: func.func @caffe_scale(
func.func @caffe_scale(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  // CHECK-DAG: %[[W:.+]] = arith.constant dense<9.000000e+00> : tensor<1x1x1x1xf32>
  // CHECK-DAG: %[[B:.+]] = arith.constant dense<4.000000e+00> : tensor<1xf32>
  %w = arith.constant dense<3.0> : tensor<1x1x1x1xf32>
  %zero = arith.constant dense<0.0> : tensor<1xf32>
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %variance = arith.constant dense<3.0> : tensor<1xf32>
  %six = arith.constant dense<6.0> : tensor<1xf32>
  %seven = arith.constant dense<7.0> : tensor<1x1x1x1xf32>
  %a = tensor.expand_shape %six [[0, 1, 2]] output_shape [1, 1, 1] : tensor<1xf32> into tensor<1x1x1xf32>
  // CHECK: %[[C:.+]] = cnn.conv %{{.+}}, %[[W]], %[[B]]
  %0 = cnn.conv %x, %w {window = #cnn.window<[1, 1]>} : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %1 = cnn.batch_norm %0, %one, %zero, %one, %variance {epsilon = 1.0 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<1x1x4x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4x4xf32>
  %2 = cnn.binary <mul> %1, %a : (tensor<1x1x4x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %3 = cnn.binary <add> %seven, %2 : (tensor<1x1x1x1xf32>, tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  // CHECK-NEXT: %[[R:.+]] = cnn.unary <relu> %[[C]]
  %4 = cnn.unary <relu> %3 : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  // CHECK-NEXT: return %[[R]]
  return %4 : tensor<1x1x4x4xf32>
}

// -----

// A subtraction changes only the bias: -2. A division by 2 is a multiplication of the filter by 1/2.
// CHECK-LABEL: func.func @bias_only(
func.func @bias_only(%x: tensor<1x1x4xf32>) -> tensor<1x1x4xf32> {
  // CHECK-DAG: %[[W:.+]] = arith.constant dense<3.000000e+00> : tensor<1x1x1xf32>
  // CHECK-DAG: %[[B:.+]] = arith.constant dense<-2.000000e+00> : tensor<1xf32>
  %w = arith.constant dense<6.0> : tensor<1x1x1xf32>
  %two = arith.constant dense<2.0> : tensor<1x1xf32>
  // CHECK: %[[C:.+]] = cnn.conv %{{.+}}, %[[W]], %[[B]]
  %0 = cnn.conv %x, %w {window = #cnn.window<[1]>} : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  %1 = cnn.binary <div> %0, %two : (tensor<1x1x4xf32>, tensor<1x1xf32>) -> tensor<1x1x4xf32>
  %2 = cnn.binary <sub> %1, %two : (tensor<1x1x4xf32>, tensor<1x1xf32>) -> tensor<1x1x4xf32>
  // CHECK-NEXT: return %[[C]]
  return %2 : tensor<1x1x4xf32>
}

// -----

// Folded into the convolution that follows, which has no padding: s = [1/2, 1], t = [0, -1] per input channel.
// W = [[4 * 1/2, 5 * 1], [6 * 1/2, 7 * 1]];  b = [1 - 5, 1 - 7].
// CHECK-LABEL: func.func @into_reader(
func.func @into_reader(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK:      %[[W:.+]] = arith.constant dense<{{\[\[\[}}2.000000e+00], [5.000000e+00{{\]\]}},
  // CHECK-SAME:   {{\[\[}}3.000000e+00], [7.000000e+00{{\]\]\]}}> : tensor<2x2x1xf32>
  // CHECK:      %[[B:.+]] = arith.constant dense<[-4.000000e+00, -6.000000e+00]> : tensor<2xf32>
  %w = arith.constant dense<[[[4.0], [5.0]], [[6.0], [7.0]]]> : tensor<2x2x1xf32>
  %b = arith.constant dense<1.0> : tensor<2xf32>
  %one = arith.constant dense<1.0> : tensor<2xf32>
  %offset = arith.constant dense<[0.5, 0.0]> : tensor<2xf32>
  %variance = arith.constant dense<[3.0, 0.0]> : tensor<2xf32>
  %0 = cnn.batch_norm %x, %one, %offset, %one, %variance {epsilon = 1.0 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  // CHECK-NEXT: cnn.conv %arg0, %[[W]], %[[B]] {activation = #cnn.function<relu>
  %1 = cnn.conv %0, %w, %b {activation = #cnn.function<relu>, window = #cnn.window<[1]>}
      : (tensor<1x2x4xf32>, tensor<2x2x1xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  // CHECK-NOT: cnn.batch_norm
  return %1 : tensor<1x2x4xf32>
}

// -----

// Folded into a convolution that follows, with two groups and padding, which is possible without an offset. Output 1
// reads input 1.
// CHECK-LABEL: func.func @into_padding_reader(
func.func @into_padding_reader(%x: tensor<1x2x4xf32>) -> tensor<1x2x5xf32> {
  // CHECK:      %[[W:.+]] = arith.constant dense<{{\[\[\[}}1.000000e+01, 2.000000e+01{{\]\]}},
  // CHECK-SAME:   {{\[\[}}9.000000e+01, 1.200000e+02{{\]\]\]}}> : tensor<2x1x2xf32>
  %w = arith.constant dense<[[[1.0, 2.0]], [[3.0, 4.0]]]> : tensor<2x1x2xf32>
  %a = arith.constant dense<[[10.0], [30.0]]> : tensor<2x1xf32>
  %0 = cnn.binary <mul> %x, %a : (tensor<1x2x4xf32>, tensor<2x1xf32>) -> tensor<1x2x4xf32>
  // CHECK: cnn.group_conv %arg0, %[[W]] {
  %1 = cnn.group_conv %0, %w {group = 2 : i64, window = #cnn.window<[2], pads = [1, 1]>}
      : (tensor<1x2x4xf32>, tensor<2x1x2xf32>) -> tensor<1x2x5xf32>
  // CHECK-NOT: cnn.binary
  return %1 : tensor<1x2x5xf32>
}

// -----

// The same dense layer takes the operation before it and the operation after it:
// W = 2 * [3, 5] * 10;  b = (1 + 1 * 3 + 1 * 5) * 10.
// CHECK-LABEL: func.func @both_sides(
func.func @both_sides(%x: tensor<4x2xf32>) -> tensor<4x1xf32> {
  // CHECK-DAG: %[[W:.+]] = arith.constant dense<{{\[\[}}6.000000e+01, 1.000000e+02]]> : tensor<1x2xf32>
  // CHECK-DAG: %[[B:.+]] = arith.constant dense<9.000000e+01> : tensor<1xf32>
  %w = arith.constant dense<[[3.0, 5.0]]> : tensor<1x2xf32>
  %b = arith.constant dense<1.0> : tensor<1xf32>
  %one = arith.constant dense<1.0> : tensor<2xf32>
  %two = arith.constant dense<2.0> : tensor<2xf32>
  %ten = arith.constant dense<10.0> : tensor<1xf32>
  %0 = cnn.scale_shift %x, %two, %one : (tensor<4x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  // CHECK-NEXT: %[[R:.+]] = cnn.dense %arg0, %[[W]], %[[B]]
  %1 = cnn.dense %0, %w, %b : (tensor<4x2xf32>, tensor<1x2xf32>, tensor<1xf32>) -> tensor<4x1xf32>
  %2 = cnn.binary <mul> %1, %ten : (tensor<4x1xf32>, tensor<1xf32>) -> tensor<4x1xf32>
  // CHECK-NEXT: return %[[R]]
  return %2 : tensor<4x1xf32>
}

// -----

// If two convolutions share a filter, the other one keeps the old filter.
// CHECK-LABEL: func.func @shared_filter(
func.func @shared_filter(%x: tensor<1x1x4xf32>) -> (tensor<1x1x4xf32>, tensor<1x1x4xf32>) {
  // CHECK-DAG: %[[OLD:.+]] = arith.constant dense<3.000000e+00> : tensor<1x1x1xf32>
  // CHECK-DAG: %[[NEW:.+]] = arith.constant dense<6.000000e+00> : tensor<1x1x1xf32>
  %w = arith.constant dense<3.0> : tensor<1x1x1xf32>
  %two = arith.constant dense<2.0> : tensor<1x1xf32>
  // CHECK: %[[A:.+]] = cnn.conv %arg0, %[[NEW]] {
  %0 = cnn.conv %x, %w {window = #cnn.window<[1]>} : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  // CHECK: %[[B:.+]] = cnn.conv %arg0, %[[OLD]] {
  %1 = cnn.conv %x, %w {window = #cnn.window<[1]>} : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  %2 = cnn.binary <mul> %0, %two : (tensor<1x1x4xf32>, tensor<1x1xf32>) -> tensor<1x1x4xf32>
  // CHECK: return %[[A]], %[[B]]
  return %2, %1 : tensor<1x1x4xf32>, tensor<1x1x4xf32>
}

// -----

// The product is rounded once: (1 + 2^-23) / 3 * 3 is 1 + 2^-23 again. With two roundings to f32 it would
// be another number.
// CHECK-LABEL: func.func @rounded_once(
func.func @rounded_once(%x: tensor<1x1x4xf32>) -> tensor<1x1x4xf32> {
  // CHECK: arith.constant dense<1.00000012> : tensor<1x1x1xf32>
  %w = arith.constant dense<0x3F800001> : tensor<1x1x1xf32>
  %a = arith.constant dense<3.0> : tensor<1x1xf32>
  %0 = cnn.conv %x, %w {window = #cnn.window<[1]>} : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  %1 = cnn.binary <div> %0, %a : (tensor<1x1x4xf32>, tensor<1x1xf32>) -> tensor<1x1x4xf32>
  %2 = cnn.binary <mul> %1, %a : (tensor<1x1x4xf32>, tensor<1x1xf32>) -> tensor<1x1x4xf32>
  return %2 : tensor<1x1x4xf32>
}

// -----

// A summand per column, a division by the result, and a factor that is computed at run time are not folded.
// CHECK-LABEL: func.func @not_per_channel(
func.func @not_per_channel(%x: tensor<1x1x4xf32>, %y: tensor<1x1x4xf32>) -> tensor<1x1x4xf32> {
  %w = arith.constant dense<3.0> : tensor<1x1x1xf32>
  %columns = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %one = arith.constant dense<1.0> : tensor<1x1xf32>
  // CHECK: %[[C:.+]] = cnn.conv
  %0 = cnn.conv %x, %w {window = #cnn.window<[1]>} : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  // CHECK: %[[A:.+]] = cnn.binary <add> %[[C]], %{{.+}} : (tensor<1x1x4xf32>, tensor<4xf32>)
  %1 = cnn.binary <add> %0, %columns : (tensor<1x1x4xf32>, tensor<4xf32>) -> tensor<1x1x4xf32>
  // CHECK: %[[B:.+]] = cnn.binary <div> %{{.+}}, %[[A]]
  %2 = cnn.binary <div> %one, %1 : (tensor<1x1xf32>, tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
  // CHECK: %[[D:.+]] = cnn.binary <mul> %[[B]], %arg1
  %3 = cnn.binary <mul> %2, %y : (tensor<1x1x4xf32>, tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
  // CHECK: return %[[D]]
  return %3 : tensor<1x1x4xf32>
}
