// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-assign-partition=strategy=group --split-input-file | FileCheck %s
// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-assign-partition="strategy=group devices=3" \
// RUN:   --split-input-file | FileCheck %s --check-prefix=THREE
// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-assign-partition="bandwidth=1e3 latency=1" --split-input-file \
// RUN:   | FileCheck %s --check-prefix=WHOLE --implicit-check-not=cnn.partition
// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-assign-partition="bandwidth=1e15 latency=0" \
// RUN:   --split-input-file | FileCheck %s --check-prefix=FREE
// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-assign-partition=strategy=rows --split-input-file \
// RUN:   | FileCheck %s --check-prefix=ROWS
// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-assign-partition=strategy=none --split-input-file \
// RUN:   | FileCheck %s --check-prefix=WHOLE --implicit-check-not=cnn.partition
// RUN: not convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-assign-partition=strategy=columns \
// RUN:   --split-input-file 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-assign-partition=devices=65 --split-input-file 2>&1 \
// RUN:   | FileCheck %s --check-prefix=MANY
// RUN: not convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-assign-partition=strategy=batch --split-input-file 2>&1 \
// RUN:   | FileCheck %s --check-prefix=BATCH
// UNKNOWN: error: strategy 'columns' is not auto, group, batch, rows or none
// MANY: error: the number of devices is 65, expected 1 to 64
// BATCH: error: cannot share a batch of 1 between 2 devices

// The columns of the AlexNet paper. The two devices share an LRN by channels. Three devices cannot share
// two groups. An operation that every device computes whole has no attribute.
// CHECK-LABEL: func.func @main(
func.func @main(%x: tensor<1x3x32x32xf32>) -> tensor<1x10xf32> {
  %w0 = arith.constant dense<0.5> : tensor<96x3x3x3xf32>
  %w1 = arith.constant dense<0.25> : tensor<128x48x3x3xf32>
  %w2 = arith.constant dense<0.125> : tensor<10x128xf32>
  // CHECK: cnn.conv {{.*}}cnn.partition = #cnn.partition<output_channel, [0, 48, 96]>
  // THREE: cnn.conv {{.*}}cnn.partition = #cnn.partition<output_channel, [0, 32, 64, 96]>
  // ROWS: cnn.conv {{.*}}cnn.partition = #cnn.partition<height, [0, 16, 32]>
  // If communication is free, the grouped convolution is still shared by groups, and the dense layer is
  // shared, too.
  // WHOLE: cnn.conv
  %0 = cnn.conv %x, %w0 {window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (tensor<1x3x32x32xf32>, tensor<96x3x3x3xf32>) -> tensor<1x96x32x32xf32>
  // CHECK: cnn.lrn {{.*}}cnn.partition = #cnn.partition<channel, [0, 48, 96]>
  // ROWS: cnn.lrn {{.*}}cnn.partition = #cnn.partition<height, [0, 16, 32]>
  %1 = cnn.lrn %0 {size = 5 : i64, alpha = 1.0e-4 : f32, beta = 0.75 : f32, bias = 1.0 : f32}
      : (tensor<1x96x32x32xf32>) -> tensor<1x96x32x32xf32>
  // CHECK: cnn.group_conv {{.*}}cnn.partition = #cnn.partition<group, [0, 1, 2]>
  // THREE: cnn.group_conv
  // ROWS: cnn.group_conv {{.*}}cnn.partition = #cnn.partition<height, [0, 16, 32]>
  // FREE: cnn.group_conv {{.*}}cnn.partition = #cnn.partition<group, [0, 1, 2]>
  %2 = cnn.group_conv %1, %w1 {group = 2 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (tensor<1x96x32x32xf32>, tensor<128x48x3x3xf32>) -> tensor<1x128x32x32xf32>
  // CHECK: cnn.unary <relu> {{.*}}cnn.partition = #cnn.partition<channel, [0, 64, 128]>
  // THREE-NOT: cnn.partition
  // THREE-SAME: group = 2
  %3 = cnn.unary <relu> %2 : (tensor<1x128x32x32xf32>) -> tensor<1x128x32x32xf32>
  // CHECK: cnn.global_pool <average> {{.*}}cnn.partition = #cnn.partition<channel, [0, 64, 128]>
  // ROWS: cnn.global_pool <average> %{{[0-9]+}} :
  %4 = cnn.global_pool <average> %3 : (tensor<1x128x32x32xf32>) -> tensor<1x128x1x1xf32>
  // CHECK: tensor.collapse_shape {{.*}}cnn.partition = #cnn.partition<channel, [0, 64, 128]>
  %5 = tensor.collapse_shape %4 [[0], [1, 2, 3]] : tensor<1x128x1x1xf32> into tensor<1x128xf32>
  // CHECK: cnn.dense {{.*}}cnn.partition = #cnn.partition<output_channel, [0, 8, 10]>
  // THREE: cnn.dense {{.*}}cnn.partition = #cnn.partition<output_channel, [0, 4, 7, 10]>
  // WHOLE: cnn.dense
  // FREE: cnn.dense {{.*}}cnn.partition = #cnn.partition<
  %6 = cnn.dense %5, %w2 : (tensor<1x128xf32>, tensor<10x128xf32>) -> tensor<1x10xf32>
  // CHECK: cnn.softmax %{{.+}} {axis = 1 : i64} :
  %7 = cnn.softmax %6 {axis = 1 : i64} : (tensor<1x10xf32>) -> tensor<1x10xf32>
  return %7 : tensor<1x10xf32>
}

// -----

// Columns are shared if there are too few rows, and channels would make uneven parts.
// FREE:         cnn.max_pool {{.*}}cnn.partition = #cnn.partition<width, [0, 32, 64]>
// ROWS:         cnn.unary {{.*}}cnn.partition = #cnn.partition<height, [0, 1, 2]>
// ROWS:         cnn.max_pool
// ROWS-NOT:     cnn.partition
// WHOLE:        cnn.max_pool
func.func @main(%x: tensor<1x3x2x64xf32>) -> tensor<1x3x1x64xf32> {
  %0 = cnn.unary <relu> %x : (tensor<1x3x2x64xf32>) -> tensor<1x3x2x64xf32>
  %1 = cnn.max_pool %0 {window = #cnn.window<[2, 3], strides = [2, 1], pads = [0, 1, 0, 1]>}
      : (tensor<1x3x2x64xf32>) -> tensor<1x3x1x64xf32>
  return %1 : tensor<1x3x1x64xf32>
}
