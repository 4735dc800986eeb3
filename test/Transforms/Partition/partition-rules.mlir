// RUN: convoy-opt %s --cnn-apply-partition --split-input-file --verify-diagnostics | FileCheck %s

// A transposed convolution's filter has output channels in dimension 1.
// CHECK:       module @device_0
// CHECK:           arith.constant dense<{{\[\[}}{{\[\[}}1.000000e+00]], {{\[\[}}2.000000e+00]]],
// CHECK-SAME:        {{\[\[\[}}4.000000e+00]], {{\[\[}}5.000000e+00]]]]> : tensor<2x2x1x1xf32>
// CHECK:           arith.constant dense<[5.000000e-01, 2.500000e-01]>
// CHECK:           cnn.conv_transpose {{.*}} -> tensor<1x2x3x3xf32>
// CHECK:       module @device_1
// CHECK:           arith.constant dense<{{\[\[}}{{\[\[}}3.000000e+00]]], {{\[\[\[}}6.000000e+00]]]]> : tensor<2x1x1x1xf32>
// CHECK:           cnn.conv_transpose {{.*}} -> tensor<1x1x3x3xf32>
// CHECK:           cnn.all_gather {{.*}}bounds = array<i64: 0, 2, 3>
func.func @main(%x: tensor<1x2x3x3xf32>) -> tensor<1x3x3x3xf32> {
  %w = arith.constant dense<[[[[1.0]], [[2.0]], [[3.0]]], [[[4.0]], [[5.0]], [[6.0]]]]> : tensor<2x3x1x1xf32>
  %b = arith.constant dense<[0.5, 0.25, 0.125]> : tensor<3xf32>
  %0 = cnn.conv_transpose %x, %w, %b
      {cnn.partition = #cnn.partition<output_channel, [0, 2, 3]>, output_padding = array<i64: 0, 0>,
      window = #cnn.window<[1, 1]>} : (tensor<1x2x3x3xf32>, tensor<2x3x1x1xf32>, tensor<3xf32>) -> tensor<1x3x3x3xf32>
  return %0 : tensor<1x3x3x3xf32>
}

// -----

// The results for parts of its input channels are added up. One device adds the bias.
// CHECK:       module @device_0
// CHECK:           cnn.conv_transpose %{{.+}}, %{{.+}}, %{{.+}} {{.*}} : (tensor<1x1x3x3xf32>, tensor<1x1x1x1xf32>,
// CHECK-SAME:        tensor<1xf32>) -> tensor<1x1x3x3xf32>
// CHECK:           cnn.all_reduce
// CHECK:       module @device_1
// CHECK:           tensor.extract_slice %{{.+}}[0, 1, 0, 0] [1, 1, 3, 3]
// CHECK:           arith.constant dense<2.000000e+00> : tensor<1x1x1x1xf32>
// CHECK:           cnn.conv_transpose %{{.+}}, %{{[^,]+}} {{.*}} : (tensor<1x1x3x3xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x3x3xf32>
func.func @main(%x: tensor<1x2x3x3xf32>) -> tensor<1x1x3x3xf32> {
  %w = arith.constant dense<[[[[1.0]]], [[[2.0]]]]> : tensor<2x1x1x1xf32>
  %b = arith.constant dense<0.5> : tensor<1xf32>
  %0 = cnn.conv_transpose %x, %w, %b
      {cnn.partition = #cnn.partition<input_channel, [0, 1, 2]>, output_padding = array<i64: 0, 0>,
      window = #cnn.window<[1, 1]>} : (tensor<1x2x3x3xf32>, tensor<2x1x1x1xf32>, tensor<1xf32>) -> tensor<1x1x3x3xf32>
  return %0 : tensor<1x1x3x3xf32>
}

// -----

// Groups: each device has one or several of them, and its operations have this number of groups.
// CHECK:       module @device_0
// CHECK:           cnn.conv_transpose {{.*}}group = 2 : i64{{.*}} : (tensor<1x4x3x3xf32>, tensor<4x3x1x1xf32>) -> tensor<1x6x3x3xf32>
// CHECK:           cnn.group_norm {{.*}}num_groups = 2 : i64{{.*}} : (tensor<1x6x3x3xf32>, tensor<6xf32>, tensor<6xf32>)
// CHECK:       module @device_1
// CHECK:           tensor.extract_slice %{{.+}}[0, 4, 0, 0] [1, 2, 3, 3]
// CHECK:           cnn.conv_transpose %{{[^{]+}} {{.*}} : (tensor<1x2x3x3xf32>, tensor<2x3x1x1xf32>) -> tensor<1x3x3x3xf32>
// CHECK:           arith.constant dense<[7.000000e+00, 8.000000e+00, 9.000000e+00]>
// CHECK:           cnn.group_norm {{.*}}num_groups = 1 : i64{{.*}} : (tensor<1x3x3x3xf32>, tensor<3xf32>, tensor<3xf32>)
func.func @main(%x: tensor<1x6x3x3xf32>) -> tensor<1x9x3x3xf32> {
  %w = arith.constant dense<0.5> : tensor<6x3x1x1xf32>
  %s = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]> : tensor<9xf32>
  %b = arith.constant dense<0.25> : tensor<9xf32>
  %0 = cnn.conv_transpose %x, %w {cnn.partition = #cnn.partition<group, [0, 2, 3]>, group = 3 : i64,
      output_padding = array<i64: 0, 0>, window = #cnn.window<[1, 1]>}
      : (tensor<1x6x3x3xf32>, tensor<6x3x1x1xf32>) -> tensor<1x9x3x3xf32>
  %1 = cnn.group_norm %0, %s, %b {cnn.partition = #cnn.partition<group, [0, 2, 3]>, num_groups = 3 : i64,
      epsilon = 1.0e-5 : f32} : (tensor<1x9x3x3xf32>, tensor<9xf32>, tensor<9xf32>) -> tensor<1x9x3x3xf32>
  return %1 : tensor<1x9x3x3xf32>
}

// -----

// Parameters of channels are cut like the channels, also if the same value is several parameters. If the
// batch is shared, they stay whole.
// CHECK:       module @device_1
// CHECK:           %[[P:.+]] = arith.constant dense<[3.000000e+00, 4.000000e+00, 5.000000e+00]>
// CHECK:           cnn.batch_norm %{{.+}}, %[[P]], %[[P]], %[[P]], %[[P]] {{.*}} -> tensor<2x3x3x3xf32>
// CHECK:           %[[P:.+]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00]>
// CHECK:           cnn.instance_norm %{{.+}}, %[[P]], %[[P]] {{.*}} -> tensor<1x5x3x3xf32>
func.func @main(%x: tensor<2x5x3x3xf32>) -> tensor<2x5x3x3xf32> {
  %p = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0]> : tensor<5xf32>
  %0 = cnn.batch_norm %x, %p, %p, %p, %p
      {cnn.partition = #cnn.partition<channel, [0, 2, 5]>, epsilon = 1.0e-5 : f32,
      mode = #cnn.batch_norm_mode<inference>}
      : (tensor<2x5x3x3xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>) -> tensor<2x5x3x3xf32>
  %1 = cnn.instance_norm %0, %p, %p {cnn.partition = #cnn.partition<batch, [0, 1, 2]>, epsilon = 1.0e-5 : f32}
      : (tensor<2x5x3x3xf32>, tensor<5xf32>, tensor<5xf32>) -> tensor<2x5x3x3xf32>
  return %1 : tensor<2x5x3x3xf32>
}

// -----

// Rows of the left matrix are shared. The right matrix is needed whole, although it is the same value.
// CHECK:       module @device_1
// CHECK:           %[[S:.+]] = tensor.extract_slice %[[X:.+]][0, 2, 0] [2, 1, 3]
// CHECK:           cnn.matmul %[[S]], %[[X]] {{.*}} -> tensor<2x1x3xf32>
func.func @main(%x: tensor<2x3x3xf32>) -> tensor<2x3x3xf32> {
  %0 = cnn.matmul %x, %x {cnn.partition = #cnn.partition<channel, [0, 2, 3]>} : (tensor<2x3x3xf32>, tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  return %0 : tensor<2x3x3xf32>
}

// -----

// If a reduction removes dimensions, a dimension of the result is another dimension of the input.
// CHECK:       module @device_1
// CHECK:           tensor.extract_slice %{{.+}}[0, 0, 2, 0] [2, 3, 3, 4]
// CHECK:           cnn.reduce <sum> %{{.+}} {{.*}} -> tensor<2x3x4xf32>
func.func @main(%x: tensor<2x3x5x4xf32>) -> tensor<2x5x4xf32> {
  %0 = cnn.reduce <sum> %x {cnn.partition = #cnn.partition<channel, [0, 2, 5]>, axes = array<i64: 1>}
      : (tensor<2x3x5x4xf32>) -> tensor<2x5x4xf32>
  return %0 : tensor<2x5x4xf32>
}

// -----

func.func @main(%x: tensor<2x3x5x4xf32>) -> tensor<1x3x5x4xf32> {
  // expected-error @below {{cannot be shared along batch}}
  %0 = cnn.reduce <sum> %x {cnn.partition = #cnn.partition<batch, [0, 1, 2]>, axes = array<i64: 0>, keep_dims}
      : (tensor<2x3x5x4xf32>) -> tensor<1x3x5x4xf32>
  return %0 : tensor<1x3x5x4xf32>
}

// -----

// Along a dimension of the indices, the indices are cut. Each device reads the whole input.
// CHECK:       module @device_1
// CHECK:           %[[I:.+]] = arith.constant dense<[3, 0]> : tensor<2xi64>
// CHECK:           cnn.gather %{{.+}}, %[[I]] {{.*}} : (tensor<2x4x5xf32>, tensor<2xi64>) -> tensor<2x2x5xf32>
func.func @main(%x: tensor<2x4x5xf32>) -> tensor<2x3x5xf32> {
  %i = arith.constant dense<[1, 3, 0]> : tensor<3xi64>
  %0 = cnn.gather %x, %i {cnn.partition = #cnn.partition<channel, [0, 1, 3]>, axis = 1 : i64}
      : (tensor<2x4x5xf32>, tensor<3xi64>) -> tensor<2x3x5xf32>
  return %0 : tensor<2x3x5xf32>
}

// -----

// Shapes in attributes become the shapes of the parts. A new dimension needs no cut. Three rows of the
// resize are one row of its input.
// CHECK:       module @device_1
// CHECK:           tensor.extract_slice %{{.+}}[0, 0, 2] [2, 1, 2] [1, 1, 1]
// CHECK:           %[[B:.+]] = cnn.broadcast %{{.+}} {shape = array<i64: 3, 2>} : (tensor<2x1x2xf32>) -> tensor<2x3x2xf32>
// CHECK:           cnn.resize <nearest> %{{.+}} {{.*}}shape = array<i64: 2, 3, 6>} : (tensor<2x3x2xf32>) -> tensor<2x3x6xf32>
func.func @main(%x: tensor<2x1x4xf32>) -> tensor<2x3x12xf32> {
  %0 = cnn.broadcast %x {cnn.partition = #cnn.partition<height, [0, 2, 4]>, shape = array<i64: 3, 4>}
      : (tensor<2x1x4xf32>) -> tensor<2x3x4xf32>
  %1 = cnn.resize <nearest> %0 {cnn.partition = #cnn.partition<height, [0, 2, 4]>, shape = array<i64: 2, 3, 12>,
      scales = array<f32: 1.0, 1.0, 3.0>, coordinates = #cnn.coordinate_mode<asymmetric>,
      nearest = #cnn.nearest_mode<floor>} : (tensor<2x3x4xf32>) -> tensor<2x3x12xf32>
  return %1 : tensor<2x3x12xf32>
}

// -----

func.func @main(%x: tensor<1x1x4xf32>) -> tensor<1x1x8xf32> {
  // expected-error @below {{cannot be shared along height}}
  %0 = cnn.resize <linear> %x {cnn.partition = #cnn.partition<height, [0, 2, 4]>, shape = array<i64: 1, 1, 8>,
      scales = array<f32: 1.0, 1.0, 2.0>, coordinates = #cnn.coordinate_mode<asymmetric>,
      nearest = #cnn.nearest_mode<floor>} : (tensor<1x1x4xf32>) -> tensor<1x1x8xf32>
  return %0 : tensor<1x1x8xf32>
}

// -----

func.func @main(%x: tensor<2x5x3x3xf32>) -> tensor<2x5x3x3xf32> {
  %p = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0]> : tensor<5xf32>
  // expected-error @below {{cannot be shared along batch}}
  %0 = cnn.batch_norm %x, %p, %p, %p, %p
      {cnn.partition = #cnn.partition<batch, [0, 1, 2]>, epsilon = 1.0e-5 : f32,
      mode = #cnn.batch_norm_mode<training>}
      : (tensor<2x5x3x3xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>) -> tensor<2x5x3x3xf32>
  return %0 : tensor<2x5x3x3xf32>
}
