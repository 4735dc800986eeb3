// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-simplify-communication=latency=1 --split-input-file --verify-diagnostics \
// RUN:   | FileCheck %s
// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-simplify-communication=latency=0 --split-input-file --verify-diagnostics \
// RUN:   | FileCheck %s --check-prefix=FAST

// Two gathers that can start together become one: in its result, the parts of a device, 8 and 16 channels,
// follow each other. Without latency there are still two gathers.
// CHECK-LABEL: module @device_0
// CHECK:         %[[X:.+]] = cnn.unary <relu>
// CHECK:         %[[Y:.+]] = cnn.unary <exp>
// CHECK:         %[[C:.+]] = cnn.concat %[[X]], %[[Y]] {axis = 1 : i64}
// CHECK:         %[[G:.+]] = cnn.all_gather %[[C]] {axis = 1 : i64, bounds = array<i64: 0, 24, 40>, device = 0 : i64}
// CHECK-DAG:     %[[X0:.+]] = tensor.extract_slice %[[G]][0, 0, 0, 0] [1, 8, 2, 2]
// CHECK-DAG:     %[[X1:.+]] = tensor.extract_slice %[[G]][0, 24, 0, 0] [1, 8, 2, 2]
// CHECK-DAG:     %[[XX:.+]] = cnn.concat %[[X0]], %[[X1]]
// CHECK-DAG:     %[[Y0:.+]] = tensor.extract_slice %[[G]][0, 8, 0, 0] [1, 16, 2, 2]
// CHECK-DAG:     %[[Y1:.+]] = tensor.extract_slice %[[G]][0, 32, 0, 0] [1, 8, 2, 2]
// CHECK-DAG:     %[[YY:.+]] = cnn.concat %[[Y0]], %[[Y1]]
// CHECK:         return %[[XX]], %[[YY]]
// CHECK-LABEL: module @device_1
// CHECK-COUNT-1: cnn.all_gather
// CHECK-NOT:     cnn.all_gather
// FAST-LABEL:  module @device_0
// FAST-COUNT-2:  cnn.all_gather
module {
  module @device_0 {
    func.func @main(%x: tensor<1x8x2x2xf32>, %y: tensor<1x16x2x2xf32>) -> (tensor<1x16x2x2xf32>, tensor<1x24x2x2xf32>) {
      %0 = cnn.unary <relu> %x : (tensor<1x8x2x2xf32>) -> tensor<1x8x2x2xf32>
      %1 = cnn.unary <exp> %y : (tensor<1x16x2x2xf32>) -> tensor<1x16x2x2xf32>
      %2 = cnn.all_gather %0 {axis = 1 : i64, bounds = array<i64: 0, 8, 16>, device = 0 : i64}
          : (tensor<1x8x2x2xf32>) -> tensor<1x16x2x2xf32>
      %3 = cnn.all_gather %1 {axis = 1 : i64, bounds = array<i64: 0, 16, 24>, device = 0 : i64}
          : (tensor<1x16x2x2xf32>) -> tensor<1x24x2x2xf32>
      return %2, %3 : tensor<1x16x2x2xf32>, tensor<1x24x2x2xf32>
    }
  }
  module @device_1 {
    func.func @main(%x: tensor<1x8x2x2xf32>, %y: tensor<1x8x2x2xf32>) -> (tensor<1x16x2x2xf32>, tensor<1x24x2x2xf32>) {
      %2 = cnn.all_gather %x {axis = 1 : i64, bounds = array<i64: 0, 8, 16>, device = 1 : i64}
          : (tensor<1x8x2x2xf32>) -> tensor<1x16x2x2xf32>
      %3 = cnn.all_gather %y {axis = 1 : i64, bounds = array<i64: 0, 16, 24>, device = 1 : i64}
          : (tensor<1x8x2x2xf32>) -> tensor<1x24x2x2xf32>
      return %2, %3 : tensor<1x16x2x2xf32>, tensor<1x24x2x2xf32>
    }
  }
}

// -----

// Device 0 cuts its slice from its own part and needs no gather. But device 1 reads the gathered value, so
// the gather stays. The second gather repeats the first, and no device reads the sum.
// CHECK-LABEL: module @device_0
// CHECK:         func.func @main(%[[X:.+]]: tensor<1x3x4xf32>)
// CHECK:         cnn.all_gather
// CHECK-NOT:     cnn.all_gather
// CHECK-NOT:     cnn.all_reduce
// CHECK:         %[[S:.+]] = tensor.extract_slice %[[X]][0, 1, 0] [1, 2, 4]
// CHECK:         return %[[S]]
// CHECK-LABEL: module @device_1
// CHECK:         %[[G:.+]] = cnn.all_gather
// CHECK-NOT:     cnn.all_gather
// CHECK:         tensor.extract_slice %[[G]][0, 1, 0] [1, 2, 4]
module {
  module @device_0 {
    func.func @main(%x: tensor<1x3x4xf32>) -> tensor<1x2x4xf32> {
      %0 = cnn.all_gather %x {axis = 1 : i64, bounds = array<i64: 0, 3, 5>, device = 0 : i64} : (tensor<1x3x4xf32>) -> tensor<1x5x4xf32>
      %1 = cnn.all_gather %x {axis = 1 : i64, bounds = array<i64: 0, 3, 5>, device = 0 : i64} : (tensor<1x3x4xf32>) -> tensor<1x5x4xf32>
      %2 = cnn.all_reduce %0 {device = 0 : i64, devices = 2 : i64} : (tensor<1x5x4xf32>) -> tensor<1x5x4xf32>
      %s = tensor.extract_slice %1[0, 1, 0] [1, 2, 4] [1, 1, 1] : tensor<1x5x4xf32> to tensor<1x2x4xf32>
      return %s : tensor<1x2x4xf32>
    }
  }
  module @device_1 {
    func.func @main(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
      %0 = cnn.all_gather %x {axis = 1 : i64, bounds = array<i64: 0, 3, 5>, device = 1 : i64} : (tensor<1x2x4xf32>) -> tensor<1x5x4xf32>
      %1 = cnn.all_gather %x {axis = 1 : i64, bounds = array<i64: 0, 3, 5>, device = 1 : i64} : (tensor<1x2x4xf32>) -> tensor<1x5x4xf32>
      %2 = cnn.all_reduce %0 {device = 1 : i64, devices = 2 : i64} : (tensor<1x5x4xf32>) -> tensor<1x5x4xf32>
      %s = tensor.extract_slice %1[0, 1, 0] [1, 2, 4] [1, 1, 1] : tensor<1x5x4xf32> to tensor<1x2x4xf32>
      return %s : tensor<1x2x4xf32>
    }
  }
}

// -----

module {
  module @device_0 {
    func.func @main(%x: tensor<1x2xf32>) {
      return
    }
  }
  module @device_1 {
    func.func @main(%x: tensor<1x2xf32>) {
      // expected-error @below {{has no counterpart on device 0}}
      %0 = cnn.all_reduce %x {device = 1 : i64, devices = 2 : i64} : (tensor<1x2xf32>) -> tensor<1x2xf32>
      return
    }
  }
}

// -----

// The gather moves to its reader. Operations that do not need it move before it, until they take as much time
// as the gather: with latency, both softmaxes, and without latency only the first. The operations that
// compute their operands move, too.
// CHECK-LABEL: module @device_0
// CHECK:         %[[A:.+]] = cnn.softmax %{{.+}} {axis = 1 : i64}
// CHECK-NEXT:    %[[E:.+]] = cnn.unary <exp>
// CHECK-NEXT:    %[[S:.+]] = tensor.extract_slice
// CHECK-NEXT:    %[[T:.+]] = cnn.softmax %[[S]] {axis = 2 : i64}
// CHECK-NEXT:    %[[G:.+]] = cnn.all_gather %[[A]]
// CHECK-NEXT:    cnn.lrn %[[G]]
// CHECK-NEXT:    cnn.all_reduce %[[T]]
// CHECK-NEXT:    return
// CHECK-LABEL: module @device_1
// CHECK:         cnn.all_gather
// CHECK-NEXT:    cnn.all_reduce
// FAST-LABEL:  module @device_0
// FAST:          cnn.softmax %{{.+}} {axis = 1 : i64}
// FAST-NEXT:     cnn.unary <exp>
// FAST-NEXT:     cnn.all_gather
// FAST-NEXT:     cnn.lrn
// FAST-NEXT:     tensor.extract_slice
// FAST-NEXT:     cnn.softmax %{{.+}} {axis = 2 : i64}
module {
  module @device_0 {
    func.func @main(%x: tensor<1x4x2x2xf32>) -> (tensor<1x8x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x4x2x2xf32>) {
      %0 = cnn.softmax %x {axis = 1 : i64} : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
      %1 = cnn.all_gather %0 {axis = 1 : i64, bounds = array<i64: 0, 4, 8>, device = 0 : i64} : (tensor<1x4x2x2xf32>) -> tensor<1x8x2x2xf32>
      %2 = cnn.unary <exp> %x : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
      %3 = cnn.lrn %1 {size = 5 : i64, alpha = 1.0e-4 : f32, beta = 0.75 : f32, bias = 1.0 : f32}
          : (tensor<1x8x2x2xf32>) -> tensor<1x8x2x2xf32>
      %4 = tensor.extract_slice %x[0, 1, 0, 0] [1, 2, 2, 2] [1, 1, 1, 1] : tensor<1x4x2x2xf32> to tensor<1x2x2x2xf32>
      %5 = cnn.softmax %4 {axis = 2 : i64} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
      %6 = cnn.all_reduce %5 {device = 0 : i64, devices = 2 : i64} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
      return %3, %6, %2 : tensor<1x8x2x2xf32>, tensor<1x2x2x2xf32>, tensor<1x4x2x2xf32>
    }
  }
  module @device_1 {
    func.func @main(%x: tensor<1x4x2x2xf32>, %y: tensor<1x2x2x2xf32>) -> (tensor<1x8x2x2xf32>, tensor<1x2x2x2xf32>) {
      %1 = cnn.all_gather %x {axis = 1 : i64, bounds = array<i64: 0, 4, 8>, device = 1 : i64} : (tensor<1x4x2x2xf32>) -> tensor<1x8x2x2xf32>
      %6 = cnn.all_reduce %y {device = 1 : i64, devices = 2 : i64} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
      return %1, %6 : tensor<1x8x2x2xf32>, tensor<1x2x2x2xf32>
    }
  }
}
