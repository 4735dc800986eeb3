//===- TensorReader.h - Tensors of a model ----------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_TENSORREADER_H
#define CONVOY_LIB_IMPORT_ONNX_TENSORREADER_H

#include "MappedFile.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringMap.h"
#include <optional>

namespace onnx {
class SparseTensorProto;
class TensorProto;
} // namespace onnx

namespace convoy::onnximport {

/// No tensor may take more bytes than this.
inline constexpr int64_t kMaxTensorBytes = int64_t(1) << 40;

/// A tensor's elements in row-major order, as ONNX's `raw_data` stores them, but not packed.
struct TensorData {
  int32_t dataType = 0; ///< onnx::TensorProto::DataType
  llvm::SmallVector<int64_t, 4> shape;
  mlir::AsmResourceBlob bytes;
};

/// "float16" for FLOAT16, "number 77" for a number that ONNX does not define.
std::string stringifyDataType(int32_t dataType);

/// Bytes of an element in memory, 0 for types that are not supported. Elements of fewer than 8
/// bits take a byte each, but are packed in `raw_data`.
int64_t getDataTypeSize(int32_t dataType);

/// The element type for an ONNX data type; null if it is not supported.
mlir::Type convertDataType(mlir::MLIRContext *context, int32_t dataType);

/// Bytes of a tensor of the shape, or an error if a dimension is negative or
/// the tensor is larger than kMaxTensorBytes.
llvm::Expected<int64_t> getByteSize(llvm::ArrayRef<int64_t> shape, int64_t elementSize);

/// "1x3x224x224".
std::string formatShape(llvm::ArrayRef<int64_t> shape);

/// The tensor as an attribute: dense if it is small or a splat, otherwise a resource of the
/// given name that owns the tensor's bytes.
mlir::ElementsAttr makeElementsAttr(mlir::MLIRContext *context, TensorData &&data,
                                    llvm::StringRef name);

/// Reads tensors from all places where a model may store them. Errors name neither the
/// model's file nor the tensor.
class TensorReader {
public:
  /// External data is in the folder of `modelPath`.
  explicit TensorReader(llvm::StringRef modelPath) : modelPath(modelPath) {}

  /// Takes over the memory of `tensor`; or, if `rawData` is given, uses that extent of `file`.
  llvm::Expected<TensorData> read(onnx::TensorProto &tensor, MappedFile *file = nullptr,
                                  std::optional<Extent> rawData = std::nullopt);
  /// The dense tensor for a sparse one.
  llvm::Expected<TensorData> readSparse(onnx::SparseTensorProto &tensor);

private:
  llvm::Expected<mlir::AsmResourceBlob> readExternal(const onnx::TensorProto &tensor,
                                                     uint64_t size, size_t alignment);
  llvm::Expected<std::shared_ptr<MappedFile>> openExternal(llvm::StringRef location);

  std::string modelPath;
  llvm::StringMap<std::shared_ptr<MappedFile>> externalFiles;
};

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_TENSORREADER_H
