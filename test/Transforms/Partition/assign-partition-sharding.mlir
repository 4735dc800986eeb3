// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-assign-partition=strategy=none --split-input-file \
// RUN:   --verify-diagnostics | FileCheck %s
// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-assign-partition="strategy=none devices=3" --split-input-file \
// RUN:   | FileCheck %s --check-prefix=THREE --implicit-check-not=cnn.partition

// The annotations of a model are stronger than the strategy, but only for their number of devices.
// CHECK-LABEL: func.func @main(
func.func @main(%x: tensor<1x4x4xf32>) -> tensor<1x4x4xf32> {
  // CHECK: cnn.unary <relu> %{{.+}} {cnn.partition = #cnn.partition<channel, [0, 2, 4]>} :
  // THREE: cnn.unary <relu>
  %0 = cnn.unary <relu> %x {cnn.sharding = [#cnn.sharding<devices = 2, operand = -1, axis = 1>]} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  // CHECK: cnn.unary <exp> %{{[^{]+}} :
  // THREE: cnn.unary <exp>
  %1 = cnn.unary <exp> %0 {cnn.sharding = [#cnn.sharding<devices = 4, operand = 0, axis = 1>]} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  return %1 : tensor<1x4x4xf32>
}

// -----

func.func @main(%x: tensor<1x4x4xf32>) -> tensor<1x4x4xf32> {
  // expected-error @below {{cannot be shared by 2 devices as its sharding annotation says, which cuts its result along axis 0 (correct}}
  %0 = cnn.unary <relu> %x {cnn.sharding = [#cnn.sharding<devices = 2, operand = -1, axis = 0>]} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  return %0 : tensor<1x4x4xf32>
}
