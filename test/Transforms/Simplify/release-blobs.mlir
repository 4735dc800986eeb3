// RUN: convoy-opt %s --cnn-fold-batch-norm --cnn-release-blobs --verify-diagnostics | FileCheck %s

// The old filter, 8 bytes, has no reader after the fold, so it is freed. The blob that is returned stays.
// CHECK-LABEL: func.func @main(
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<{{\[\[\[}}2.000000e+00{{\]\], \[\[}}6.000000e+00{{\]\]\]}}> : tensor<2x1x1xf32>
// CHECK-DAG:     %[[K:.+]] = arith.constant dense_resource<kept> : tensor<2xf32>
// CHECK:         %[[C:.+]] = cnn.conv %arg0, %[[W]]
// CHECK:         return %[[C]], %[[K]]
// CHECK:       dialect_resources
// CHECK-NOT:     old
// CHECK:         kept: "0x040000000000803F00000040"
// CHECK-NOT:     old

// expected-remark @below {{freed 8 bytes of weights}}
module {
  func.func @main(%x: tensor<1x1x4xf32>) -> (tensor<1x2x4xf32>, tensor<2xf32>) {
    %w = arith.constant dense_resource<old> : tensor<2x1x1xf32>
    %kept = arith.constant dense_resource<kept> : tensor<2xf32>
    %a = arith.constant dense<[[2.0], [3.0]]> : tensor<2x1xf32>
    %0 = cnn.conv %x, %w {window = #cnn.window<[1]>} : (tensor<1x1x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
    %1 = cnn.binary <mul> %0, %a : (tensor<1x2x4xf32>, tensor<2x1xf32>) -> tensor<1x2x4xf32>
    return %1, %kept : tensor<1x2x4xf32>, tensor<2xf32>
  }
}
{-#
  dialect_resources: {
    builtin: {
      old: "0x040000000000803F00000040",
      kept: "0x040000000000803F00000040"
    }
  }
#-}
