// RUN: convoy-opt %s --split-input-file --verify-diagnostics=only-expected

// Convolutions and dense layers of integers.

func.func @conv_bytes(%a: tensor<1x2x4xi8>, %b: tensor<2x2x1xi8>) {
  // expected-error @below {{input and filter have elements of 'i8' and 'i8'; integers must be i16}}
  %0 = cnn.conv %a, %b {window = #cnn.window<[1]>} : (tensor<1x2x4xi8>, tensor<2x2x1xi8>) -> tensor<1x2x4xi32>
  return
}

// -----

func.func @dense_mixed(%a: tensor<2x4xi16>, %b: tensor<3x4xf32>) {
  // expected-error @below {{input and filter have elements of 'i16' and 'f32'; integers must be i16}}
  %0 = cnn.dense %a, %b : (tensor<2x4xi16>, tensor<3x4xf32>) -> tensor<2x3xi32>
  return
}

// -----

func.func @conv_integers_bias(%a: tensor<1x2x4xi16>, %b: tensor<2x2x1xi16>, %c: tensor<2xi16>) {
  // expected-error @below {{a layer of integers has no bias, residual or activation}}
  %0 = cnn.conv %a, %b, %c {window = #cnn.window<[1]>}
      : (tensor<1x2x4xi16>, tensor<2x2x1xi16>, tensor<2xi16>) -> tensor<1x2x4xi32>
  return
}

// -----

func.func @conv_integers_result(%a: tensor<1x2x4xi16>, %b: tensor<2x2x1xi16>) {
  // expected-error @below {{inferred type(s) 'tensor<1x2x4xi32>' are incompatible with return type(s)}}
  // expected-error @below {{failed to infer returned types}}
  %0 = cnn.conv %a, %b {window = #cnn.window<[1]>} : (tensor<1x2x4xi16>, tensor<2x2x1xi16>) -> tensor<1x2x4xi16>
  return
}

// -----

func.func @transposed_integers(%a: tensor<1x2x4xi16>, %b: tensor<2x2x1xi16>) {
  // expected-error @below {{a transposed convolution has no integers}}
  %0 = cnn.conv_transpose %a, %b {output_padding = array<i64: 0>, window = #cnn.window<[1]>}
      : (tensor<1x2x4xi16>, tensor<2x2x1xi16>) -> tensor<1x2x4xi32>
  return
}
