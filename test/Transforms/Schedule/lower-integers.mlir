// RUN: convoy-opt %s --cnn-lower-integers | FileCheck %s

// CHECK-LABEL: func.func @conv(
// CHECK-SAME:    %[[X:.*]]: tensor<1x8x4x4xi16>
func.func @conv(%x: tensor<1x8x4x4xi16>) -> tensor<1x16x2x2xi32> {
  // CHECK: %[[F:.*]] = cnn.cast %[[X]] {{.*}} -> tensor<1x8x4x4xf32>
  // CHECK: %[[W:.*]] = arith.constant dense<-3.000000e+00> : tensor<16x8x3x3xf32>
  // CHECK: %[[S:.*]] = cnn.conv %[[F]], %[[W]] {exact, window = #cnn.window<[3, 3]>}
  // CHECK: cnn.cast %[[S]] {{.*}} : (tensor<1x16x2x2xf32>) -> tensor<1x16x2x2xi32>
  // CHECK-NOT: i16
  // CHECK: return
  %w = arith.constant dense<-3> : tensor<16x8x3x3xi16>
  %0 = cnn.conv %x, %w {window = #cnn.window<[3, 3]>} : (tensor<1x8x4x4xi16>, tensor<16x8x3x3xi16>) -> tensor<1x16x2x2xi32>
  return %0 : tensor<1x16x2x2xi32>
}

// 255 * 255 * 258 is less than 2^24, one term more is not. The second part has the last position of channel 0 to channel 1.
// CHECK-LABEL: func.func @limit(
func.func @limit(%x: tensor<1x1x258xi16>, %y: tensor<1x1x259xi16>, %z: tensor<1x2x200xi16>)
    -> (tensor<1x2x1xi32>, tensor<1x1x1xi32>, tensor<1x1x1xi32>) {
  // CHECK:     cnn.conv %{{.*}}, %{{.*}} {exact, window = #cnn.window<[258]>}
  // CHECK-NOT: cnn.binary
  // CHECK:     cnn.conv {{.*}} (tensor<1x1x259xf32>, tensor<1x1x259xf32>) -> tensor<1x1x1xf32>
  // CHECK:     cnn.conv {{.*}} (tensor<1x1x259xf32>, tensor<1x1x259xf32>) -> tensor<1x1x1xf32>
  // CHECK:     cnn.binary <add> {{.*}} tensor<1x1x1xi32>
  // CHECK:     cnn.conv {{.*}} (tensor<1x2x200xf32>, tensor<1x2x200xf32>) -> tensor<1x1x1xf32>
  // CHECK:     tensor.extract_slice %{{.*}}[0, 1, 0] [1, 1, 200] [1, 1, 1]
  // CHECK:     cnn.conv {{.*}} (tensor<1x1x200xf32>, tensor<1x1x200xf32>) -> tensor<1x1x1xf32>
  // CHECK:     cnn.binary <add>
  %v = arith.constant dense<255> : tensor<2x1x258xi16>
  %0 = cnn.conv %x, %v {window = #cnn.window<[258]>} : (tensor<1x1x258xi16>, tensor<2x1x258xi16>) -> tensor<1x2x1xi32>
  %w = arith.constant dense<-255> : tensor<1x1x259xi16>
  %1 = cnn.conv %y, %w {window = #cnn.window<[259]>} : (tensor<1x1x259xi16>, tensor<1x1x259xi16>) -> tensor<1x1x1xi32>
  %u = arith.constant dense<255> : tensor<1x2x200xi16>
  %2 = cnn.conv %z, %u {window = #cnn.window<[200]>} : (tensor<1x2x200xi16>, tensor<1x2x200xi16>) -> tensor<1x1x1xi32>
  return %0, %1, %2 : tensor<1x2x1xi32>, tensor<1x1x1xi32>, tensor<1x1x1xi32>
}

// The channels of a part are no run of the channels of all groups, so all parts read all of them.
// CHECK-LABEL: func.func @groups(
func.func @groups(%x: tensor<1x4x200xi16>) -> tensor<1x2x1xi32> {
  // CHECK-NOT: tensor.extract_slice
  // CHECK:     cnn.group_conv {{.*}} {exact, group = 2 : i64, window = #cnn.window<[200]>} : (tensor<1x4x200xf32>, tensor<2x2x200xf32>)
  // CHECK:     cnn.group_conv {{.*}} {exact, group = 2 : i64, window = #cnn.window<[200]>} : (tensor<1x4x200xf32>, tensor<2x2x200xf32>)
  // CHECK:     cnn.binary <add>
  %w = arith.constant dense<255> : tensor<2x2x200xi16>
  %0 = cnn.group_conv %x, %w {group = 2 : i64, window = #cnn.window<[200]>}
      : (tensor<1x4x200xi16>, tensor<2x2x200xi16>) -> tensor<1x2x1xi32>
  return %0 : tensor<1x2x1xi32>
}

// CHECK-LABEL: func.func @dense(
func.func @dense(%x: tensor<3x300xi16>, %f: tensor<3x4xf32>) -> (tensor<3x5xi32>, tensor<3x2xf32>) {
  // CHECK: tensor.extract_slice %{{.*}}[0, 0] [3, 258] [1, 1]
  // CHECK: cnn.dense {{.*}} {exact} : (tensor<3x258xf32>, tensor<5x258xf32>) -> tensor<3x5xf32>
  // CHECK: tensor.extract_slice %{{.*}}[0, 258] [3, 42] [1, 1]
  // CHECK: cnn.dense {{.*}} {exact} : (tensor<3x42xf32>, tensor<5x42xf32>) -> tensor<3x5xf32>
  %w = arith.constant dense<255> : tensor<5x300xi16>
  %0 = cnn.dense %x, %w : (tensor<3x300xi16>, tensor<5x300xi16>) -> tensor<3x5xi32>
  // CHECK: cnn.dense %{{.*}}, %{{.*}} : (tensor<3x4xf32>, tensor<2x4xf32>)
  %v = arith.constant dense<1.0> : tensor<2x4xf32>
  %1 = cnn.dense %f, %v : (tensor<3x4xf32>, tensor<2x4xf32>) -> tensor<3x2xf32>
  return %0, %1 : tensor<3x5xi32>, tensor<3x2xf32>
}
