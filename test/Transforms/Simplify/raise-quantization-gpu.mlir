// RUN: convoy-opt %s --cnn-raise-quantization | FileCheck %s

// A GPU has no kernel for products of integers, so layers stay as they are. Moving integers is still better.
// CHECK-LABEL: func.func @dense(
// CHECK:         %[[X:.+]] = tensor.collapse_shape %{{.+}} : tensor<1x3x2xi8> into tensor<3x2xi8>
// CHECK:         %[[F:.+]] = cnn.dequantize %[[X]]
// CHECK:         cnn.dense %[[F]], %{{.+}} : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 1048576, gpu = <cuda, [80, 90]>>} {
  func.func @dense(%x: tensor<1x3x2xi8>) -> tensor<3x2xf32> {
    %w = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
    %s = arith.constant dense<0.5> : tensor<f32>
    %z = arith.constant dense<0> : tensor<i8>
    %0 = cnn.dequantize %x, %s, %z : (tensor<1x3x2xi8>, tensor<f32>, tensor<i8>) -> tensor<1x3x2xf32>
    %1 = tensor.collapse_shape %0 [[0, 1], [2]] : tensor<1x3x2xf32> into tensor<3x2xf32>
    %2 = cnn.dequantize %w, %s, %z : (tensor<2x2xi8>, tensor<f32>, tensor<i8>) -> tensor<2x2xf32>
    %3 = cnn.dense %1, %2 : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
    return %3 : tensor<3x2xf32>
  }
}
