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

// The numbers are ONNX's.
static_assert(int(ElementType::F32) == TensorProto::FLOAT &&
              int(ElementType::BF16) == TensorProto::BFLOAT16 &&
              int(ElementType::I2) == TensorProto::INT2);

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
  if (!proto.has_data_type())
    return createStringError("is not a TensorProto: it has no element type");
  Expected<TensorData> data = TensorReader(path).read(proto);
  if (!data)
    return data.takeError();
  std::optional<Tensor> tensor = Tensor::create(ElementType(proto.data_type()), data->shape);
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
