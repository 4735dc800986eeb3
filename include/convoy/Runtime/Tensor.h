//===- Tensor.h - Tensors in host memory ------------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_RUNTIME_TENSOR_H
#define CONVOY_RUNTIME_TENSOR_H

#include "convoy-c/Artefact.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace convoy {

enum class ElementType : int32_t {
  F32 = CONVOY_FLOAT32,
  U8 = CONVOY_UINT8,
  I8 = CONVOY_INT8,
  U16 = CONVOY_UINT16,
  I16 = CONVOY_INT16,
  I32 = CONVOY_INT32,
  I64 = CONVOY_INT64,
  Bool = CONVOY_BOOL,
  F16 = CONVOY_FLOAT16,
  F64 = CONVOY_FLOAT64,
  U32 = CONVOY_UINT32,
  U64 = CONVOY_UINT64,
  BF16 = CONVOY_BFLOAT16,
  F8E4M3FN = CONVOY_FLOAT8E4M3FN,
  F8E4M3FNUZ = CONVOY_FLOAT8E4M3FNUZ,
  F8E5M2 = CONVOY_FLOAT8E5M2,
  F8E5M2FNUZ = CONVOY_FLOAT8E5M2FNUZ,
  U4 = CONVOY_UINT4,
  I4 = CONVOY_INT4,
  F4E2M1 = CONVOY_FLOAT4E2M1,
  F8E8M0 = CONVOY_FLOAT8E8M0,
  U2 = CONVOY_UINT2,
  I2 = CONVOY_INT2,
  F6E2M3 = CONVOY_FLOAT6E2M3,
  F6E3M2 = CONVOY_FLOAT6E3M2
};

/// "f32", "u8", "bool", ...; "unknown" for a number outside of the enum.
llvm::StringRef stringify(ElementType type);

/// Bytes of one element; 0 for a number outside of the enum.
int64_t getElementSize(ElementType type);

/// Whether .npy files do not tell the two types apart.
bool areSameInNpy(ElementType first, ElementType second);

/// Name, element type and shape of a model's input or output.
struct TensorInfo {
  std::string name;
  ElementType elementType = ElementType::F32;
  llvm::SmallVector<int64_t, 4> shape;
  /// Of an output whose shape depends on data: for each dimension, whether `shape` has only an
  /// upper bound of its size. Empty if `shape` is exact.
  llvm::SmallVector<bool, 4> isBounded = {};

  int64_t getNumElements() const;
  /// Whether a tensor of this shape can be an input or an output of this kind.
  bool allows(llvm::ArrayRef<int64_t> other) const;
  /// Shape and element type as text, such as "1x3x224x224xf32" or "2x<=100xi64".
  std::string getTypeString() const;
};

/// A dense row-major tensor that owns its memory, which is aligned to 64 bytes.
class Tensor {
public:
  Tensor() = default;
  /// A tensor of zeros. The shape must be one that the program chose itself; for shapes from
  /// an input file, use `create`.
  Tensor(ElementType elementType, llvm::ArrayRef<int64_t> shape);
  explicit Tensor(const TensorInfo &info) : Tensor(info.elementType, info.shape) {}
  Tensor(Tensor &&) = default;
  Tensor &operator=(Tensor &&) = default;

  /// The same, but nothing if the number of bytes overflows or there is not enough memory.
  static std::optional<Tensor> create(ElementType elementType, llvm::ArrayRef<int64_t> shape);

  ElementType getElementType() const { return elementType; }
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  int64_t getNumElements() const;
  int64_t getSizeInBytes() const { return size; }
  std::string getTypeString() const;

  void *getData() { return storage.get(); }
  const void *getData() const { return storage.get(); }
  template <typename T> llvm::MutableArrayRef<T> getAs() {
    return {reinterpret_cast<T *>(storage.get()), size_t(size) / sizeof(T)};
  }
  template <typename T> llvm::ArrayRef<T> getAs() const {
    return {reinterpret_cast<const T *>(storage.get()), size_t(size) / sizeof(T)};
  }
  /// Takes the same bytes as elements of another type of the same size.
  void reinterpretAs(ElementType type);
  /// Keeps the elements whose index in each dimension is below the size in `smaller`.
  void shrinkTo(llvm::ArrayRef<int64_t> smaller);
  /// Element `index`, in row-major order, as a number, whatever its type is.
  double getElement(int64_t index) const;

private:
  struct Free {
    void operator()(uint8_t *pointer) const;
  };
  ElementType elementType = ElementType::F32;
  llvm::SmallVector<int64_t, 4> shape;
  int64_t size = 0;
  std::unique_ptr<uint8_t[], Free> storage;
};

/// Fills `tensor` with random numbers that depend on `seed` and `stream` alone, with the same
/// bits on every machine. `stream` is the index of the input. Floating-point numbers are
/// standard normal (a sum of twelve uniform numbers, so within +-6), 8-bit integers cover
/// their range, wider integers are 0 to 9, and bools 0 or 1. Executables made by `--emit=exe`
/// draw the same numbers for the same seed.
void fillRandom(Tensor &tensor, uint64_t seed, uint64_t stream);

/// The result of `compareTensors`. A NaN equals a NaN, and an infinity equals an infinity of
/// the same sign.
struct Comparison {
  double maxAbsDifference = 0; ///< infinite if a NaN or infinity has no equal counterpart
  double maxAbsValue = 0;      ///< of the expected tensor's finite elements
  int64_t numMismatches = 0;   ///< elements outside of the tolerances
  int64_t firstMismatch = -1;  ///< row-major index, or -1
  bool isClose() const { return numMismatches == 0; }
};

/// Compares two tensors element by element. Two elements are close if
/// `|actual - expected| <= atol + rtol * |expected|`, as in NumPy's allclose. Fails if the
/// element types or the shapes differ.
llvm::Expected<Comparison> compareTensors(const Tensor &actual, const Tensor &expected,
                                          double rtol, double atol);

} // namespace convoy

#endif // CONVOY_RUNTIME_TENSOR_H
