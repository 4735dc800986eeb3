// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// Integration/test_integer_kernels.py and test_bf16.py test the results of these kernels.

// A task is a strip, which is the whole map here, for two vectors of channels. Its first task copies the input with its padding:
// 32 channels of a pixel are neighbours then. Two tiles of pixels and two of weights are multiplied with each other, and the
// products of a register tile come before the epilogue of the tile before.
// CHECK:       cnn.launch @tile_product_conv tasks(2)
// CHECK-LABEL: func.func private @tile_product_conv(
// CHECK:         scf.if
// CHECK-COUNT-2:   vector.load {{.+}} : memref<1x4x14x14x16xbf16>, vector<16xbf16>
// CHECK:           vector.shuffle
// CHECK:           vector.store {{.+}}, vector<32xbf16>
// CHECK:         llvm.call_intrinsic "llvm.x86.ldtilecfg"
// CHECK:         scf.for {{.+}} = %c0 to %c254 step %c32
// CHECK-COUNT-4:   llvm.call_intrinsic "llvm.x86.tilezero"
// CHECK:           scf.for {{.+}} = %c0 to %c2 step %c1
// CHECK:             scf.for {{.+}} = %c0 to %c3 step %c1
// CHECK:               scf.for {{.+}} = %c0 to %c3 step %c1
// CHECK-COUNT-4:         llvm.call_intrinsic "llvm.x86.tileloadd64"
// CHECK-COUNT-4:         llvm.call_intrinsic "llvm.x86.tdpbf16ps"
// CHECK-COUNT-4:   llvm.call_intrinsic "llvm.x86.tilestored64"
// CHECK:           arith.remui {{.+}}, %c16
// CHECK-COUNT-2:   vector.store {{.+}} : memref<1x4x14x14x16xbf16>, vector<16xbf16>
// CHECK:         llvm.call_intrinsic "llvm.x86.tilerelease"
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "sapphirerapids", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 2097152, precision = bf16>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x4x14x14x16xbf16>,
      %w: memref<1x2x2x3x3x16x32x2xbf16>, %y: memref<1x4x14x14x16xbf16>) {
    cnn.conv %x, %w outs(%y)
        {filter_shape = array<i64: 64, 64, 3, 3>, output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>,
         schedule = #cnn.schedule<tile_product, tile = 32x2x16, strip = 14, filter = <dots, 1x2x2x3x3x16x32x2xbf16>,
                                  scratch = 45440>}
        : (memref<1x4x14x14x16xbf16>, memref<1x2x2x3x3x16x32x2xbf16>, memref<1x4x14x14x16xbf16>) -> ()
    return
  }
}

// -----

// With strides, each output pixel has a copy of its window. The bias is loaded into all rows of the sums.
// CHECK:       cnn.launch @tile_product_conv tasks(1)
// CHECK-LABEL: func.func private @tile_product_conv(
// CHECK:         %[[FIRST:.+]] = llvm.mlir.constant(0 : i8)
// CHECK:         vector.store {{.+}}, vector<16xi8>
// CHECK:         llvm.call_intrinsic "llvm.x86.tileloadd64"(%[[FIRST]], %{{.+}}, %c0_i64)
// CHECK:         llvm.call_intrinsic "llvm.x86.tdpbusd"
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "sapphirerapids", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 2097152>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x1x14x14x16xi8>,
      %w: memref<1x1x1x3x3x4x16x4xi8>, %b: memref<16xi32>, %y: memref<1x1x6x6x16xi32>) {
    cnn.conv %x, %w, %b outs(%y)
        {filter_shape = array<i64: 16, 16, 3, 3>, output_block = 16 : i64, window = #cnn.window<[3, 3], strides = [2, 2]>,
         schedule = #cnn.schedule<tile_product, tile = 32x1x16, strip = 6, filter = <dots, 1x1x1x3x3x4x16x4xi8>,
                                  scratch = 14336>}
        : (memref<1x1x14x14x16xi8>, memref<1x1x1x3x3x4x16x4xi8>, memref<16xi32>, memref<1x1x6x6x16xi32>) -> ()
    return
  }
}
