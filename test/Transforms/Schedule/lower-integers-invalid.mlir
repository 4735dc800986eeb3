// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-lower-integers --verify-diagnostics

func.func @computed(%x: tensor<2x4xi16>, %w: tensor<3x4xi16>) -> tensor<2x3xi32> {
  // expected-error @below {{needs a filter that is constant; compute it before the model runs}}
  %0 = cnn.dense %x, %w : (tensor<2x4xi16>, tensor<3x4xi16>) -> tensor<2x3xi32>
  return %0 : tensor<2x3xi32>
}
