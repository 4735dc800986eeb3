// RUN: convoy-opt %s --cnn-apply-partition --split-input-file --verify-diagnostics | FileCheck %s

// Each device computes one group, as an ordinary convolution, with its half of the weights. For the LRN
// it gets two channels from the other device, and drops them afterwards.
// CHECK-LABEL: module attributes {cnn.device_count = 2 : i64, cnn.inputs = [{name = "x"
// CHECK:       module @device_0 attributes {cnn.inputs = [{name = "x"
// CHECK:         func.func @main(%[[X:.+]]: tensor<1x4x5x5xf32>) -> tensor<1x8x5x5xf32>
// CHECK:           %[[S:.+]] = tensor.extract_slice %[[X]][0, 0, 0, 0] [1, 2, 5, 5] [1, 1, 1, 1]
// CHECK:           %[[W:.+]] = arith.constant dense<{{.*}}1.000000e+00{{.*}}4.000000e+00{{.*}}> : tensor<4x2x1x1xf32>
// CHECK:           %[[C:.+]] = cnn.conv %[[S]], %[[W]] {{.*}} -> tensor<1x4x5x5xf32>
// CHECK:           %[[H:.+]] = cnn.halo_exchange %[[C]]
// CHECK-SAME:        {after = 2 : i64, axis = 1 : i64, before = 2 : i64, bounds = array<i64: 0, 4, 8>,
// CHECK-SAME:        device = 0 : i64} : (tensor<1x4x5x5xf32>) -> tensor<1x6x5x5xf32>
// CHECK:           %[[L:.+]] = cnn.lrn %[[H]]
// CHECK:           %[[D:.+]] = tensor.extract_slice %[[L]][0, 0, 0, 0] [1, 4, 5, 5]
// CHECK:           %[[G:.+]] = cnn.all_gather %[[D]] {axis = 1 : i64, bounds = array<i64: 0, 4, 8>, device = 0 : i64}
// CHECK-SAME:        : (tensor<1x4x5x5xf32>) -> tensor<1x8x5x5xf32>
// CHECK:           return %[[G]]
// CHECK:       module @device_1
// CHECK:           tensor.extract_slice %{{.+}}[0, 2, 0, 0] [1, 2, 5, 5]
// CHECK:           arith.constant dense<{{.*}}5.000000e+00{{.*}}8.000000e+00{{.*}}> : tensor<4x2x1x1xf32>
// CHECK:           %[[L:.+]] = cnn.lrn
// CHECK:           tensor.extract_slice %[[L]][0, 2, 0, 0] [1, 4, 5, 5]
module attributes {cnn.inputs = [{name = "x", type = tensor<1x4x5x5xf32>}]} {
  func.func @main(%x: tensor<1x4x5x5xf32>) -> tensor<1x8x5x5xf32> {
    %w = arith.constant dense<[[[[1.0]],
        [[1.0]]], [[[2.0]],
        [[2.0]]], [[[3.0]],
        [[3.0]]], [[[4.0]],
        [[4.0]]], [[[5.0]],
        [[5.0]]], [[[6.0]], [[6.0]]], [[[7.0]], [[7.0]]], [[[8.0]], [[8.0]]]]> : tensor<8x2x1x1xf32>
    %0 = cnn.group_conv %x, %w {cnn.partition = #cnn.partition<group, [0, 1, 2]>, group = 2 : i64,
        window = #cnn.window<[1, 1]>} : (tensor<1x4x5x5xf32>, tensor<8x2x1x1xf32>) -> tensor<1x8x5x5xf32>
    %1 = cnn.lrn %0 {cnn.partition = #cnn.partition<channel, [0, 4, 8]>, size = 5 : i64, alpha = 1.0e-4 : f32,
        beta = 0.75 : f32, bias = 1.0 : f32} : (tensor<1x8x5x5xf32>) -> tensor<1x8x5x5xf32>
    return %1 : tensor<1x8x5x5xf32>
  }
}

// -----

// Input channels are shared: each device has some columns of the filter, one of them adds the bias, and the
// results are added up. Then every device has the whole sum.
// CHECK:       module @device_0
// CHECK:           %[[S:.+]] = tensor.extract_slice %{{.+}}[0, 0] [2, 3] [1, 1]
// CHECK:           arith.constant dense<{{\[}}[1.000000e+00, 2.000000e+00, 3.000000e+00], [5.000000e+00, 6.000000e+00, 7.000000e+00]]>
// CHECK:           %[[P:.+]] = cnn.dense %[[S]], %{{.+}}, %{{.+}} : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2xf32>)
// CHECK:           %[[R:.+]] = cnn.all_reduce %[[P]] {device = 0 : i64, devices = 2 : i64}
// CHECK:           cnn.unary <relu> %[[R]]
// CHECK:       module @device_1
// CHECK:           arith.constant dense<{{\[}}[4.000000e+00], [8.000000e+00]]>
// CHECK:           %[[P:.+]] = cnn.dense %{{.+}}, %{{[^,]+}} : (tensor<2x1xf32>, tensor<2x1xf32>)
// CHECK:           cnn.all_reduce %[[P]] {device = 1 : i64, devices = 2 : i64}
func.func @main(%x: tensor<2x4xf32>) -> tensor<2x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]> : tensor<2x4xf32>
  %b = arith.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %0 = cnn.dense %x, %w, %b {cnn.partition = #cnn.partition<input_channel, [0, 3, 4]>}
      : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %1 = cnn.unary <relu> %0 : (tensor<2x2xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

// -----

// A value is gathered once for all readers of the whole value. For the reader of another part, a slice is
// cut from the gathered value.
// CHECK:       module @device_0
// CHECK:           cnn.all_gather
// CHECK-NOT:       cnn.all_gather
// CHECK:           tensor.extract_slice %{{.+}}[0, 0, 0] [1, 1, 4]
// CHECK:           cnn.all_gather {{.*}}bounds = array<i64: 0, 1, 4>
// CHECK:       module @device_1
func.func @main(%x: tensor<1x4x4xf32>) -> (tensor<1x4x4xf32>, tensor<1x4x4xf32>) {
  %0 = cnn.unary <relu> %x {cnn.partition = #cnn.partition<channel, [0, 2, 4]>} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  %1 = cnn.unary <exp> %0 : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  %2 = cnn.unary <abs> %0 {cnn.partition = #cnn.partition<channel, [0, 1, 4]>} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  return %1, %2 : tensor<1x4x4xf32>, tensor<1x4x4xf32>
}

// -----

// Devices add up floats only.
func.func @main(%x: tensor<2x4xi16>) -> tensor<2x2xi32> {
  %w = arith.constant dense<1> : tensor<2x4xi16>
  // expected-error @below {{cannot be shared along input_channel}}
  %0 = cnn.dense %x, %w {cnn.partition = #cnn.partition<input_channel, [0, 3, 4]>}
      : (tensor<2x4xi16>, tensor<2x4xi16>) -> tensor<2x2xi32>
  return %0 : tensor<2x2xi32>
}

// -----

func.func @main(%x: tensor<1x4x4xf32>) -> tensor<1x4x4xf32> {
  // expected-error @below {{cannot be shared along group}}
  %0 = cnn.unary <relu> %x {cnn.partition = #cnn.partition<group, [0, 2, 4]>} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  return %0 : tensor<1x4x4xf32>
}

// -----

func.func @main(%x: tensor<1x4x4xf32>) -> tensor<1x4x4xf32> {
  // expected-error @below {{partition runs from 0 to 5, expected 0 to 4}}
  %0 = cnn.unary <relu> %x {cnn.partition = #cnn.partition<channel, [0, 2, 5]>} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  return %0 : tensor<1x4x4xf32>
}

// -----

func.func @main(%x: tensor<1x4x4xf32>) -> tensor<1x4x4xf32> {
  // expected-error @below {{partition has 4 bounds, expected 3 for 2 devices}}
  %0 = cnn.unary <relu> %x {cnn.partition = #cnn.partition<channel, [0, 1, 2, 4]>} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  return %0 : tensor<1x4x4xf32>
}

// -----

func.func @main(%x: tensor<1x6x4x4xf32>) -> tensor<1x6x4x4xf32> {
  // expected-error @below {{partition gives device 1 a part of 1, expected at least 2}}
  %0 = cnn.lrn %x {cnn.partition = #cnn.partition<channel, [0, 5, 6]>, size = 5 : i64, alpha = 1.0e-4 : f32,
      beta = 0.75 : f32, bias = 1.0 : f32} : (tensor<1x6x4x4xf32>) -> tensor<1x6x4x4xf32>
  return %0 : tensor<1x6x4x4xf32>
}

// -----

// Rows: a 3x3 window of stride 2 reads one row of the device before and no row of the device after. Only
// the edges of the whole map keep their padding.
// CHECK:       module @device_0
// CHECK:           tensor.extract_slice %{{.+}}[0, 0, 0, 0] [1, 2, 4, 8]
// CHECK:           %[[R:.+]] = cnn.unary <relu>
// CHECK:           %[[H:.+]] = cnn.halo_exchange %[[R]]
// CHECK-SAME:        {after = 0 : i64, axis = 2 : i64, before = 1 : i64, bounds = array<i64: 0, 4, 8>,
// CHECK-SAME:        device = 0 : i64} : (tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32>
// CHECK:           cnn.conv %[[H]], %{{.+}} {{.*}}pads = [1, 1, 0, 1]{{.*}} -> tensor<1x3x2x4xf32>
// CHECK:       module @device_1
// CHECK:           %[[H:.+]] = cnn.halo_exchange {{.*}} : (tensor<1x2x4x8xf32>) -> tensor<1x2x5x8xf32>
// CHECK:           cnn.conv %[[H]], %{{.+}} {{.*}}pads = [0, 1, 1, 1]{{.*}} -> tensor<1x3x2x4xf32>
func.func @main(%x: tensor<1x2x8x8xf32>) -> tensor<1x3x4x4xf32> {
  %w = arith.constant dense<0.5> : tensor<3x2x3x3xf32>
  %0 = cnn.unary <relu> %x {cnn.partition = #cnn.partition<height, [0, 4, 8]>} : (tensor<1x2x8x8xf32>) -> tensor<1x2x8x8xf32>
  %1 = cnn.conv %0, %w {cnn.partition = #cnn.partition<height, [0, 2, 4]>,
      window = #cnn.window<[3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>}
      : (tensor<1x2x8x8xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x4x4xf32>
  return %1 : tensor<1x3x4x4xf32>
}

// -----

// The same for columns: this window reads one column of each neighbour.
// CHECK:       module @device_0
// CHECK:           %[[H:.+]] = cnn.halo_exchange %{{.+}} {after = 1 : i64, axis = 3 : i64, before = 1 : i64,
// CHECK-SAME:        bounds = array<i64: 0, 4, 8>, device = 0 : i64} : (tensor<1x2x2x4xf32>) -> tensor<1x2x2x5xf32>
// CHECK:           cnn.conv %[[H]], %{{.+}} {{.*}}pads = [0, 1, 0, 0]{{.*}} -> tensor<1x3x2x4xf32>
// CHECK:       module @device_1
// CHECK:           cnn.conv %{{.+}}, %{{.+}} {{.*}}pads = [0, 0, 0, 1]{{.*}} -> tensor<1x3x2x4xf32>
// CHECK:           cnn.all_gather %{{.+}} {axis = 3 : i64, bounds = array<i64: 0, 4, 8>, device = 1 : i64}
func.func @main(%x: tensor<1x2x2x8xf32>) -> tensor<1x3x2x8xf32> {
  %w = arith.constant dense<0.5> : tensor<3x2x1x3xf32>
  %0 = cnn.unary <relu> %x {cnn.partition = #cnn.partition<width, [0, 4, 8]>} : (tensor<1x2x2x8xf32>) -> tensor<1x2x2x8xf32>
  %1 = cnn.conv %0, %w {cnn.partition = #cnn.partition<width, [0, 4, 8]>,
      window = #cnn.window<[1, 3], pads = [0, 1, 0, 1]>}
      : (tensor<1x2x2x8xf32>, tensor<3x2x1x3xf32>) -> tensor<1x3x2x8xf32>
  return %1 : tensor<1x3x2x8xf32>
}

// -----

// Rows that count are counted from the first row of the whole: parts compute all of theirs.
// CHECK:       module @device_0
// CHECK:         cnn.dense %{{[^,]+}}, %{{[^,]+}} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x2xf32>
// CHECK:       module @device_1
// CHECK:         cnn.dense %{{[^,]+}}, %{{[^,]+}} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x2xf32>
func.func @main(%x: tensor<4x4xf32>, %n: tensor<i64>) -> tensor<4x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]> : tensor<2x4xf32>
  %0 = cnn.dense %x, %w rows(%n) {cnn.partition = #cnn.partition<batch, [0, 2, 4]>}
      : (tensor<4x4xf32>, tensor<2x4xf32>, tensor<i64>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}
