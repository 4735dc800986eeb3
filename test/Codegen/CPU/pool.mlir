// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// Integration/test_ops_pooling_and_norms.py tests the results of these kernels.

// A task is a row of one block of channels. Columns in the padding are not compared: 3 * 4 - 1. A
// comparison and a select together are one maxps instruction, which passes over NaNs. Each pixel is read
// once for all windows. If a result is -inf, its window may have only NaNs, and all are computed once more.
// CHECK:       cnn.launch @pool tasks(8)
// CHECK-LABEL: func.func private @pool(
// CHECK-DAG:     %[[LOWEST:.+]] = arith.constant dense<0xFF800000> : vector<16xf32>
// CHECK-DAG:     %[[NAN:.+]] = arith.constant dense<0x7FC00000> : vector<16xf32>
// CHECK:         scf.for %{{.+}} iter_args(%[[LARGEST:[a-z0-9]+]] = %[[LOWEST]], %
// CHECK:           %[[X:[0-9]+]] = vector.load
// CHECK-NEXT:      %[[WINS:.+]] = arith.cmpf olt, %[[LARGEST]], %[[X]] : vector<16xf32>
// CHECK-NEXT:      arith.select %[[WINS]], %[[X]], %[[LARGEST]]
// CHECK-COUNT-7:   vector.load
// CHECK-NOT:       vector.load
// CHECK:           scf.yield
// CHECK-COUNT-4: vector.store
// CHECK-COUNT-3: arith.cmpf olt, {{.+}} : vector<16xf32>
// CHECK:         %[[IS_LOWEST:.+]] = arith.cmpf oeq, %{{.+}}, %[[LOWEST]]
// CHECK-NEXT:    %[[ANY:.+]] = vector.reduction <or>, %[[IS_LOWEST]]
// CHECK-NEXT:    %[[RARE:.+]] = llvm.intr.expect %[[ANY]], %false
// CHECK-NEXT:    scf.if %[[RARE]]
// CHECK-NEXT:      scf.for
// CHECK-NEXT:        scf.for {{.+}} iter_args(%{{.+}} = %[[NAN]])
// CHECK:               arith.maxnumf
// CHECK:             vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x2x8x8x16xf32>, %y: memref<1x2x4x4x16xf32>) {
    cnn.max_pool %x outs(%y) {blocked, window = #cnn.window<[3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>}
        : (memref<1x2x8x8x16xf32>, memref<1x2x4x4x16xf32>) -> ()
    return
  }
}

// -----

// This average divides by the number of pixels inside the map: rows times columns.
// CHECK:       cnn.launch @pool tasks(16)
// CHECK-LABEL: func.func private @pool(
// CHECK:         scf.for
// CHECK-COUNT-22:  arith.addf
// CHECK:           scf.yield
// CHECK:         arith.sitofp
// CHECK-COUNT-8: arith.divf {{.+}} : vector<16xf32>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x2x8x8x16xf32>, %y: memref<1x2x8x8x16xf32>) {
    cnn.avg_pool %x outs(%y) {blocked, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (memref<1x2x8x8x16xf32>, memref<1x2x8x8x16xf32>) -> ()
    return
  }
}

// -----

// An average that counts the padding divides by nine everywhere.
// CHECK:       cnn.launch @pool tasks(16)
// CHECK-LABEL: func.func private @pool(
// CHECK-DAG:     %[[NINE:.+]] = arith.constant dense<9.000000e+00> : vector<16xf32>
// CHECK-NOT:     arith.sitofp
// CHECK-COUNT-8: arith.divf {{.+}}, %[[NINE]] : vector<16xf32>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x2x8x8x16xf32>, %y: memref<1x2x8x8x16xf32>) {
    cnn.avg_pool %x outs(%y) {blocked, count_include_pad, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (memref<1x2x8x8x16xf32>, memref<1x2x8x8x16xf32>) -> ()
    return
  }
}

// -----

// With ceil_mode the last window may reach beyond the input: of 5 rows the third window has only one,
// and the same is so for columns. Plain data is read one element at a time.
// CHECK:       cnn.launch @pool tasks(9)
// CHECK-LABEL: func.func private @pool(
// CHECK:         %[[ROOM:.+]] = arith.subi %c5, %
// CHECK-NEXT:    %[[END:.+]] = arith.minsi %[[ROOM]], %c2
// CHECK:         scf.for {{.+}} = %c0 to %[[END]] step %c1 iter_args({{.+}}) -> (f32, f32, f32)
// CHECK-COUNT-5:   arith.cmpf olt, {{.+}} : f32
// CHECK-NOT:       arith.cmpf
// CHECK:           scf.yield
// CHECK-COUNT-3: memref.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x3x5x5xf32>, %y: memref<1x3x3x3xf32>) {
    cnn.max_pool %x outs(%y) {ceil_mode, window = #cnn.window<[2, 2], strides = [2, 2]>} : (memref<1x3x5x5xf32>, memref<1x3x3x3xf32>) -> ()
    return
  }
}

// -----

// The elements of the window are two apart in both directions. The rows are a loop, in which each of the
// seven columns is read once.
// CHECK:       cnn.launch @pool tasks(3)
// CHECK-LABEL: func.func private @pool(
// CHECK:         scf.for %{{.+}} = %c0 to %c3 step %c1
// CHECK:           %[[AT:.+]] = arith.muli %{{.+}}, %c2
// CHECK-NEXT:      arith.addi %{{.+}}, %[[AT]]
// CHECK-COUNT-7:   vector.load
// CHECK-NOT:       vector.load
// CHECK:           scf.yield
// CHECK:         scf.if
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x1x7x7x16xf32>, %y: memref<1x1x3x3x16xf32>) {
    cnn.max_pool %x outs(%y) {window = #cnn.window<[3, 3], dilations = [2, 2]>} : (memref<1x1x7x7x16xf32>, memref<1x1x3x3x16xf32>) -> ()
    return
  }
}

// -----

// A wide window has a loop over its columns, too.
// CHECK:       cnn.launch @pool tasks(1)
// CHECK-LABEL: func.func private @pool(
// CHECK:         scf.for %{{.+}} = %c0 to %c9 step %c1
// CHECK:           scf.for %{{.+}} = %c0 to %c9 step %c1
// CHECK-COUNT-2:     vector.load
// CHECK:             scf.yield
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x1x9x10x16xf32>, %y: memref<1x1x1x2x16xf32>) {
    cnn.max_pool %x outs(%y) {window = #cnn.window<[9, 9]>} : (memref<1x1x9x10x16xf32>, memref<1x1x1x2x16xf32>) -> ()
    return
  }
}
