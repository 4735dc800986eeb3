//===- Quantized.h - What importers of quantised operators share -*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A quantised tensor stands for the numbers `(x - zero_point) * scale`. Sums are of i32, which
// wrap around as ONNX allows, so they have the same bits in every order.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_QUANTIZED_H
#define CONVOY_LIB_IMPORT_ONNX_QUANTIZED_H

#include "NodeImporter.h"

namespace convoy::onnximport {

/// The numbers that a quantised type holds.
struct QuantizedRange {
  double low = 0, high = 0;
  /// Of an integer type. `dataType` is the ONNX data type, if that is known: int4 and narrower
  /// types may be stored as wider ones.
  static QuantizedRange get(mlir::Type type, int32_t dataType = 0);
};

/// A quantised operand: the tensor, its scale and its zero point, which broadcast to the
/// tensor or to the result.
struct QuantizedOperand {
  mlir::Value value, scale, zeroPoint;
};

/// Reads an operand whose tensor, scale and zero point are three inputs. A parameter has one
/// element, and becomes a scalar, or, if `count` is given, `count` elements, and gets
/// `trailing` dimensions of extent 1 after them. A zero point that is left out is 0. `value`
/// is -1 for the parameters of a result, whose zero point has the type of input 0 if it is
/// left out.
mlir::FailureOr<QuantizedOperand> readQuantized(NodeImporter &node, int value, unsigned scale,
                                                unsigned zeroPoint, int64_t count = 1,
                                                int64_t trailing = 0);
/// The same with tensor, scale and zero point one after the other.
inline mlir::FailureOr<QuantizedOperand> readQuantized(NodeImporter &node, unsigned first) {
  return readQuantized(node, first, first + 1, first + 2);
}

/// Quantises an f32 tensor to uint8, with the scale and the zero point that its least and
/// largest element give (DynamicQuantizeLinear).
mlir::FailureOr<QuantizedOperand> quantizeDynamically(NodeImporter &node, mlir::Value input);

/// Checks that a scale, input `index`, is positive and finite, if it is constant. Where
/// nothing is divided by it, it may be 0.
mlir::LogicalResult checkScale(NodeImporter &node, unsigned index, bool mayBeZero);

/// A parameter as `readQuantized` reads it.
mlir::FailureOr<mlir::Value> readParameter(NodeImporter &node, unsigned index,
                                           int64_t count = 1, int64_t trailing = 0);

/// The i32 sums of integers along the last dimension, which the result lacks.
mlir::FailureOr<mlir::Value> sumLastDimension(NodeImporter &node, mlir::Value value);

/// Whether a zero point is known to be 0.
bool isZero(mlir::Value zeroPoint);

/// Whether inputs, those left out included, depend on constants alone.
bool areConstant(NodeImporter &node, llvm::ArrayRef<unsigned> indices);

/// `value - zeroPoint` in i16; the zero point broadcasts to the value.
mlir::FailureOr<mlir::Value> subtractZero(NodeImporter &node, mlir::Value value,
                                          mlir::Value zeroPoint);

/// Sums of i32 as f32, times factors that broadcast to them.
mlir::FailureOr<mlir::Value> scaleSums(NodeImporter &node, mlir::Value sums,
                                       mlir::Value factors);
/// The same, quantised with the scale 1 to the type of the zero point.
mlir::FailureOr<mlir::Value> requantize(NodeImporter &node, mlir::Value sums,
                                        mlir::Value factors, mlir::Value zeroPoint);

/// Fails if a zero point is not of the type of its tensor, which messages call `name`.
mlir::LogicalResult requireTypeOfZero(NodeImporter &node, mlir::Value zeroPoint,
                                      mlir::Value tensor, llvm::StringRef name);

/// Fails if `shape` does not broadcast to `target`.
mlir::LogicalResult requireBroadcast(NodeImporter &node, unsigned index,
                                     llvm::ArrayRef<int64_t> shape,
                                     llvm::ArrayRef<int64_t> target);

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

/// The element for the point `at` of a buffer that broadcasts to the space of `at`.
cnn::Scalar loadBroadcast(cnn::ComputeBuffer buffer, llvm::ArrayRef<cnn::Scalar> at);

/// The same, converted to i32 or f32.
cnn::Scalar loadInteger(cnn::ComputeBody &body, unsigned input,
                        llvm::ArrayRef<cnn::Scalar> at);
cnn::Scalar loadFloat(cnn::ComputeBody &body, unsigned input, llvm::ArrayRef<cnn::Scalar> at);

/// `x - zeroPoint` of an element, as i32.
cnn::Scalar loadCentred(cnn::ComputeBody &body, unsigned value, unsigned zeroPoint,
                        llvm::ArrayRef<cnn::Scalar> at);

/// The sum of `term`, an i32 or f32, over a space, one after the other, added to `start`.
cnn::Scalar sumOver(cnn::ComputeBody &body, llvm::ArrayRef<int64_t> extents, cnn::Scalar start,
                    llvm::function_ref<cnn::Scalar(llvm::ArrayRef<cnn::Scalar>)> term);

/// `quotient`, an f32, rounded half to even, plus the zero point, an i32, saturated; as
/// `type`. A NaN becomes the least number.
cnn::Scalar quantize(cnn::Scalar quotient, cnn::Scalar zeroPoint, QuantizedRange range,
                     mlir::Type type);

/// An f32 rounded to f16 or bf16 if `type` is that: a product or quotient of two such numbers
/// then has the bits that the type's own arithmetic gives.
cnn::Scalar roundTo(cnn::Scalar value, mlir::Type type);

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_QUANTIZED_H
