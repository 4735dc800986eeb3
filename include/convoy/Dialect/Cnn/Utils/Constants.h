//===- Constants.h - Reading and making constant tensors --------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Weights are dense attributes, dense splats or dense_resource blobs. Only this file tells
// them apart.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DIALECT_CNN_UTILS_CONSTANTS_H
#define CONVOY_DIALECT_CNN_UTILS_CONSTANTS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

namespace convoy::cnn {

/// Constants of more elements than this are made as dense_resource blobs.
inline constexpr int64_t kMaxInlineElements = 1024;

/// Alignment of the blobs that are made here, in bytes.
inline constexpr size_t kBlobAlignment = 64;

/// Bytes of an element in a constant; 1 for an i1. Nothing for types that constants of Convoy
/// do not have.
std::optional<int64_t> getElementBytes(mlir::Type elementType);

/// A view of the elements of a constant tensor, in row-major order. It is cheap to copy, and
/// valid as long as the context of the attribute and, for a blob, its memory.
class ConstantData {
public:
  /// The data of an elements attribute; nothing if `attribute` is none, or if its blob is
  /// missing or has the wrong size.
  static std::optional<ConstantData> get(mlir::Attribute attribute);
  /// The data of a value that a constant operation defines; otherwise nothing.
  static std::optional<ConstantData> get(mlir::Value value);

  mlir::RankedTensorType getType() const { return type; }
  mlir::Type getElementType() const { return type.getElementType(); }
  llvm::ArrayRef<int64_t> getShape() const { return type.getShape(); }
  int64_t getNumElements() const { return type.getNumElements(); }
  int64_t getElementBytes() const { return elementBytes; }
  /// Whether one stored element stands for all.
  bool isSplat() const { return splat; }

  /// The bytes of all elements, or of the only one of a splat. An i1 is a byte of 0 or 1.
  llvm::ArrayRef<char> getBytes() const { return bytes; }

  /// Whether elements are stored as the C++ type `T`: float for f32, int64_t for i64 and
  /// index, bool for i1, and so on. For f16 and bf16 there is no such type.
  template <typename T> bool holds() const {
    mlir::Type element = getElementType();
    if constexpr (std::is_same_v<T, float>)
      return element.isF32();
    else if constexpr (std::is_same_v<T, double>)
      return element.isF64();
    else if constexpr (std::is_same_v<T, bool>)
      return element.isInteger(1);
    else
      return element.isIntOrIndex() && !element.isInteger(1) &&
             elementBytes == int64_t(sizeof(T));
  }
  /// The elements as stored: all of them, or one when `isSplat()`.
  template <typename T> llvm::ArrayRef<T> getValues() const {
    assert(holds<T>() && "constant holds another type");
    return {reinterpret_cast<const T *>(bytes.data()), bytes.size() / sizeof(T)};
  }
  template <typename T> T get(int64_t index) const {
    return getValues<T>()[splat ? 0 : index];
  }
  /// All elements in a vector; the element of a splat is repeated.
  template <typename T> std::vector<T> toVector() const {
    llvm::ArrayRef<T> values = getValues<T>();
    if (splat)
      return std::vector<T>(getNumElements(), values.front());
    return std::vector<T>(values.begin(), values.end());
  }

  /// Element `index` of any float or integer type.
  double getDouble(int64_t index) const;
  /// Element `index` of an integer type.
  int64_t getInt(int64_t index) const;

  /// The value of the elements if all are equal; otherwise nothing.
  std::optional<double> getSplatDouble() const;

private:
  mlir::RankedTensorType type;
  int64_t elementBytes = 0;
  bool splat = false;
  llvm::ArrayRef<char> bytes;
  /// The memory of `bytes`, if the attribute stores its elements in another form.
  std::shared_ptr<std::vector<std::max_align_t>> storage;
};

/// Makes a constant from `bytes`: the elements, or a single one that stands for all. Equal
/// elements become a splat, other constants of up to kMaxInlineElements elements a dense
/// attribute, and larger ones a dense_resource blob.
mlir::ElementsAttr makeConstantFromBytes(mlir::RankedTensorType type,
                                         llvm::ArrayRef<char> bytes);

/// Makes a constant that takes over the memory of `values`: all elements, or one for a splat.
/// `T` must be the type in which they are stored (see `holds`).
template <typename T>
mlir::ElementsAttr makeConstant(mlir::RankedTensorType type, std::vector<T> &&values);

/// Makes a constant whose elements `fill` writes in place, into zeroed memory. This avoids a
/// copy of large data.
template <typename T>
mlir::ElementsAttr fillConstant(mlir::RankedTensorType type,
                                llvm::function_ref<void(llvm::MutableArrayRef<T>)> fill);

/// `makeConstant` for f32 of the given shape.
mlir::ElementsAttr makeFloats(mlir::MLIRContext *context, llvm::ArrayRef<int64_t> shape,
                              std::vector<float> &&values);

/// The same numbers as i8; null if not all of them are such integers.
mlir::ElementsAttr narrowToI8(const ConstantData &data);

/// Makes a constant from a blob of the caller, such as a mapped file with a deleter that
/// unmaps it. `name` is changed if another blob has it already.
mlir::ElementsAttr makeBlobConstant(mlir::RankedTensorType type, llvm::StringRef name,
                                    mlir::AsmResourceBlob &&blob);

/// Makes a constant from a blob with its elements, which it frees if they become a dense
/// attribute.
mlir::ElementsAttr makeConstantFromBlob(mlir::RankedTensorType type,
                                        mlir::AsmResourceBlob &&blob);

/// The same constant with another shape of as many elements; does not copy them.
mlir::ElementsAttr reshapeConstant(mlir::ElementsAttr value, mlir::RankedTensorType type);

/// An f32 constant in f16 or bf16, rounded to nearest, ties to even.
mlir::ElementsAttr roundConstant(mlir::ElementsAttr value, mlir::Type element);

/// A constant of f16 or bf16 in f32.
mlir::ElementsAttr widenConstant(mlir::ElementsAttr value);

/// An `arith.constant` of the value.
mlir::Value createConstant(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::ElementsAttr value);

/// Erases the operation that defines `value` if it is a constant that nothing reads.
void eraseIfUnused(mlir::RewriterBase &rewriter, mlir::Value value);

/// Frees the memory of every blob in the context that no operation inside `root` refers to,
/// and returns the number of bytes. (MLIR itself keeps blobs as long as its context.) No other
/// module of the context may need its blobs.
int64_t releaseUnusedBlobs(mlir::Operation *root);

} // namespace convoy::cnn

#endif // CONVOY_DIALECT_CNN_UTILS_CONSTANTS_H
