// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --cse | FileCheck %s

// Integration/test_integer_kernels.py and test_bf16.py test the results of this kernel.

// 70 rows are three register tiles, each a task's block of rows here. The last begins at row 38. Sums are stored with a mask where
// the last tile of outputs reaches past the row.
// CHECK:       cnn.launch @tile_product_dense tasks(6)
// CHECK-LABEL: func.func private @tile_product_dense(
// CHECK:         llvm.call_intrinsic "llvm.x86.ldtilecfg"
// CHECK:         scf.for
// CHECK:           arith.minsi %{{.+}}, %c38
// CHECK-COUNT-4:   llvm.call_intrinsic "llvm.x86.tileloadd64"({{.+}}, %c0_i64)
// CHECK:           scf.for {{.+}} = %c0 to %c4 step %c1
// CHECK-COUNT-4:     llvm.call_intrinsic "llvm.x86.tileloadd64"
// CHECK-COUNT-4:     llvm.call_intrinsic "llvm.x86.tdpbf16ps"
// CHECK-COUNT-4:   llvm.call_intrinsic "llvm.x86.tilestored64"
// CHECK-COUNT-2:   vector.maskedstore
// CHECK-COUNT-2:   vector.store {{.+}} : memref<70x33xbf16>, vector<16xbf16>
// CHECK:         llvm.call_intrinsic "llvm.x86.tilerelease"
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "sapphirerapids", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 2097152, precision = bf16>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<70x128xbf16>, %w: memref<2x64x32x2xbf16>,
      %b: memref<64xf32>, %y: memref<70x33xbf16>) {
    cnn.dense %x, %w, %b outs(%y)
        {filter_shape = array<i64: 33, 128>,
         schedule = #cnn.schedule<tile_product, tile = 32x2x16, filter = <dense_dots, 2x64x32x2xbf16>, scratch = 4096>}
        : (memref<70x128xbf16>, memref<2x64x32x2xbf16>, memref<64xf32>, memref<70x33xbf16>) -> ()
    return
  }
}
