// RUN: convoy-opt %s --split-input-file --verify-diagnostics

func.func @integers(%x: memref<32xi32>) {
  // expected-error@+1 {{'cnn.tensor_map' op needs a buffer of f32 or f16}}
  %map = cnn.tensor_map %x {sizes = array<i64: 16, 2>, box = array<i64: 16, 1>, steps = array<i64: 1, 1>,
      swizzle = 64 : i64} : memref<32xi32> -> !llvm.ptr
  return
}

// -----

func.func @columns(%x: memref<2x16xf32, strided<[1, 2]>>) {
  // expected-error@+1 {{'cnn.tensor_map' op needs contiguous data, or contiguous images counted by the last size}}
  %map = cnn.tensor_map %x {sizes = array<i64: 16, 2>, box = array<i64: 16, 1>, steps = array<i64: 1, 1>,
      swizzle = 64 : i64} : memref<2x16xf32, strided<[1, 2]>> -> !llvm.ptr
  return
}

// -----

func.func @images(%x: memref<4x2x16xf32, strided<[64, 16, 1]>>) {
  // expected-error@+1 {{'cnn.tensor_map' op needs contiguous data, or contiguous images counted by the last size}}
  %map = cnn.tensor_map %x {sizes = array<i64: 16, 8>, box = array<i64: 16, 1>, steps = array<i64: 1, 1>,
      swizzle = 64 : i64} : memref<4x2x16xf32, strided<[64, 16, 1]>> -> !llvm.ptr
  return
}

// -----

func.func @stride(%x: memref<2x16xf32, strided<[18, 1]>>) {
  // expected-error@+1 {{'cnn.tensor_map' op needs an outermost stride of a multiple of 16 bytes}}
  %map = cnn.tensor_map %x {sizes = array<i64: 16, 2>, box = array<i64: 16, 1>, steps = array<i64: 1, 1>,
      swizzle = 64 : i64} : memref<2x16xf32, strided<[18, 1]>> -> !llvm.ptr
  return
}

// -----

func.func @ranks(%x: memref<32xf32>) {
  // expected-error@+1 {{'cnn.tensor_map' op needs sizes, a box and steps of the same 1 to 5 dimensions}}
  %map = cnn.tensor_map %x {sizes = array<i64: 16, 2>, box = array<i64: 16>, steps = array<i64: 1, 1>,
      swizzle = 64 : i64} : memref<32xf32> -> !llvm.ptr
  return
}

// -----

func.func @elements(%x: memref<32xf32>) {
  // expected-error@+1 {{'cnn.tensor_map' op has sizes of another number of elements than the buffer}}
  %map = cnn.tensor_map %x {sizes = array<i64: 16, 3>, box = array<i64: 16, 1>, steps = array<i64: 1, 1>,
      swizzle = 64 : i64} : memref<32xf32> -> !llvm.ptr
  return
}

// -----

func.func @step(%x: memref<32xf32>) {
  // expected-error@+1 {{'cnn.tensor_map' op needs steps up to 8, and a box that spans up to 256 elements}}
  %map = cnn.tensor_map %x {sizes = array<i64: 16, 2>, box = array<i64: 16, 1>, steps = array<i64: 1, 9>,
      swizzle = 64 : i64} : memref<32xf32> -> !llvm.ptr
  return
}

// -----

func.func @span(%x: memref<32xf32>) {
  // expected-error@+1 {{'cnn.tensor_map' op needs steps up to 8, and a box that spans up to 256 elements}}
  %map = cnn.tensor_map %x {sizes = array<i64: 16, 2>, box = array<i64: 16, 65>, steps = array<i64: 1, 4>,
      swizzle = 64 : i64} : memref<32xf32> -> !llvm.ptr
  return
}

// -----

func.func @rows(%x: memref<32xf32>) {
  // expected-error@+1 {{'cnn.tensor_map' op needs rows of 32, 64 or 128 bytes with step 1, and as wide a swizzle}}
  %map = cnn.tensor_map %x {sizes = array<i64: 16, 2>, box = array<i64: 16, 1>, steps = array<i64: 1, 1>,
      swizzle = 128 : i64} : memref<32xf32> -> !llvm.ptr
  return
}
