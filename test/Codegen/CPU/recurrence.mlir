// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// Integration/test_recurrent.py tests the results of these kernels.

// One sequence: a tile has four gates of two vectors, whose eight sums stay in registers. No access has a mask, because 64
// hidden units fill two blocks. One task runs all steps.
// CHECK:       cnn.launch @recurrence tasks(1)
// CHECK-LABEL: func.func private @recurrence(
// CHECK-SAME:    memref<768xi8> {cnn.scratch}
// CHECK:         scf.for {{.+}} = %c0 to %c50 step %c1 {
// CHECK:           scf.for {{.+}} = %c0 to %c2 step %c1 {
// CHECK:             scf.for {{.+}} = %c0 to %c64 step %c1 iter_args(
// CHECK:               memref.load {{.+}} : memref<2x1x64xf32>
// CHECK-COUNT-8:       vector.fma
// CHECK-NOT:           vector.fma
// CHECK:               scf.yield
// CHECK-NOT:         vector.maskedstore
// CHECK:             math.tanh
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<50x1x1x256xf32>, %r: memref<1x2x64x4x32xf32>,
      %y: memref<50x1x1x64xf32>) {
    cnn.recurrence <lstm> <forward> %x, %r outs(%y)
        {functions = [#cnn.function<sigmoid>, #cnn.function<tanh>, #cnn.function<tanh>], sequence}
        : (memref<50x1x1x256xf32>, memref<1x2x64x4x32xf32>, memref<50x1x1x64xf32>) -> ()
    return
  }
}

// -----

// Computed weights are not packed: each gate is a row of its own, and the end of 20 hidden units has a mask. Two directions
// are two tasks. The rows of the two sequences share the code of the cell.
// CHECK:       cnn.launch @recurrence tasks(2)
// CHECK-LABEL: func.func private @recurrence(
// CHECK:         vector.create_mask
// CHECK:         vector.maskedload {{.+}} : memref<2x20x60xf32>
// CHECK:         vector.fma
// CHECK:         math.tanh
// CHECK-NOT:     math.tanh
// CHECK:         vector.maskedstore {{.+}} : memref<400x2x2x20xf32>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<400x2x2x60xf32>, %r: memref<2x20x60xf32>,
      %b: memref<2x20xf32>, %y: memref<400x2x2x20xf32>) {
    cnn.recurrence <gru> <bidirectional> %x, %r bias(%b) outs(%y) {functions = [#cnn.function<sigmoid>, #cnn.function<tanh>,
        #cnn.function<sigmoid>, #cnn.function<tanh>], sequence}
        : (memref<400x2x2x60xf32>, memref<2x20x60xf32>, memref<2x20xf32>, memref<400x2x2x20xf32>) -> ()
    return
  }
}

// -----

// The state of all sequences is quantised with one scale before a step multiplies it, so all are one task.
// CHECK:       cnn.launch @recurrence tasks(1)
// CHECK-LABEL: func.func private @recurrence(
// CHECK:         arith.minimumf
// CHECK:         vector.reduction <minimumf>
// CHECK:         vector.reduction <maximumf>
// CHECK:         math.roundeven
// CHECK:         vector.fma
// CHECK:         arith.mulf
// CHECK:         math.tanh
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<400x40x1x80xf32>, %r: memref<1x20x80xf32>,
      %s: memref<1x80xf32>, %y: memref<400x1x40x20xf32>) {
    cnn.recurrence <lstm> <forward> %x, %r scales(%s) outs(%y) {functions = [#cnn.function<sigmoid>, #cnn.function<tanh>,
        #cnn.function<tanh>], sequence}
        : (memref<400x40x1x80xf32>, memref<1x20x80xf32>, memref<1x80xf32>, memref<400x1x40x20xf32>) -> ()
    return
  }
}
