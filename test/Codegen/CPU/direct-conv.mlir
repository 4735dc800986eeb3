// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-generate-cpu-kernels --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s

// Integration/test_ops_convolution.py tests the results of these kernels.

// A 1x1 convolution with bias, residual and activation. A task is a row of 14 pixels for two vectors
// of channels: 28 sums, which start with the bias and are carried through both loops over the input
// channels.
// CHECK:       cnn.launch @conv tasks(28)
// CHECK-LABEL: func.func private @conv(
// CHECK-COUNT-2: vector.load %{{.+}} : memref<64xf32>, vector<16xf32>
// CHECK:         scf.for {{.+}} = %c0 to %c2 step %c1 iter_args(
// CHECK-NEXT:      scf.for {{.+}} = %c0 to %c16 step %c1 iter_args(
// CHECK-COUNT-2:     vector.load {{.+}} : memref<1x2x2x1x1x16x32xf32>, vector<16xf32>
// CHECK-COUNT-28:    vector.fma
// CHECK-NOT:         vector.fma
// CHECK:             scf.yield
// CHECK:             scf.yield
// CHECK:         %[[R:.+]] = vector.load {{.+}} : memref<1x4x14x14x16xf32>
// CHECK-NEXT:    %[[SUM:.+]] = arith.addf %{{.+}}, %[[R]] : vector<16xf32>
// CHECK-NEXT:    %[[LESS:.+]] = arith.cmpf olt, %[[SUM]]
// CHECK-NEXT:    %[[RELU:.+]] = arith.select %[[LESS]]
// CHECK-NEXT:    vector.store %[[RELU]]
// CHECK-COUNT-27: vector.store
// CHECK-NOT:     vector.store
// CHECK-NOT:     memref.alloca
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x2x14x14x16xf32>,
      %w: memref<1x2x2x1x1x16x32xf32>, %b: memref<64xf32>, %r: memref<1x4x14x14x16xf32>,
      %y: memref<1x4x14x14x16xf32>) {
    cnn.conv %x, %w, %b residual(%r) outs(%y)
        {activation = #cnn.function<relu>, filter_shape = array<i64: 64, 32, 1, 1>, output_block = 16 : i64,
        window = #cnn.window<[1, 1]>}
        : (memref<1x2x14x14x16xf32>, memref<1x2x2x1x1x16x32xf32>, memref<64xf32>, memref<1x4x14x14x16xf32>,
        memref<1x4x14x14x16xf32>) -> ()
    return
  }
}

// -----

// A 7x7 map does not fill rows of 14: a task is all 49 pixels, 12 + 12 + 12 + 13. The first two tiles are a loop. The last two
// prefetch the filter for the next task: each of them one of the two cache lines of every row.
// CHECK:       cnn.launch @conv tasks(1)
// CHECK-LABEL: func.func private @conv(
// CHECK:         memref.reinterpret_cast {{.+}} to memref<1x2x1x49x16xf32>
// CHECK-NOT:     memref.prefetch
// CHECK:         scf.for %{{.+}} = %c0 to %c24 step %c12 {
// CHECK-NOT:     memref.prefetch
// CHECK-COUNT-24:  vector.fma
// CHECK:           scf.yield
// CHECK:         memref.prefetch %arg3[%c0, %c1, %{{.+}}, %c0, %c0, %{{.+}}, %c16], read, locality<2>
// CHECK-COUNT-24:  vector.fma
// CHECK:           scf.yield
// CHECK:         memref.prefetch %arg3[%c0, %c1, %{{.+}}, %c0, %c0, %{{.+}}, %c0], read, locality<2>
// CHECK-COUNT-26:  vector.fma
// CHECK-NOT:     vector.fma
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x2x7x7x16xf32>,
      %w: memref<1x1x2x1x1x16x32xf32>, %y: memref<1x2x7x7x16xf32>) {
    cnn.conv %x, %w outs(%y) {filter_shape = array<i64: 32, 32, 1, 1>, output_block = 16 : i64,
        window = #cnn.window<[1, 1]>}
        : (memref<1x2x7x7x16xf32>, memref<1x1x2x1x1x16x32xf32>, memref<1x2x7x7x16xf32>) -> ()
    return
  }
}

// -----

// 3x3 with padding. A loop runs over the rows of the kernel that are inside the map. The left column
// of the kernel misses the first pixel and the right column the last one: 2 * 13 multiply-adds.
// CHECK:       cnn.launch @conv tasks(14)
// CHECK-LABEL: func.func private @conv(
// CHECK:         arith.maxsi
// CHECK:         arith.minsi
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK-COUNT-26:    vector.fma
// CHECK:             scf.yield
// CHECK-COUNT-28:    vector.fma
// CHECK:             scf.yield
// CHECK-COUNT-26:    vector.fma
// CHECK:             scf.yield
// CHECK-COUNT-28: vector.store
// CHECK-NOT:     vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x1x14x14x16xf32>,
      %w: memref<1x1x1x3x3x16x32xf32>, %y: memref<1x2x14x14x16xf32>) {
    cnn.conv %x, %w outs(%y) {filter_shape = array<i64: 32, 16, 3, 3>, output_block = 16 : i64,
        window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (memref<1x1x14x14x16xf32>, memref<1x1x1x3x3x16x32xf32>, memref<1x2x14x14x16xf32>) -> ()
    return
  }
}

// -----

// The stem of a network reads 3 plain channels. The tiles at the left and at the right border have
// code of their own, and a loop runs over the tiles between them.
// CHECK:       cnn.launch @conv tasks(224)
// CHECK-LABEL: func.func private @conv(
// CHECK:         scf.for {{.+}} = %c0 to %c3 step %c1
// CHECK:           memref.load {{.+}} : memref<1x3x224x224xf32>
// CHECK:         scf.for {{.+}} = %c14 to %{{.+}} step %c14
// CHECK-COUNT-28:  vector.fma
// CHECK-COUNT-28:  vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x3x224x224xf32>,
      %w: memref<1x2x1x7x7x3x32xf32>, %b: memref<64xf32>, %y: memref<1x4x112x112x16xf32>) {
    cnn.conv %x, %w, %b outs(%y) {filter_shape = array<i64: 64, 3, 7, 7>, output_block = 16 : i64,
        window = #cnn.window<[7, 7], strides = [2, 2], pads = [3, 3, 3, 3]>}
        : (memref<1x3x224x224xf32>, memref<1x2x1x7x7x3x32xf32>, memref<64xf32>, memref<1x4x112x112x16xf32>) -> ()
    return
  }
}

// -----

// Two groups, a batch of two, strides, dilations and pads of different sizes. Each tile has two rows of four of the 16
// pixels. For the first row and column of the kernel, only three pixels of the second row are inside the map.
// CHECK:       cnn.launch @conv tasks(4)
// CHECK-LABEL: func.func private @conv(
// CHECK:         vector.load {{.+}} : memref<2x1x2x3x3x16x32xf32>, vector<16xf32>
// CHECK-COUNT-6: vector.fma
// CHECK-NOT:     vector.fma
// CHECK:         scf.yield
// CHECK-COUNT-8: vector.fma
// CHECK-NOT:     vector.fma
// CHECK:         scf.yield
// CHECK-COUNT-32: vector.store
// CHECK-NOT:     vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<2x4x8x8x16xf32>,
      %w: memref<2x1x2x3x3x16x32xf32>, %y: memref<2x4x4x4x16xf32>) {
    cnn.group_conv %x, %w outs(%y) {group = 2 : i64, filter_shape = array<i64: 64, 32, 3, 3>, output_block = 16 : i64,
        window = #cnn.window<[3, 3], strides = [2, 2], dilations = [2, 2], pads = [2, 1, 1, 2]>}
        : (memref<2x4x8x8x16xf32>, memref<2x1x2x3x3x16x32xf32>, memref<2x4x4x4x16xf32>) -> ()
    return
  }
}

// -----

// Rows of the kernel are two apart. 20 input channels are a whole block and a quarter of another. The
// 20 plain output channels go through a scratch tile of 32 channels; the other 12 are not copied.
// CHECK:       cnn.launch @conv tasks(8)
// CHECK-LABEL: func.func private @conv(
// CHECK:         memref.alloca() {alignment = 64 : i64} : memref<14x32xf32>
// CHECK-NEXT:    scf.for
// CHECK:           %[[MISSING:.+]] = arith.ceildivsi
// CHECK-NEXT:      %[[FIRST:.+]] = arith.maxsi %[[MISSING]], %c0
// CHECK:           arith.floordivsi
// CHECK:           %[[END:.+]] = arith.minsi
// CHECK:           scf.for {{.+}} = %[[FIRST]] to %[[END]] step %c1
// CHECK-COUNT-3:     scf.for {{.+}} = %c0 to %c16 step %c1
// CHECK:           scf.for {{.+}} = %[[FIRST]] to %[[END]] step %c1
// CHECK-COUNT-3:     scf.for {{.+}} = %c0 to %c4 step %c1
// CHECK-COUNT-24:  vector.store {{.+}} : memref<14x32xf32>
// CHECK:           scf.for {{.+}} = %c0 to %c20 step %c1
// CHECK-NEXT:        scf.for {{.+}} = %c0 to %c12 step %c1
// CHECK:               %[[SUM:.+]] = arith.addf
// CHECK-NEXT:          arith.cmpf olt, %[[SUM]]
// CHECK:               memref.store {{.+}} : memref<1x20x8x12xf32>
// CHECK-NOT:     memref.alloc
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x2x8x12x16xf32>,
      %w: memref<1x1x2x3x3x16x32xf32>, %r: memref<1x20x8x12xf32>, %y: memref<1x20x8x12xf32>) {
    cnn.conv %x, %w residual(%r) outs(%y)
        {activation = #cnn.function<relu>, filter_shape = array<i64: 20, 20, 3, 3>,
        window = #cnn.window<[3, 3], dilations = [2, 1], pads = [2, 1, 2, 1]>}
        : (memref<1x2x8x12x16xf32>, memref<1x1x2x3x3x16x32xf32>, memref<1x20x8x12xf32>, memref<1x20x8x12xf32>) -> ()
    return
  }
}

// -----

// Vectors of four lanes: the same tile of 28 sums, 14 pixels by two vectors.
// CHECK:       cnn.launch @conv tasks(28)
// CHECK-LABEL: func.func private @conv(
// CHECK:         scf.for {{.+}} = %c0 to %c8 step %c1 iter_args(
// CHECK-NEXT:      scf.for {{.+}} = %c0 to %c4 step %c1 iter_args(
// CHECK-COUNT-28:    vector.fma {{.+}} : vector<4xf32>
// CHECK-NOT:         vector.fma
module attributes {cnn.target = #cnn.target<triple = "aarch64-linux-gnu", cpu = "generic", features = "",
    vector_lanes = 4, vector_registers = 32, l2 = 524288>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x8x14x14x4xf32>,
      %w: memref<1x2x8x1x1x4x8xf32>, %y: memref<1x4x14x14x4xf32>) {
    cnn.conv %x, %w outs(%y) {filter_shape = array<i64: 16, 32, 1, 1>, output_block = 4 : i64,
        window = #cnn.window<[1, 1]>}
        : (memref<1x8x14x14x4xf32>, memref<1x2x8x1x1x4x8xf32>, memref<1x4x14x14x4xf32>) -> ()
    return
  }
}

// -----

// 25 KB of input do not fit into the L2 cache of 16 KB, but 8 KB of filters do. So tasks for the same
// row, with different filters, follow each other.
// CHECK:       cnn.launch @conv tasks(28)
// CHECK-LABEL: func.func private @conv(
// CHECK:         scf.for %[[TASK:.+]] = %arg0 to %arg1
// CHECK-NEXT:      %[[TILE:.+]] = arith.remui %[[TASK]], %c2
// CHECK-NEXT:      %[[ROW:.+]] = arith.divui %[[TASK]], %c2
// CHECK:           vector.load %arg3[%c0, %[[TILE]],
// CHECK:           memref.load %arg2[%c0, %{{.+}}, %[[ROW]],
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 16384>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x2x14x14x16xf32>,
      %w: memref<1x2x2x1x1x16x32xf32>, %y: memref<1x4x14x14x16xf32>) {
    cnn.conv %x, %w outs(%y) {filter_shape = array<i64: 64, 32, 1, 1>, output_block = 16 : i64,
        window = #cnn.window<[1, 1]>}
        : (memref<1x2x14x14x16xf32>, memref<1x2x2x1x1x16x32xf32>, memref<1x4x14x14x16xf32>) -> ()
    return
  }
}

// -----

// A tile on the plain input of a network prefetches the rows that the next row of the output is the
// first to read: two rows of three channels, two cache lines of each. Rows end with the last one, 27.
// CHECK:       cnn.launch @conv tasks(14)
// CHECK-LABEL: func.func private @conv(
// CHECK:         scf.for %[[ROW:.+]] = %arg0 to %arg1
// CHECK:           %[[FIRST:.+]] = arith.muli %[[ROW]], %c2
// CHECK:           %[[NEXT:.+]] = arith.addi %[[FIRST]], %c2
// CHECK:           %[[CLAMPED:.+]] = arith.minsi %[[NEXT]], %c27
// CHECK:           memref.prefetch %arg2[%c0, %c0, %[[CLAMPED]], %c0], read, locality<3>, data
// CHECK:           memref.prefetch %arg2[%c0, %c0, %[[CLAMPED]], %c16], read, locality<3>, data
// CHECK:           memref.prefetch %arg2[%c0, %c1, %[[CLAMPED]], %c0], read, locality<3>, data
// CHECK-COUNT-9:   memref.prefetch
// CHECK-NOT:       memref.prefetch
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x3x28x28xf32>,
      %w: memref<1x1x1x3x3x3x32xf32>, %y: memref<1x2x14x14x16xf32>) {
    cnn.conv %x, %w outs(%y) {filter_shape = array<i64: 32, 3, 3, 3>, output_block = 16 : i64,
        window = #cnn.window<[3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>}
        : (memref<1x3x28x28xf32>, memref<1x1x1x3x3x3x32xf32>, memref<1x2x14x14x16xf32>) -> ()
    return
  }
}

// -----

// A prologue. 144 pixels are ten runs of 14 and one of 4, each for two tiles of channels: 22 tasks. The first task of a
// thread, and the first task of a run, normalise each chunk of the input before its products, and store it in scratch
// memory. All tasks of the run read it there.
// CHECK:         cnn.scratch_size = 1792 : i64
// CHECK:         cnn.launch @conv tasks(22)
// CHECK-LABEL: func.func private @conv(
// CHECK-SAME:    %[[BEGIN:[a-z0-9]+]]: index, %{{[a-z0-9]+}}: index, %[[X:[a-z0-9]+]]: memref<1x2x12x12x16xf32>,
// CHECK-SAME:      %{{[a-z0-9]+}}: memref<1x2x2x1x1x16x32xf32>, %[[S:[a-z0-9]+]]: memref<2x16xf32>,
// CHECK-SAME:      %[[T:[a-z0-9]+]]: memref<2x16xf32>, {{.*}}, %[[SCRATCH:[a-z0-9]+]]: memref<1792xi8> {cnn.scratch})
// CHECK:         scf.for %[[TASK:.+]] = %[[BEGIN]] to
// CHECK:         %[[FLAT:.+]] = memref.reinterpret_cast %[[X]] {{.+}} to memref<1x2x1x144x16xf32>
// CHECK:         %[[VIEW:.+]] = memref.view %[[SCRATCH]]{{.+}} to memref<1x2x1x14x16xf32>
// CHECK:         %[[FIRST:.+]] = arith.cmpi eq, %[[TASK]], %[[BEGIN]]
// CHECK:         scf.for %[[CHUNK:.+]] = %c0 to %c2
// CHECK-DAG:       %[[SCALE:.+]] = vector.load %[[S]][%[[CHUNK]], %c0]
// CHECK-DAG:       %[[OFFSET:.+]] = vector.load %[[T]][%[[CHUNK]], %c0]
// CHECK:           %[[IN:.+]] = vector.load %[[FLAT]][%c0, %[[CHUNK]], %c0, %{{.+}}, %c0]
// CHECK:           %[[NORM:.+]] = math.fma %[[IN]], %[[SCALE]], %[[OFFSET]]
// CHECK:           %[[LESS:.+]] = arith.cmpf olt, %[[NORM]]
// CHECK:           %[[RELU:.+]] = arith.select %[[LESS]]
// CHECK:           vector.store %[[RELU]], %[[VIEW]][%c0, %[[CHUNK]], %c0, %c0, %c0]
// CHECK-COUNT-3:   math.fma
// CHECK-NOT:       math.fma
// CHECK:           memref.load %[[VIEW]]
// CHECK-COUNT-8:   vector.fma
// CHECK-NOT:       math.fma
// CHECK:         memref.load %[[VIEW]]
// CHECK-COUNT-8: vector.fma
// CHECK-COUNT-14: math.fma
// CHECK-COUNT-28: vector.fma
// CHECK-NOT:     math.fma
// CHECK-COUNT-28: vector.fma
// CHECK-NOT:     {{math|vector}}.fma
// CHECK:         return
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x2x12x12x16xf32>,
      %w: memref<1x2x2x1x1x16x32xf32>, %s: memref<2x16xf32>, %t: memref<2x16xf32>, %y: memref<1x4x12x12x16xf32>) {
    cnn.conv %x, %w prologue(%s, %t) outs(%y)
        {input_activation = #cnn.function<relu>, filter_shape = array<i64: 64, 32, 1, 1>, output_block = 16 : i64,
        window = #cnn.window<[1, 1]>}
        : (memref<1x2x12x12x16xf32>, memref<1x2x2x1x1x16x32xf32>, memref<2x16xf32>, memref<2x16xf32>,
        memref<1x4x12x12x16xf32>) -> ()
    return
  }
}

// -----

// Pairs of integers: four steps for eight channels. Each product adds two terms to each lane of a sum of i32.
// CHECK-LABEL: func.func private @conv(
// CHECK:         scf.for {{.+}} = %c0 to %c4 step %c1 iter_args({{.+}}vector<8xi32>
// CHECK-COUNT-2:   arith.extsi {{.+}} : vector<16xi8> to vector<16xi16>
// CHECK-COUNT-12:  llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// CHECK-NOT:       llvm.call_intrinsic
// CHECK:           scf.yield
// CHECK:         vector.store {{.+}} : memref<1x2x1x36x8xi32>, vector<8xi32>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x1x1x36x8xi16>,
      %w: memref<1x1x1x1x1x4x16x2xi8>, %y: memref<1x2x1x36x8xi32>) {
    cnn.conv %x, %w outs(%y) {filter_shape = array<i64: 16, 8, 1, 1>, output_block = 8 : i64, window = #cnn.window<[1, 1]>,
        schedule = #cnn.schedule<direct, tile = 6x2x8, filter = <dots, 1x1x1x1x1x4x16x2xi8>>}
        : (memref<1x1x1x36x8xi16>, memref<1x1x1x1x1x4x16x2xi8>, memref<1x2x1x36x8xi32>) -> ()
    return
  }
}
