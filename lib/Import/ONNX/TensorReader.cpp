//===- TensorReader.cpp - Tensors of a model ------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorReader.h"

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "onnx.pb.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"
#include <cstring>
#include <limits>

using namespace llvm;
using namespace convoy;
using namespace convoy::onnximport;
using mlir::AsmResourceBlob;
using mlir::HeapAsmResourceBlob;
using onnx::TensorProto;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

std::string convoy::onnximport::stringifyDataType(int32_t dataType) {
  static constexpr StringLiteral names[] = {
      "undefined",      "float32",  "uint8",        "int8",           "uint16",
      "int16",          "int32",    "int64",        "string",         "bool",
      "float16",        "float64",  "uint32",       "uint64",         "complex64",
      "complex128",     "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
      "float8e5m2fnuz", "uint4",    "int4",         "float4e2m1",     "float8e8m0",
      "uint2",          "int2",     "float6e2m3",   "float6e3m2"};
  if (dataType < 0 || dataType >= int32_t(std::size(names)))
    return "number " + std::to_string(dataType);
  return names[dataType].str();
}

int64_t convoy::onnximport::getDataTypeSize(int32_t dataType) {
  switch (dataType) {
  case TensorProto::UINT8:
  case TensorProto::INT8:
  case TensorProto::BOOL:
  case TensorProto::FLOAT8E4M3FN:
  case TensorProto::FLOAT8E4M3FNUZ:
  case TensorProto::FLOAT8E5M2:
  case TensorProto::FLOAT8E5M2FNUZ:
  case TensorProto::FLOAT8E8M0:
  case TensorProto::FLOAT6E2M3:
  case TensorProto::FLOAT6E3M2:
  case TensorProto::FLOAT4E2M1:
  case TensorProto::INT4:
  case TensorProto::UINT4:
  case TensorProto::INT2:
  case TensorProto::UINT2:
    return 1;
  case TensorProto::UINT16:
  case TensorProto::INT16:
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
    return 2;
  case TensorProto::FLOAT:
  case TensorProto::INT32:
  case TensorProto::UINT32:
    return 4;
  case TensorProto::DOUBLE:
  case TensorProto::INT64:
  case TensorProto::UINT64:
    return 8;
  default:
    return 0;
  }
}

/// Bits of an element in a file.
static int64_t getStoredBits(int32_t dataType) {
  switch (dataType) {
  case TensorProto::FLOAT6E2M3:
  case TensorProto::FLOAT6E3M2:
    return 6;
  case TensorProto::FLOAT4E2M1:
  case TensorProto::INT4:
  case TensorProto::UINT4:
    return 4;
  case TensorProto::INT2:
  case TensorProto::UINT2:
    return 2;
  default:
    return getDataTypeSize(dataType) * 8;
  }
}

mlir::Type convoy::onnximport::convertDataType(mlir::MLIRContext *context, int32_t dataType) {
  using mlir::IntegerType;
  int64_t width = getStoredBits(dataType);
  switch (dataType) {
  case TensorProto::FLOAT:
    return mlir::Float32Type::get(context);
  case TensorProto::FLOAT16:
    return mlir::Float16Type::get(context);
  case TensorProto::BFLOAT16:
    return mlir::BFloat16Type::get(context);
  case TensorProto::DOUBLE:
    return mlir::Float64Type::get(context);
  case TensorProto::FLOAT8E4M3FN:
    return mlir::Float8E4M3FNType::get(context);
  case TensorProto::FLOAT8E4M3FNUZ:
    return mlir::Float8E4M3FNUZType::get(context);
  case TensorProto::FLOAT8E5M2:
    return mlir::Float8E5M2Type::get(context);
  case TensorProto::FLOAT8E5M2FNUZ:
    return mlir::Float8E5M2FNUZType::get(context);
  case TensorProto::FLOAT8E8M0:
    return mlir::Float8E8M0FNUType::get(context);
  case TensorProto::FLOAT6E2M3:
    return mlir::Float6E2M3FNType::get(context);
  case TensorProto::FLOAT6E3M2:
    return mlir::Float6E3M2FNType::get(context);
  case TensorProto::FLOAT4E2M1:
    return mlir::Float4E2M1FNType::get(context);
  case TensorProto::BOOL:
    return IntegerType::get(context, 1);
  case TensorProto::INT2:
  case TensorProto::INT4:
  case TensorProto::INT8:
  case TensorProto::INT16:
  case TensorProto::INT32:
  case TensorProto::INT64:
    return IntegerType::get(context, width);
  case TensorProto::UINT2:
  case TensorProto::UINT4:
  case TensorProto::UINT8:
  case TensorProto::UINT16:
  case TensorProto::UINT32:
  case TensorProto::UINT64:
    return IntegerType::get(context, width, IntegerType::Unsigned);
  default:
    return {};
  }
}

std::string convoy::onnximport::formatShape(ArrayRef<int64_t> shape) {
  return shape.empty()
             ? "scalar"
             : join(map_range(shape, [](int64_t dim) { return std::to_string(dim); }), "x");
}

Expected<int64_t> convoy::onnximport::getByteSize(ArrayRef<int64_t> shape,
                                                  int64_t elementSize) {
  int64_t size = elementSize;
  for (int64_t dim : shape) {
    if (dim < 0)
      return createStringError("has a negative dimension in its shape " + formatShape(shape));
    // A dimension of 0 counts as 1 here, so that it does not hide an overflow.
    if (MulOverflow(size, std::max<int64_t>(dim, 1), size) || size > kMaxTensorBytes)
      return createStringError("is too large: shape " + formatShape(shape) +
                               " takes more than 2^40 bytes");
  }
  return is_contained(shape, 0) ? 0 : size;
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

/// A blob of `size` bytes at `data`, which belong to `owner`. The blob takes the owner over.
template <typename T>
static AsmResourceBlob adopt(std::unique_ptr<T> owner, const void *data, size_t size) {
  return AsmResourceBlob(
      ArrayRef<char>(static_cast<const char *>(data), size), alignof(std::max_align_t),
      [owner = std::move(owner)](void *, size_t, size_t) mutable { owner.reset(); },
      /*dataIsMutable=*/false);
}

/// A blob of `count` elements of type T, taken from one of the typed lists of a TensorProto.
template <typename T, typename List>
static Expected<AsmResourceBlob> takeList(List *list, int64_t count, StringRef field) {
  if (list->size() != count)
    return createStringError("has " + Twine(list->size()) + " elements in " + field +
                             ", its shape wants " + Twine(count));
  using Stored = std::remove_reference_t<decltype(*list->mutable_data())>;
  if constexpr (std::is_same_v<T, Stored>) {
    auto owner = std::make_unique<List>(std::move(*list));
    const void *data = owner->data();
    return adopt(std::move(owner), data, count * sizeof(T));
  } else {
    AsmResourceBlob blob =
        HeapAsmResourceBlob::allocate(count * sizeof(T), cnn::kBlobAlignment);
    T *out = reinterpret_cast<T *>(blob.getMutableData().data());
    for (Stored value : *list)
      *out++ = T(value);
    return blob;
  }
}

static Expected<AsmResourceBlob> takeLists(TensorProto &tensor, int64_t count) {
  switch (tensor.data_type()) {
  case TensorProto::FLOAT:
    return takeList<float>(tensor.mutable_float_data(), count, "float_data");
  case TensorProto::DOUBLE:
    return takeList<double>(tensor.mutable_double_data(), count, "double_data");
  case TensorProto::INT64:
    return takeList<int64_t>(tensor.mutable_int64_data(), count, "int64_data");
  case TensorProto::UINT64:
    return takeList<uint64_t>(tensor.mutable_uint64_data(), count, "uint64_data");
  case TensorProto::UINT32:
    return takeList<uint32_t>(tensor.mutable_uint64_data(), count, "uint64_data");
  case TensorProto::INT32:
    return takeList<int32_t>(tensor.mutable_int32_data(), count, "int32_data");
  case TensorProto::INT16:
    return takeList<int16_t>(tensor.mutable_int32_data(), count, "int32_data");
  case TensorProto::UINT16:
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
    return takeList<uint16_t>(tensor.mutable_int32_data(), count, "int32_data");
  case TensorProto::INT8:
    return takeList<int8_t>(tensor.mutable_int32_data(), count, "int32_data");
  default:
    return takeList<uint8_t>(tensor.mutable_int32_data(), count, "int32_data");
  }
}

/// Elements of fewer than 8 bits, which follow one another without gaps from the lowest bit
/// on, in a byte each.
static AsmResourceBlob unpack(ArrayRef<char> packed, int64_t bits, int64_t count) {
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(count, cnn::kBlobAlignment);
  MutableArrayRef<char> out = blob.getMutableData();
  for (int64_t i = 0; i < count; ++i) {
    int64_t first = i * bits;
    unsigned pair = uint8_t(packed[first / 8]);
    if (first / 8 + 1 < int64_t(packed.size()))
      pair |= unsigned(uint8_t(packed[first / 8 + 1])) << 8;
    out[i] = char(pair >> (first % 8) & ((1u << bits) - 1));
  }
  return blob;
}

Expected<TensorData> TensorReader::read(TensorProto &tensor, MappedFile *file,
                                        std::optional<Extent> rawData) {
  TensorData data;
  data.dataType = tensor.data_type();
  data.shape.assign(tensor.dims().begin(), tensor.dims().end());
  int64_t elementSize = getDataTypeSize(data.dataType);
  if (elementSize == 0)
    return createStringError("has element type " + stringifyDataType(data.dataType) +
                             ", which is not supported");
  Expected<int64_t> size = getByteSize(data.shape, elementSize);
  if (!size)
    return size.takeError();
  if (tensor.has_segment())
    return createStringError("is stored in segments, which is not supported");

  int64_t bits = getStoredBits(data.dataType), count = *size / elementSize;
  // Of the types with fewer than 8 bits, only those of 6 are not packed in a list.
  bool isPacked = bits < 8;
  int64_t storedSize = isPacked ? divideCeil(count * bits, 8) : *size;
  auto checkRawSize = [&](uint64_t stored) -> Error {
    if (stored == uint64_t(storedSize))
      return Error::success();
    return createStringError("has " + Twine(stored) + " bytes of raw data, its shape " +
                             formatShape(data.shape) + " of " +
                             stringifyDataType(data.dataType) + " wants " + Twine(storedSize));
  };
  Expected<AsmResourceBlob> bytes = AsmResourceBlob();
  if (tensor.data_location() == TensorProto::EXTERNAL) {
    bytes = readExternal(tensor, storedSize, elementSize);
  } else if (rawData) {
    if (Error error = checkRawSize(rawData->size))
      return std::move(error);
    bytes = file->getBlob(*rawData, elementSize);
  } else if (tensor.has_raw_data()) {
    if (Error error = checkRawSize(tensor.raw_data().size()))
      return std::move(error);
    std::unique_ptr<std::string> owner(tensor.release_raw_data());
    const char *start = owner->data();
    bytes = adopt(std::move(owner), start, storedSize);
  } else {
    isPacked &= bits != 6;
    bytes = takeLists(tensor, isPacked ? storedSize : count);
  }
  if (!bytes)
    return bytes.takeError();
  data.bytes = isPacked ? unpack(bytes->getData(), bits, count) : std::move(*bytes);
  return data;
}

/// The position of each element of a sparse tensor in the dense one. ONNX has them as numbers,
/// or as rows of an index for each dimension.
static Expected<SmallVector<int64_t>> readPositions(const TensorData &indices,
                                                    ArrayRef<int64_t> shape, int64_t count) {
  bool isLinear = indices.shape.size() == 1;
  int64_t rank = shape.size();
  if (shape.empty())
    return createStringError("is sparse and a scalar, which has no dimensions for indices");
  if (indices.dataType != TensorProto::INT64 || indices.shape.empty() ||
      indices.shape[0] != count ||
      !(isLinear || (indices.shape.size() == 2 && indices.shape[1] == rank)))
    return createStringError("is sparse, with " + stringifyDataType(indices.dataType) +
                             " indices of shape " + formatShape(indices.shape) + " for " +
                             Twine(count) + " elements of a tensor of shape " +
                             formatShape(shape));
  const auto *index = reinterpret_cast<const int64_t *>(indices.bytes.getData().data());
  SmallVector<int64_t> extents(shape);
  if (isLinear)
    extents = {product_of(shape)};
  SmallVector<int64_t> positions;
  for (int64_t i = 0; i < count; ++i) {
    int64_t position = 0;
    for (int64_t extent : extents) {
      if (*index < 0 || *index >= extent)
        return createStringError("is sparse, with an index of " + Twine(*index) +
                                 " in a dimension of " + Twine(extent));
      position = position * extent + *index++;
    }
    if (!positions.empty() && position <= positions.back())
      return createStringError("is sparse, with indices that are not in ascending order, or "
                               "there twice (element " +
                               Twine(i) + ")");
    positions.push_back(position);
  }
  return positions;
}

Expected<TensorData> TensorReader::readSparse(onnx::SparseTensorProto &tensor) {
  Expected<TensorData> values = read(*tensor.mutable_values());
  if (!values)
    return values.takeError();
  Expected<TensorData> indices = read(*tensor.mutable_indices());
  if (!indices)
    return indices.takeError();
  TensorData data;
  data.dataType = values->dataType;
  data.shape.assign(tensor.dims().begin(), tensor.dims().end());
  int64_t elementSize = getDataTypeSize(data.dataType);
  Expected<int64_t> size = getByteSize(data.shape, elementSize);
  if (!size)
    return size.takeError();
  if (values->shape.size() != 1)
    return createStringError("is sparse, with values of shape " + formatShape(values->shape) +
                             ", expected a list");
  Expected<SmallVector<int64_t>> positions =
      readPositions(*indices, data.shape, values->shape[0]);
  if (!positions)
    return positions.takeError();
  data.bytes = HeapAsmResourceBlob::allocate(*size, cnn::kBlobAlignment);
  char *to = data.bytes.getMutableData().data();
  const char *from = values->bytes.getData().data();
  std::memset(to, 0, *size);
  for (auto [i, position] : enumerate(*positions))
    std::memcpy(to + position * elementSize, from + i * elementSize, elementSize);
  return data;
}

//===----------------------------------------------------------------------===//
// External data
//===----------------------------------------------------------------------===//

Expected<std::shared_ptr<MappedFile>> TensorReader::openExternal(StringRef location) {
  std::shared_ptr<MappedFile> &file = externalFiles[location];
  if (file)
    return file;
  auto outside = [&] {
    return createStringError("has its data in '" + location +
                             "', which is outside of the model's folder");
  };
  if (location.empty())
    return createStringError("has external data without a location");
  if (sys::path::is_absolute(location) ||
      is_contained(make_range(sys::path::begin(location), sys::path::end(location)), ".."))
    return outside();
  StringRef parent = sys::path::parent_path(modelPath);
  SmallString<128> path(parent.empty() ? "." : parent), folder, resolved;
  sys::path::append(path, location);
  std::error_code error = sys::fs::real_path(path, resolved);
  if (!error)
    error = sys::fs::real_path(parent.empty() ? "." : parent, folder);
  if (error)
    return createStringError("has its data in '" + path + "': " + error.message());
  // Symbolic links may not lead out of the folder either.
  if (!StringRef(folder).ends_with("/"))
    folder += '/';
  if (!StringRef(resolved).starts_with(folder))
    return outside();
  Expected<std::shared_ptr<MappedFile>> opened = MappedFile::open(resolved);
  if (!opened)
    return createStringError("has its data in '" + path +
                             "': " + toString(opened.takeError()));
  file = *opened;
  return file;
}

Expected<AsmResourceBlob> TensorReader::readExternal(const TensorProto &tensor, uint64_t size,
                                                     size_t alignment) {
  StringRef location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  for (const auto &entry : tensor.external_data()) {
    StringRef key = entry.key(), value = entry.value();
    uint64_t number = 0;
    if (key == "location") {
      location = value;
      continue;
    }
    if (key != "offset" && key != "length")
      continue;
    if (value.getAsInteger(10, number))
      return createStringError("has external data with the " + key + " '" + value +
                               "', which is not a number");
    if (key == "offset")
      offset = number;
    else
      length = number;
  }
  Expected<std::shared_ptr<MappedFile>> file = openExternal(location);
  if (!file)
    return file.takeError();
  if (length && *length != size)
    return createStringError("has " + Twine(*length) +
                             " bytes of external data, its shape wants " + Twine(size));
  uint64_t available = (*file)->getBytes().size();
  if (offset > available || size > available - offset)
    return createStringError("wants " + Twine(size) + " bytes at offset " + Twine(offset) +
                             " of '" + location + "', which has only " + Twine(available) +
                             " bytes");
  return (*file)->getBlob({offset, size}, alignment);
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

mlir::ElementsAttr convoy::onnximport::makeElementsAttr(mlir::MLIRContext *context,
                                                        TensorData &&data, StringRef name) {
  auto type = mlir::RankedTensorType::get(data.shape, convertDataType(context, data.dataType));
  ArrayRef<char> bytes = data.bytes.getData();
  // A bool is true if its byte is not zero.
  if (data.dataType == TensorProto::BOOL) {
    SmallVector<bool> values = to_vector(map_range(bytes, [](char c) { return c != 0; }));
    return mlir::DenseElementsAttr::get(type, ArrayRef<bool>(values));
  }
  // Integers are inline, because shapes are folded from them. Floats are resources with a
  // name, which are easier to read in dumps.
  size_t elementSize = *cnn::getElementBytes(type.getElementType());
  int64_t limit = isa<mlir::IntegerType>(type.getElementType()) ? cnn::kMaxInlineElements : 16;
  bool isSplat =
      bytes.size() > elementSize &&
      std::memcmp(bytes.data(), bytes.data() + elementSize, bytes.size() - elementSize) == 0;
  if (isSplat || type.getNumElements() <= limit)
    return cnn::makeConstantFromBytes(type, bytes);
  return cnn::makeBlobConstant(type, name, std::move(data.bytes));
}
