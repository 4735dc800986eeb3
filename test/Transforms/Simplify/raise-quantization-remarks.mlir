// RUN: convoy-opt %s --cnn-raise-quantization --verify-diagnostics -o %t

// Why layers of dequantised data stay layers of floats.
func.func @remarks(%x: tensor<3x2xi8>, %v: tensor<3x2xi16>, %w: tensor<2x2xi8>, %f: tensor<2x2xf32>, %b: tensor<2xf32>,
    %d: tensor<1x2x3xi8>, %long: tensor<1x70000xi8>)
    -> (tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<1x2x3xf32>, tensor<1x1xf32>) {
  %s = arith.constant dense<0.5> : tensor<f32>
  %columns = arith.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %z = arith.constant dense<0> : tensor<i8>
  %z16 = arith.constant dense<0> : tensor<i16>
  %c = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %x0 = cnn.dequantize %x, %s, %z : (tensor<3x2xi8>, tensor<f32>, tensor<i8>) -> tensor<3x2xf32>
  %x1 = cnn.dequantize %x, %columns, %z : (tensor<3x2xi8>, tensor<2xf32>, tensor<i8>) -> tensor<3x2xf32>
  %w0 = cnn.dequantize %c, %s, %z : (tensor<2x2xi8>, tensor<f32>, tensor<i8>) -> tensor<2x2xf32>
  %w1 = cnn.dequantize %w, %s, %z : (tensor<2x2xi8>, tensor<f32>, tensor<i8>) -> tensor<2x2xf32>
  %w2 = cnn.dequantize %c, %columns, %z : (tensor<2x2xi8>, tensor<2xf32>, tensor<i8>) -> tensor<2x2xf32>
  // expected-remark @below {{computes floats although its input is quantised: the input has several scales, or elements that}}
  %0 = cnn.dense %x1, %w0 : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  // expected-remark @below {{computes floats although its input is quantised: the filter is not quantised}}
  %1 = cnn.dense %x0, %f : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  // expected-remark @below {{computes floats although its input is quantised: the filter is computed when the model runs}}
  %2 = cnn.dense %x0, %w1 : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  // expected-remark @below {{the filter has no scale for all or for each output channel, or sums may not fit 32 bits}}
  %3 = cnn.dense %x0, %w2 : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  // expected-remark @below {{computes floats although its input is quantised: the bias is computed when the model runs}}
  %4 = cnn.dense %x0, %w0, %b : (tensor<3x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %d0 = cnn.dequantize %d, %s, %z : (tensor<1x2x3xi8>, tensor<f32>, tensor<i8>) -> tensor<1x2x3xf32>
  %k = arith.constant dense<1.0> : tensor<2x2x1xf32>
  // expected-remark @below {{computes floats although its input is quantised: transposed convolutions have no integers}}
  %5 = cnn.conv_transpose %d0, %k {output_padding = array<i64: 0>, window = #cnn.window<[1]>}
      : (tensor<1x2x3xf32>, tensor<2x2x1xf32>) -> tensor<1x2x3xf32>
  %l0 = cnn.dequantize %long, %s, %z : (tensor<1x70000xi8>, tensor<f32>, tensor<i8>) -> tensor<1x70000xf32>
  %lc = arith.constant dense<-128> : tensor<1x70000xi8>
  %lw = cnn.dequantize %lc, %s, %z : (tensor<1x70000xi8>, tensor<f32>, tensor<i8>) -> tensor<1x70000xf32>
  // expected-remark @below {{the filter has no scale for all or for each output channel, or sums may not fit 32 bits}}
  %6 = cnn.dense %l0, %lw : (tensor<1x70000xf32>, tensor<1x70000xf32>) -> tensor<1x1xf32>
  // Without a remark: integers, and data that were never quantised.
  %7 = cnn.dense %x0, %w0 : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %8 = cnn.dense %7, %w0 : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %9 = cnn.binary <add> %8, %0 : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return %9, %1, %2, %3, %4, %5, %6
    : tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<1x2x3xf32>, tensor<1x1xf32>
}
