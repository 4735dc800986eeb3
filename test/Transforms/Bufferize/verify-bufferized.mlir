// RUN: convoy-opt %s --cnn-verify-bufferized --split-input-file --verify-diagnostics

module attributes {cnn.arena_size = 128 : i64, cnn.weights = [], cnn.weights_size = 0 : i64} {
func.func @main(%arena: memref<128xi8>, %weights: memref<0xi8>, %x: memref<4x4xf32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %a = memref.view %arena[%c0][] : memref<128xi8> to memref<4x4xf32>
  %b = memref.view %arena[%c64][] : memref<128xi8> to memref<4x4xf32>
  memref.copy %x, %a : memref<4x4xf32> to memref<4x4xf32>
  cnn.softmax %a outs(%b) {axis = 1 : i64} : (memref<4x4xf32>, memref<4x4xf32>) -> ()
  return
}
}

// -----

// expected-error @below {{has no function @main}}
module {
}

// -----

// expected-error @below {{has no attribute cnn.arena_size after bufferize}}
module attributes {cnn.weights = []} {
func.func @main() {
  return
}
}

// -----

module attributes {cnn.arena_size = 64 : i64, cnn.weights = [], cnn.weights_size = 0 : i64} {
// expected-error @below {{argument 0 does not match cnn.arena_size}}
func.func @main(%arena: memref<128xi8>, %weights: memref<0xi8>) {
  return
}
}

// -----

module attributes {cnn.arena_size = 0 : i64, cnn.weights = [], cnn.weights_size = 0 : i64} {
// expected-error @below {{the phases that follow do not know it}}
memref.global "private" constant @a : memref<2xf32> = dense<[1.0, 2.0]>
func.func @main(%arena: memref<0xi8>, %weights: memref<0xi8>) {
  return
}
}

// -----

module attributes {cnn.arena_size = 100 : i64, cnn.weights = [], cnn.weights_size = 0 : i64} {
func.func @main(%arena: memref<100xi8>, %weights: memref<0xi8>, %x: memref<4x4xf32>) {
  %c64 = arith.constant 64 : index
  %b = memref.view %arena[%c64][] : memref<100xi8> to memref<4x4xf32>
  // expected-error @below {{reaches outside of argument 0: bytes 64 to 128}}
  cnn.softmax %x outs(%b) {axis = 1 : i64} : (memref<4x4xf32>, memref<4x4xf32>) -> ()
  return
}
}

// -----

module attributes {cnn.arena_size = 128 : i64, cnn.weights = [], cnn.weights_size = 0 : i64} {
func.func @main(%arena: memref<128xi8>, %weights: memref<0xi8>) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %a = memref.view %arena[%c0][] : memref<128xi8> to memref<4x4xf32>
  %b = memref.view %arena[%c32][] : memref<128xi8> to memref<4x4xf32>
  // expected-error @below {{writes a buffer that it reads}}
  cnn.softmax %a outs(%b) {axis = 1 : i64} : (memref<4x4xf32>, memref<4x4xf32>) -> ()
  return
}
}

// -----

module attributes {cnn.arena_size = 0 : i64, cnn.weights = [], cnn.weights_size = 0 : i64} {
func.func @main(%arena: memref<0xi8>, %weights: memref<0xi8>, %x: memref<4x8xf32>, %y: memref<4x4xf32>) {
  %a = memref.reinterpret_cast %x to offset: [0], sizes: [4, 4], strides: [8, 1] : memref<4x8xf32> to memref<4x4xf32, strided<[8, 1]>>
  // expected-error @below {{operand 0 is not contiguous}}
  cnn.softmax %a outs(%y) {axis = 1 : i64} : (memref<4x4xf32, strided<[8, 1]>>, memref<4x4xf32>) -> ()
  return
}
}

// -----

module attributes {cnn.arena_size = 0 : i64, cnn.weights = [], cnn.weights_size = 0 : i64} {
func.func @main(%arena: memref<0xi8>, %weights: memref<0xi8>) {
  // expected-error @below {{may not leave the phase 'bufferize': the phases that follow do not know it}}
  %a = memref.alloc() : memref<4x4xf32>
  return
}
}

// -----

// A convolution may overwrite its residual, but not its input.
module attributes {cnn.arena_size = 1024 : i64, cnn.weights = [], cnn.weights_size = 0 : i64} {
func.func @main(%arena: memref<1024xi8>, %weights: memref<0xi8>, %x: memref<1x1x4x4x16xf32>, %w: memref<1x1x1x1x1x16x16xf32>) {
  %c0 = arith.constant 0 : index
  %a = memref.view %arena[%c0][] : memref<1024xi8> to memref<1x1x4x4x16xf32>
  memref.copy %x, %a : memref<1x1x4x4x16xf32> to memref<1x1x4x4x16xf32>
  cnn.conv %x, %w residual(%a) outs(%a)
      {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (memref<1x1x4x4x16xf32>, memref<1x1x1x1x1x16x16xf32>, memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>) -> ()
  // expected-error @below {{writes a buffer that it reads}}
  cnn.conv %a, %w residual(%a) outs(%a)
      {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (memref<1x1x4x4x16xf32>, memref<1x1x1x1x1x16x16xf32>, memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>) -> ()
  return
}
}

// -----

module attributes {cnn.arena_size = 0 : i64, cnn.weights = [], cnn.weights_size = 0 : i64,
    cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [80, 90]>>} {
func.func @main(%arena: memref<0xi8>, %weights: memref<0xi8>, %x: memref<1x1x4x4x16xf32>,
    %w: memref<1x1x1x1x1x16x16xf32>, %s: memref<1x16xf32>, %y: memref<1x1x4x4x16xf32>) {
  // expected-error @below {{may not leave the phase 'bufferize': no kernel of a GPU has a prologue}}
  cnn.conv %x, %w prologue(%s, %s) outs(%y)
      {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (memref<1x1x4x4x16xf32>, memref<1x1x1x1x1x16x16xf32>, memref<1x16xf32>, memref<1x16xf32>,
      memref<1x1x4x4x16xf32>) -> ()
  return
}
}

// -----

// Slices of two images that do not overlap. The stride of a dimension of extent 1 has no meaning.
module attributes {cnn.arena_size = 256 : i64, cnn.weights = [], cnn.weights_size = 0 : i64} {
func.func @main(%arena: memref<256xi8>, %weights: memref<0xi8>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %a0 = memref.view %arena[%c0][] : memref<256xi8> to memref<48xf32>
  %b0 = memref.view %arena[%c64][] : memref<256xi8> to memref<48xf32>
  %a = memref.reinterpret_cast %a0 to offset: [0], sizes: [2, 1, 1, 16], strides: [32, 32, 16, 1]
      : memref<48xf32> to memref<2x1x1x16xf32, strided<[32, 32, 16, 1]>>
  %b = memref.reinterpret_cast %b0 to offset: [0], sizes: [2, 1, 1, 16], strides: [32, 16, 16, 1]
      : memref<48xf32> to memref<2x1x1x16xf32, strided<[32, 16, 16, 1]>>
  cnn.lrn %a outs(%b) {size = 5 : i64, alpha = 1.0 : f32, beta = 1.0 : f32, bias = 1.0 : f32}
      : (memref<2x1x1x16xf32, strided<[32, 32, 16, 1]>>, memref<2x1x1x16xf32, strided<[32, 16, 16, 1]>>) -> ()
  return
}
}

// -----

module attributes {cnn.arena_size = 256 : i64, cnn.weights = [], cnn.weights_size = 0 : i64} {
func.func @main(%arena: memref<256xi8>, %weights: memref<0xi8>) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %a0 = memref.view %arena[%c0][] : memref<256xi8> to memref<48xf32>
  %b0 = memref.view %arena[%c32][] : memref<256xi8> to memref<48xf32>
  %a = memref.reinterpret_cast %a0 to offset: [0], sizes: [2, 1, 1, 16], strides: [32, 16, 16, 1]
      : memref<48xf32> to memref<2x1x1x16xf32, strided<[32, 16, 16, 1]>>
  %b = memref.reinterpret_cast %b0 to offset: [0], sizes: [2, 1, 1, 16], strides: [32, 16, 16, 1]
      : memref<48xf32> to memref<2x1x1x16xf32, strided<[32, 16, 16, 1]>>
  // expected-error @below {{writes a buffer that it reads}}
  cnn.lrn %a outs(%b) {size = 5 : i64, alpha = 1.0 : f32, beta = 1.0 : f32, bias = 1.0 : f32}
      : (memref<2x1x1x16xf32, strided<[32, 16, 16, 1]>>, memref<2x1x1x16xf32, strided<[32, 16, 16, 1]>>) -> ()
  return
}
}

// -----

module attributes {cnn.arena_size = 256 : i64, cnn.weights = [], cnn.weights_size = 0 : i64} {
func.func @main(%arena: memref<256xi8>, %weights: memref<0xi8>, %y: memref<2x16xf32>) {
  %c0 = arith.constant 0 : index
  %a0 = memref.view %arena[%c0][] : memref<256xi8> to memref<48xf32>
  %a = memref.reinterpret_cast %a0 to offset: [0], sizes: [2, 16], strides: [32, 1] : memref<48xf32> to memref<2x16xf32, strided<[32, 1]>>
  // expected-error @below {{operand 0 is not contiguous}}
  cnn.softmax %a outs(%y) {axis = 1 : i64} : (memref<2x16xf32, strided<[32, 1]>>, memref<2x16xf32>) -> ()
  return
}
}
