// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-generate-cpu-kernels --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s

// Integration/test_ops_convolution.py and test_architectures.py test the results of these kernels.

// One row is limited by memory bandwidth: four vectors of weights are read for each input. The
// store of the last of the 100 outputs has a mask.
// CHECK:       cnn.launch @dense tasks(2)
// CHECK-LABEL: func.func private @dense(
// CHECK-COUNT-4: vector.load {{.+}} : memref<128xf32>, vector<16xf32>
// CHECK:         scf.for {{.+}} = %c0 to %c64 step %c1 iter_args(
// CHECK-COUNT-4:   vector.load {{.+}} : memref<2x64x64xf32>, vector<16xf32>
// CHECK-COUNT-4:   vector.fma
// CHECK-NOT:       vector.fma
// CHECK:           scf.yield
// CHECK-COUNT-4: vector.maskedstore
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x64xf32>, %w: memref<2x64x64xf32>,
      %b: memref<128xf32>, %y: memref<1x100xf32>) {
    cnn.dense %x, %w, %b outs(%y) {activation = #cnn.function<relu>, filter_shape = array<i64: 100, 64>}
        : (memref<1x64xf32>, memref<2x64x64xf32>, memref<128xf32>, memref<1x100xf32>) -> ()
    return
  }
}

// -----

// Twenty rows are cut into 14 and 6. A tile has two vectors of outputs.
// CHECK:       cnn.launch @dense tasks(4)
// CHECK-LABEL: func.func private @dense(
// CHECK:         scf.for
// CHECK-COUNT-28:  vector.fma
// CHECK:           scf.yield
// CHECK-COUNT-28: vector.maskedstore
// CHECK:         scf.for
// CHECK-COUNT-12:  vector.fma
// CHECK:           scf.yield
// CHECK-COUNT-12: vector.maskedstore
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<20x64xf32>, %w: memref<4x64x32xf32>, %y: memref<20x100xf32>) {
    cnn.dense %x, %w outs(%y) {filter_shape = array<i64: 100, 64>} : (memref<20x64xf32>, memref<4x64x32xf32>, memref<20x100xf32>) -> ()
    return
  }
}

// -----

// Inputs are added up in three chunks; between them, the sums are in the output. Each task has one of the three groups
// of rows, the last of which is a rest, and one tile. Groups that do not count are left out.
// CHECK:       cnn.launch @dense tasks(12)
// CHECK-LABEL: func.func private @dense(
// CHECK-SAME:    , %[[ROWS:[a-z0-9]+]]: memref<i64>, %
// CHECK:         memref.load %[[ROWS]][]
// CHECK:         scf.for %[[CHUNK:.+]] = %c0 to %c3 step %c1
// CHECK:           %[[END:.+]] = arith.minsi %{{.+}}, %c1100
// CHECK:           arith.ceildivsi
// CHECK:           scf.for
// CHECK:             %[[SUMS:.+]]:28 = scf.if
// CHECK-COUNT-2:       vector.load {{.+}} : memref<128xf32>, vector<16xf32>
// CHECK:             } else {
// CHECK-COUNT-28:      vector.load {{.+}} : memref<40x128xf32>, vector<16xf32>
// CHECK:             scf.for %{{.+}} = %{{.+}} to %[[END]] step %c1 iter_args(
// CHECK-COUNT-28:      vector.fma
// CHECK-NOT:           vector.fma
// CHECK:             scf.if
// CHECK-COUNT-28:      arith.cmpf olt
// CHECK-COUNT-28:    vector.store
// CHECK:           arith.cmpi sgt, %{{.+}}, %c28
// CHECK:           scf.if
// CHECK-COUNT-24:    vector.fma
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<40x1100xf32>, %w: memref<4x1100x32xf32>,
      %b: memref<128xf32>, %n: memref<i64>, %y: memref<40x128xf32>) {
    cnn.dense %x, %w, %b rows(%n) outs(%y) {activation = #cnn.function<relu>, filter_shape = array<i64: 128, 1100>}
        : (memref<40x1100xf32>, memref<4x1100x32xf32>, memref<128xf32>, memref<i64>, memref<40x128xf32>) -> ()
    return
  }
}

// -----

// Pairs of integers: each product adds two terms to each lane. 20 rows are three groups of six and one of two.
// CHECK-LABEL: func.func private @dense(
// CHECK:         memref.reinterpret_cast %{{.+}} to {{.+}} : memref<1x32x16x2xi8> to memref<1x32x32xi8>
// CHECK:         scf.for %{{.+}} = %c0 to %c32 step %c1 iter_args(
// CHECK:           %[[BYTES:.+]] = vector.load {{.+}} : memref<1x32x32xi8>, vector<16xi8>
// CHECK:           arith.extsi %[[BYTES]] : vector<16xi8> to vector<16xi16>
// CHECK:           %[[PAIR:.+]] = vector.load {{.+}} : memref<20x64xi16>, vector<2xi16>
// CHECK:           vector.bitcast %[[PAIR]] : vector<2xi16> to vector<1xi32>
// CHECK-COUNT-12:  llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// CHECK-NOT:       llvm.call_intrinsic
// CHECK:           scf.yield
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<20x64xi16>, %w: memref<1x32x16x2xi8>,
      %y: memref<20x16xi32>) {
    cnn.dense %x, %w outs(%y) {filter_shape = array<i64: 16, 64>,
        schedule = #cnn.schedule<dense, tile = 6x2x8, filter = <dense_dots, 1x32x16x2xi8>>}
        : (memref<20x64xi16>, memref<1x32x16x2xi8>, memref<20x16xi32>) -> ()
    return
  }
}
