// RUN: convoy-opt %s --cnn-raise-quantization | FileCheck %s

// Integration/test_quantized_models.py tests the results.

// The zero points of the filter, one for each channel, are subtracted at once, and the scales are multiplied.
// CHECK-LABEL: func.func @conv(
// CHECK-SAME:    %[[X:.+]]: tensor<1x1x2x2xui8>
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<{{\[\[\[\[}}1]]], {{\[\[\[}}6]]]]> : tensor<2x1x1x1xi16>
// CHECK-DAG:     %[[B:.+]] = arith.constant dense<{{\[\[\[\[}}3.000000e+00]], {{\[\[}}4.000000e+00]]]]> : tensor<1x2x1x1xf32>
// CHECK-DAG:     %[[S:.+]] = arith.constant dense<{{\[\[\[\[}}1.250000e-01]], {{\[\[}}2.500000e-01]]]]> : tensor<1x2x1x1xf32>
// CHECK:         %[[WIDE:.+]] = cnn.cast %[[X]] {to = i16}
// CHECK:         %[[I:.+]] = cnn.binary <sub> %[[WIDE]], %{{.+}} : (tensor<1x1x2x2xi16>, tensor<i16>)
// CHECK:         %[[SUM:.+]] = cnn.conv %[[I]], %[[W]] {window = #cnn.window<[1, 1]>} : {{.+}} -> tensor<1x2x2x2xi32>
// CHECK:         %[[F:.+]] = cnn.cast %[[SUM]] {to = f32}
// CHECK:         %[[R:.+]] = cnn.binary <mul> %[[F]], %[[S]]
// CHECK:         %[[Y:.+]] = cnn.binary <add> %[[R]], %[[B]]
// CHECK:         return %[[Y]]
func.func @conv(%x: tensor<1x1x2x2xui8>) -> tensor<1x2x2x2xf32> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<128> : tensor<ui8>
  %w = arith.constant dense<[[[[3]]], [[[5]]]]> : tensor<2x1x1x1xi8>
  %sw = arith.constant dense<[[[[0.25]]], [[[0.5]]]]> : tensor<2x1x1x1xf32>
  %zw = arith.constant dense<[[[[2]]], [[[-1]]]]> : tensor<2x1x1x1xi8>
  %b = arith.constant dense<[3, 4]> : tensor<2xi32>
  %sb = arith.constant dense<1.0> : tensor<2xf32>
  %zb = arith.constant dense<0> : tensor<i32>
  %0 = cnn.dequantize %x, %s, %z : (tensor<1x1x2x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x1x2x2xf32>
  %1 = cnn.dequantize %w, %sw, %zw : (tensor<2x1x1x1xi8>, tensor<2x1x1x1xf32>, tensor<2x1x1x1xi8>) -> tensor<2x1x1x1xf32>
  %2 = cnn.dequantize %b, %sb, %zb : (tensor<2xi32>, tensor<2xf32>, tensor<i32>) -> tensor<2xf32>
  %3 = cnn.conv %0, %1, %2 {window = #cnn.window<[1, 1]>}
      : (tensor<1x1x2x2xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>
  return %3 : tensor<1x2x2x2xf32>
}

// The filter of a dense layer was transposed, and its scales with it. The data were reshaped.
// CHECK-LABEL: func.func @dense(
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<{{\[\[}}1, 3], [2, 4]]> : tensor<2x2xi16>
// CHECK-DAG:     %[[SW:.+]] = arith.constant dense<{{\[\[}}2.500000e-01, 5.000000e-01]]> : tensor<1x2xf32>
// CHECK:         tensor.collapse_shape %{{.+}} : tensor<1x3x2xi8> into tensor<3x2xi8>
// CHECK:         cnn.dense %{{.+}}, %[[W]] : (tensor<3x2xi16>, tensor<2x2xi16>) -> tensor<3x2xi32>
// CHECK:         cnn.binary <mul> %[[SW]], %{{.+}}
func.func @dense(%x: tensor<1x3x2xi8>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<3x2xf32> {
  %w = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %sw = arith.constant dense<[0.25, 0.5]> : tensor<2xf32>
  %zw = arith.constant dense<0> : tensor<i8>
  %0 = cnn.dequantize %x, %s, %z : (tensor<1x3x2xi8>, tensor<f32>, tensor<i8>) -> tensor<1x3x2xf32>
  %1 = tensor.collapse_shape %0 [[0, 1], [2]] : tensor<1x3x2xf32> into tensor<3x2xf32>
  %2 = cnn.dequantize %w, %sw, %zw : (tensor<2x2xi8>, tensor<2xf32>, tensor<i8>) -> tensor<2x2xf32>
  %3 = tensor.empty() : tensor<2x2xf32>
  %4 = linalg.transpose ins(%2 : tensor<2x2xf32>) outs(%3 : tensor<2x2xf32>) permutation = [1, 0]
  %5 = cnn.dense %1, %4 : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %5 : tensor<3x2xf32>
}

// Integers with a scale for each row of the filter, or wider ones, are multiplied as floats.
// CHECK-LABEL: func.func @floats(
// CHECK-COUNT-2: cnn.dense {{.+}} : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
func.func @floats(%x: tensor<3x2xi8>, %v: tensor<3x2xi16>, %s: tensor<f32>, %z: tensor<i8>, %y: tensor<i16>)
    -> (tensor<3x2xf32>, tensor<3x2xf32>) {
  %w = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %sw = arith.constant dense<[0.25, 0.5]> : tensor<2xf32>
  %zw = arith.constant dense<0> : tensor<i8>
  %0 = cnn.dequantize %x, %s, %z : (tensor<3x2xi8>, tensor<f32>, tensor<i8>) -> tensor<3x2xf32>
  %1 = cnn.dequantize %w, %sw, %zw : (tensor<2x2xi8>, tensor<2xf32>, tensor<i8>) -> tensor<2x2xf32>
  %2 = cnn.dense %0, %1 : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %3 = cnn.dequantize %v, %s, %y : (tensor<3x2xi16>, tensor<f32>, tensor<i16>) -> tensor<3x2xf32>
  %4 = cnn.dequantize %w, %s, %zw : (tensor<2x2xi8>, tensor<f32>, tensor<i8>) -> tensor<2x2xf32>
  %5 = cnn.dense %3, %4 : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %2, %5 : tensor<3x2xf32>, tensor<3x2xf32>
}

// The same scale and zero point: nothing is left. Another scale: both stay.
// CHECK-LABEL: func.func @round_trip(
// CHECK-SAME:    %[[X:.+]]: tensor<4xi8>
// CHECK:         %[[Y:.+]] = cnn.quantize
// CHECK-NOT:     cnn.quantize
// CHECK:         return %[[X]], %[[Y]]
func.func @round_trip(%x: tensor<4xi8>) -> (tensor<4xi8>, tensor<4xi8>) {
  %s = arith.constant dense<0.5> : tensor<f32>
  %t = arith.constant dense<0.25> : tensor<f32>
  %z = arith.constant dense<7> : tensor<i8>
  %0 = cnn.dequantize %x, %s, %z : (tensor<4xi8>, tensor<f32>, tensor<i8>) -> tensor<4xf32>
  %1 = cnn.quantize %0, %s, %z : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xi8>
  %2 = cnn.quantize %0, %t, %z : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xi8>
  return %1, %2 : tensor<4xi8>, tensor<4xi8>
}

// The scale of the result is part of the factors and of the bias, also with a relu between, which may not be read by others.
// CHECK-LABEL: func.func @scale(
// CHECK-DAG:     %[[F:.+]] = arith.constant dense<1.250000e-01> : tensor<f32>
// CHECK-DAG:     %[[B:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00]]> : tensor<1x2xf32>
// CHECK-DAG:     %[[ONE:.+]] = arith.constant dense<1.000000e+00> : tensor<f32>
// CHECK:         cnn.binary <mul> %{{.+}}, %[[F]]
// CHECK:         cnn.binary <add> %{{.+}}, %[[B]]
// CHECK:         cnn.unary <relu>
// CHECK:         cnn.quantize %{{.+}}, %[[ONE]]
func.func @scale(%x: tensor<3x2xi8>) -> tensor<3x2xui8> {
  %w = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %s = arith.constant dense<0.5> : tensor<f32>
  %t = arith.constant dense<2.0> : tensor<f32>
  %z = arith.constant dense<0> : tensor<i8>
  %y = arith.constant dense<3> : tensor<ui8>
  %b = arith.constant dense<[2.0, 4.0]> : tensor<2xf32>
  %0 = cnn.dequantize %x, %s, %z : (tensor<3x2xi8>, tensor<f32>, tensor<i8>) -> tensor<3x2xf32>
  %1 = cnn.dequantize %w, %s, %z : (tensor<2x2xi8>, tensor<f32>, tensor<i8>) -> tensor<2x2xf32>
  %2 = cnn.dense %0, %1, %b : (tensor<3x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %3 = cnn.unary <relu> %2 : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %4 = cnn.quantize %3, %t, %y : (tensor<3x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<3x2xui8>
  return %4 : tensor<3x2xui8>
}

// Sums of so many products may not fit 32 bits.
// CHECK-LABEL: func.func @long_sums(
// CHECK:         cnn.dense {{.+}} : (tensor<1x70000xf32>, tensor<1x70000xf32>) -> tensor<1x1xf32>
func.func @long_sums(%x: tensor<1x70000xi8>) -> tensor<1x1xf32> {
  %w = arith.constant dense<-128> : tensor<1x70000xi8>
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<0> : tensor<i8>
  %0 = cnn.dequantize %x, %s, %z : (tensor<1x70000xi8>, tensor<f32>, tensor<i8>) -> tensor<1x70000xf32>
  %1 = cnn.dequantize %w, %s, %z : (tensor<1x70000xi8>, tensor<f32>, tensor<i8>) -> tensor<1x70000xf32>
  %2 = cnn.dense %0, %1 : (tensor<1x70000xf32>, tensor<1x70000xf32>) -> tensor<1x1xf32>
  return %2 : tensor<1x1xf32>
}

// The scales of a sum's operands are divided by that of the result.
// CHECK-LABEL: func.func @divided_sum(
// CHECK-DAG:     %[[FOUR:.+]] = arith.constant dense<4.000000e+00> : tensor<f32>
// CHECK-DAG:     %[[TWO:.+]] = arith.constant dense<2.000000e+00> : tensor<f32>
// CHECK-DAG:     %[[ONE:.+]] = arith.constant dense<1.000000e+00> : tensor<f32>
// CHECK-DAG:     %[[X:.+]] = cnn.dequantize %arg0, %[[FOUR]]
// CHECK-DAG:     %[[Y:.+]] = cnn.dequantize %arg1, %[[TWO]]
// CHECK:         %[[SUM:.+]] = cnn.binary <add> %[[X]], %[[Y]]
// CHECK:         cnn.quantize %[[SUM]], %[[ONE]]
func.func @divided_sum(%x: tensor<4xi8>, %y: tensor<4xi8>) -> tensor<4xi8> {
  %s = arith.constant dense<2.0> : tensor<f32>
  %t = arith.constant dense<1.0> : tensor<f32>
  %u = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<7> : tensor<i8>
  %0 = cnn.dequantize %x, %s, %z : (tensor<4xi8>, tensor<f32>, tensor<i8>) -> tensor<4xf32>
  %1 = cnn.dequantize %y, %t, %z : (tensor<4xi8>, tensor<f32>, tensor<i8>) -> tensor<4xf32>
  %2 = cnn.binary <add> %0, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = cnn.quantize %2, %u, %z : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xi8>
  return %3 : tensor<4xi8>
}

// Of a product, one of them is.
// CHECK-LABEL: func.func @divided_product(
// CHECK-DAG:     %[[FOUR:.+]] = arith.constant dense<4.000000e+00> : tensor<f32>
// CHECK-DAG:     %[[ONE:.+]] = arith.constant dense<1.000000e+00> : tensor<f32>
// CHECK-DAG:     %[[X:.+]] = cnn.dequantize %arg0, %[[FOUR]]
// CHECK-DAG:     %[[Y:.+]] = cnn.dequantize %arg1, %[[ONE]]
// CHECK:         %[[PRODUCT:.+]] = cnn.binary <mul> %[[X]], %[[Y]]
// CHECK:         cnn.quantize %[[PRODUCT]], %[[ONE]]
func.func @divided_product(%x: tensor<4xi8>, %y: tensor<4xi8>) -> tensor<4xi8> {
  %s = arith.constant dense<2.0> : tensor<f32>
  %t = arith.constant dense<1.0> : tensor<f32>
  %u = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<7> : tensor<i8>
  %0 = cnn.dequantize %x, %s, %z : (tensor<4xi8>, tensor<f32>, tensor<i8>) -> tensor<4xf32>
  %1 = cnn.dequantize %y, %t, %z : (tensor<4xi8>, tensor<f32>, tensor<i8>) -> tensor<4xf32>
  %2 = cnn.binary <mul> %0, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = cnn.quantize %2, %u, %z : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xi8>
  return %3 : tensor<4xi8>
}

// Other operations stay.
// CHECK-LABEL: func.func @difference(
// CHECK:         %[[HALF:.+]] = arith.constant dense<5.000000e-01> : tensor<f32>
// CHECK:         %[[D:.+]] = cnn.binary <sub>
// CHECK:         cnn.quantize %[[D]], %[[HALF]]
func.func @difference(%x: tensor<4xi8>, %y: tensor<4xi8>) -> tensor<4xi8> {
  %s = arith.constant dense<2.0> : tensor<f32>
  %t = arith.constant dense<1.0> : tensor<f32>
  %u = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<7> : tensor<i8>
  %0 = cnn.dequantize %x, %s, %z : (tensor<4xi8>, tensor<f32>, tensor<i8>) -> tensor<4xf32>
  %1 = cnn.dequantize %y, %t, %z : (tensor<4xi8>, tensor<f32>, tensor<i8>) -> tensor<4xf32>
  %2 = cnn.binary <sub> %0, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = cnn.quantize %2, %u, %z : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xi8>
  return %3 : tensor<4xi8>
}

// The parts of a concatenation are quantised, unless the whole has another reader.
// CHECK-LABEL: func.func @parts(
// CHECK:         %[[A:.+]] = cnn.quantize %arg0
// CHECK:         %[[B:.+]] = cnn.quantize %arg1
// CHECK:         cnn.concat %[[A]], %[[B]] {axis = 0 : i64} : (tensor<2xui8>, tensor<4xui8>) -> tensor<6xui8>
// CHECK:         %[[C:.+]] = cnn.concat %arg1, %arg0 {{.+}} -> tensor<6xf32>
// CHECK:         cnn.quantize %[[C]]
func.func @parts(%x: tensor<2xf32>, %y: tensor<4xf32>) -> (tensor<6xui8>, tensor<6xui8>, tensor<6xf32>) {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<7> : tensor<ui8>
  %0 = cnn.concat %x, %y {axis = 0 : i64} : (tensor<2xf32>, tensor<4xf32>) -> tensor<6xf32>
  %1 = cnn.quantize %0, %s, %z : (tensor<6xf32>, tensor<f32>, tensor<ui8>) -> tensor<6xui8>
  %2 = cnn.concat %y, %x {axis = 0 : i64} : (tensor<4xf32>, tensor<2xf32>) -> tensor<6xf32>
  %3 = cnn.quantize %2, %s, %z : (tensor<6xf32>, tensor<f32>, tensor<ui8>) -> tensor<6xui8>
  return %1, %3, %2 : tensor<6xui8>, tensor<6xui8>, tensor<6xf32>
}

// A max pool finds the largest differences. A layer reads them, also if they were quantised in between; with another zero point
// they are quantised again.
// CHECK-LABEL: func.func @pool(
// CHECK:         %[[WIDE:.+]] = cnn.cast %arg0 {to = i16}
// CHECK:         %[[D:.+]] = cnn.binary <sub> %[[WIDE]]
// CHECK:         %[[P:.+]] = cnn.max_pool %[[D]] {{.+}} : (tensor<1x1x4xi16>) -> tensor<1x1x2xi16>
// CHECK-DAG:     cnn.conv %[[P]], {{.+}} -> tensor<1x1x2xi32>
// CHECK-DAG:     %[[F:.+]] = cnn.dequantize %[[P]]
// CHECK:         cnn.quantize %[[F]]
func.func @pool(%x: tensor<1x1x4xui8>) -> (tensor<1x1x2xf32>, tensor<1x1x2xui8>) {
  %w = arith.constant dense<2> : tensor<1x1x1xi8>
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<7> : tensor<ui8>
  %y = arith.constant dense<8> : tensor<ui8>
  %zw = arith.constant dense<0> : tensor<i8>
  %0 = cnn.dequantize %x, %s, %z : (tensor<1x1x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x1x4xf32>
  %1 = cnn.max_pool %0 {window = #cnn.window<[2], strides = [2]>} : (tensor<1x1x4xf32>) -> tensor<1x1x2xf32>
  %2 = cnn.quantize %1, %s, %z : (tensor<1x1x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x1x2xui8>
  %3 = cnn.dequantize %2, %s, %z : (tensor<1x1x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x1x2xf32>
  %4 = cnn.dequantize %w, %s, %zw : (tensor<1x1x1xi8>, tensor<f32>, tensor<i8>) -> tensor<1x1x1xf32>
  %5 = cnn.conv %3, %4 {window = #cnn.window<[1]>} : (tensor<1x1x2xf32>, tensor<1x1x1xf32>) -> tensor<1x1x2xf32>
  %6 = cnn.quantize %1, %s, %y : (tensor<1x1x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x1x2xui8>
  return %5, %6 : tensor<1x1x2xf32>, tensor<1x1x2xui8>
}
