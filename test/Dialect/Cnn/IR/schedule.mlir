// RUN: convoy-opt %s | FileCheck %s
// RUN: convoy-opt %s | convoy-opt | FileCheck %s

// Fields with their default values are not printed.
// CHECK-LABEL: func.func private @defaults()
// CHECK-SAME:    #cnn.schedule<direct, tile = 14x2x16, filter = <tiles, 1x4x4x3x3x16x32xf32>>
func.func private @defaults() attributes {a = #cnn.schedule<direct, tile = 14x2x16, span = row, order = channels, splits = 1,
    filter = <tiles, 1x4x4x3x3x16x32xf32>, scratch = 0>}

// Fields may come in any order.
// CHECK-LABEL: func.func private @order()
// CHECK-SAME:    #cnn.schedule<direct, tile = 14x1x16, span = plane, order = pixels,
// CHECK-SAME:      filter = <tiles, 1x2x4x1x1x16x16xbf16>, scratch = 3584>
func.func private @order() attributes {a = #cnn.schedule<direct, scratch = 3584, filter = <tiles, 1x2x4x1x1x16x16xbf16>,
    order = pixels, span = plane, tile = 14x1x16>}

// CHECK-LABEL: func.func private @winograd()
// CHECK-SAME:    #cnn.schedule<winograd_4x4_compact, tile = 14x2x16, strip = 16, chunk = 8,
// CHECK-SAME:      filter = <winograd_compact, 1x1x256x9x32xf32>, scratch = 64>
func.func private @winograd() attributes {a = #cnn.schedule<winograd_4x4_compact, tile = 14x2x16, strip = 16, chunk = 8,
    filter = <winograd_compact, 1x1x256x9x32xf32>, scratch = 64>}

// CHECK-LABEL: func.func private @gpu()
// CHECK-SAME:    a = #cnn.schedule<matrix_product, tile = 64x2x16, splits = 4, stages = 3, filter = <dense, 1x64x32xf32>, scratch = 32768>
// CHECK-SAME:    b = #cnn.schedule<warpgroup_product, tile = 112x4x16, box = 1x2x56, stages = 4, warpgroups = 2,
// CHECK-SAME:      precision = tf32, filter = <input_rows, 1x1x2x3x3x2x64x16xf32>>
func.func private @gpu() attributes {
    a = #cnn.schedule<matrix_product, tile = 64x2x16, splits = 4, stages = 3, filter = <dense, 1x64x32xf32>, scratch = 32768>,
    b = #cnn.schedule<warpgroup_product, tile = 112x4x16, box = 1x2x56, stages = 4, warpgroups = 2, precision = tf32,
                      filter = <input_rows, 1x1x2x3x3x2x64x16xf32>>}

// CHECK-LABEL: func.func private @layout() attributes {a = #cnn.filter_layout<channelwise, 2x3x3x1x16xf32>}
func.func private @layout() attributes {a = #cnn.filter_layout<channelwise, 2x3x3x1x16xf32>}

// A schedule as the attribute of a layer.
// CHECK-LABEL: func.func @dense(
// CHECK:         cnn.dense %arg0, %arg1 {schedule = #cnn.schedule<dense, tile = 1x4x16, filter = <dense, 2x64x64xf32>>}
func.func @dense(%x: tensor<1x64xf32>, %w: tensor<100x64xf32>) -> tensor<1x100xf32> {
  %0 = cnn.dense %x, %w {schedule = #cnn.schedule<dense, tile = 1x4x16, filter = <dense, 2x64x64xf32>>}
     : (tensor<1x64xf32>, tensor<100x64xf32>) -> tensor<1x100xf32>
  return %0 : tensor<1x100xf32>
}

// CHECK-LABEL: func.func private @dots()
// CHECK-SAME:    a = #cnn.schedule<direct, tile = 6x2x8, filter = <dots, 1x4x4x3x3x4x16x2xi8>>
// CHECK-SAME:    b = #cnn.schedule<dense, tile = 6x2x8, filter = <dense_dots, 4x32x16x2xi16>>
// CHECK-SAME:    c = #cnn.schedule<dense, tile = 6x2x8, filter = <dense_dots, 4x16x16x4xi8>>
func.func private @dots() attributes {
    a = #cnn.schedule<direct, tile = 6x2x8, filter = <dots, 1x4x4x3x3x4x16x2xi8>>,
    b = #cnn.schedule<dense, tile = 6x2x8, filter = <dense_dots, 4x32x16x2xi16>>,
    c = #cnn.schedule<dense, tile = 6x2x8, filter = <dense_dots, 4x16x16x4xi8>>}
