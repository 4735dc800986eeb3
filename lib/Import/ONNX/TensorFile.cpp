//===- TensorFile.cpp - TensorProto files ---------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelFile.h"
#include "TensorReader.h"
#include "convoy/Import/ONNX/Import.h"
#include "convoy/Runtime/Npy.h"
#include <cstring>

using namespace llvm;
using namespace convoy;
using namespace convoy::onnximport;
using onnx::TensorProto;

static std::optional<ElementType> getElementType(int32_t dataType) {
  switch (dataType) {
  case TensorProto::FLOAT:
    return ElementType::F32;
  case TensorProto::UINT8:
    return ElementType::U8;
  case TensorProto::INT8:
    return ElementType::I8;
  case TensorProto::UINT16:
    return ElementType::U16;
  case TensorProto::INT16:
    return ElementType::I16;
  case TensorProto::INT32:
    return ElementType::I32;
  case TensorProto::INT64:
    return ElementType::I64;
  case TensorProto::BOOL:
    return ElementType::Bool;
  case TensorProto::FLOAT16:
    return ElementType::F16;
  case TensorProto::DOUBLE:
    return ElementType::F64;
  case TensorProto::UINT32:
    return ElementType::U32;
  case TensorProto::UINT64:
    return ElementType::U64;
  case TensorProto::BFLOAT16:
    return ElementType::BF16;
  default:
    return std::nullopt;
  }
}

static Expected<Tensor> readTensor(StringRef path) {
  Expected<std::shared_ptr<MappedFile>> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  if ((*file)->getBytes().empty())
    return createStringError("is empty");
  TensorProto proto;
  if (Error error = parseMessage((*file)->getBytes(), proto)) {
    consumeError(std::move(error));
    return createStringError("is not a TensorProto, or is truncated or damaged");
  }
  std::optional<ElementType> elementType = getElementType(proto.data_type());
  if (!proto.has_data_type())
    return createStringError("is not a TensorProto: it has no element type");
  Expected<TensorData> data = TensorReader(path).read(proto);
  if (!data)
    return data.takeError();
  std::optional<Tensor> tensor =
      elementType ? Tensor::create(*elementType, data->shape) : std::nullopt;
  ArrayRef<char> bytes = data->bytes.getData();
  if (!tensor || tensor->getSizeInBytes() != int64_t(bytes.size()))
    return createStringError("does not fit into memory");
  if (!bytes.empty())
    std::memcpy(tensor->getData(), bytes.data(), bytes.size());
  return std::move(*tensor);
}

Expected<Tensor> convoy::readTensorProto(StringRef path) {
  Expected<Tensor> tensor = readTensor(path);
  if (!tensor)
    return createStringError(path + ": " + toString(tensor.takeError()));
  return tensor;
}

Expected<Tensor> convoy::readTensorFile(StringRef path) {
  return path.ends_with(".pb") ? readTensorProto(path) : readNpy(path);
}
