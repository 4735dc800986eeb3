// RUN: convoy-opt %s --split-input-file --verify-diagnostics=only-expected

// Convolutions and dense layers of integers.

func.func @conv_bytes(%a: tensor<1x2x4xi8>, %b: tensor<2x2x1xi16>) {
  // expected-error @below {{input and filter have elements of 'i8' and 'i16'; integers must be i16, or those of the filter i8}}
  %0 = cnn.conv %a, %b {window = #cnn.window<[1]>} : (tensor<1x2x4xi8>, tensor<2x2x1xi16>) -> tensor<1x2x4xi32>
  return
}

// -----

func.func @dense_mixed(%a: tensor<2x4xi16>, %b: tensor<3x4xf32>) {
  // expected-error @below {{input and filter have elements of 'i16' and 'f32'; integers must be i16, or those of the filter i8}}
  %0 = cnn.dense %a, %b : (tensor<2x4xi16>, tensor<3x4xf32>) -> tensor<2x3xi32>
  return
}

// -----

func.func @conv_integers_bias(%a: tensor<1x2x4xi16>, %b: tensor<2x2x1xi16>, %c: tensor<2xi16>) {
  // expected-error @below {{a layer of integers has no residual or activation, and a bias of i32}}
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

// -----

func.func @quantize_type(%x: tensor<2x4xf32>, %s: tensor<f32>, %z: tensor<i32>) {
  // expected-error @below {{quantised elements are of type 'i32', expected integers of 8 or 16 bits}}
  %0 = cnn.quantize %x, %s, %z : (tensor<2x4xf32>, tensor<f32>, tensor<i32>) -> tensor<2x4xi32>
  return
}

// -----

func.func @quantize_input(%x: tensor<2x4xi32>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @below {{the input has elements of 'i32', expected f32}}
  %0 = cnn.quantize %x, %s, %z : (tensor<2x4xi32>, tensor<f32>, tensor<ui8>) -> tensor<2x4xui8>
  return
}

// -----

func.func @quantize_scale(%x: tensor<2x4xf32>, %s: tensor<3xf32>, %z: tensor<ui8>) {
  // expected-error @below {{dimension 1 does not broadcast: 4 against 3}}
  %0 = cnn.quantize %x, %s, %z : (tensor<2x4xf32>, tensor<3xf32>, tensor<ui8>) -> tensor<2x4xui8>
  return
}

// -----

func.func @quantize_larger_scale(%x: tensor<1x4xf32>, %s: tensor<2x1xf32>, %z: tensor<ui8>) {
  // expected-error @below {{the scale does not broadcast to the input}}
  %0 = cnn.quantize %x, %s, %z : (tensor<1x4xf32>, tensor<2x1xf32>, tensor<ui8>) -> tensor<2x4xui8>
  return
}

// -----

func.func @dequantize_zero(%x: tensor<2x4xui8>, %s: tensor<f32>, %z: tensor<i8>) {
  // expected-error @below {{the zero point has elements of 'i8', expected 'ui8'}}
  %0 = cnn.dequantize %x, %s, %z : (tensor<2x4xui8>, tensor<f32>, tensor<i8>) -> tensor<2x4xf32>
  return
}

// -----

func.func @dequantize_scale_type(%x: tensor<2x4xui8>, %s: tensor<f64>, %z: tensor<ui8>) {
  // expected-error @below {{the scale has elements of 'f64', expected f32}}
  %0 = cnn.dequantize %x, %s, %z : (tensor<2x4xui8>, tensor<f64>, tensor<ui8>) -> tensor<2x4xf32>
  return
}

// -----

func.func @half_a_dot(%a: tensor<2x3xi16>, %b: tensor<8x3xi16>) {
  // expected-error @below {{has a schedule that does not fit: dots of 2 inputs need a multiple of as many, in each chunk, too}}
  %0 = cnn.dense %a, %b {schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense_dots, 1x2x8x2xi16>>}
      : (tensor<2x3xi16>, tensor<8x3xi16>) -> tensor<2x8xi32>
  return
}

// -----

func.func @floats_in_dots(%a: tensor<2x4xf32>, %b: tensor<8x4xf32>) {
  // expected-error @below {{has a schedule that does not fit: filters of dots belong to layers of integers}}
  %0 = cnn.dense %a, %b {schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense_dots, 1x2x8x2xi16>>}
      : (tensor<2x4xf32>, tensor<8x4xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @bytes_in_pairs(%a: tensor<2x4xui8>, %b: tensor<8x4xi8>) {
  // expected-error @below {{has a schedule that does not fit: the filter has 2 inputs in a dot, the layer 4}}
  %0 = cnn.dense %a, %b {schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense_dots, 1x2x8x2xi8>>}
      : (tensor<2x4xui8>, tensor<8x4xi8>) -> tensor<2x8xi32>
  return
}
