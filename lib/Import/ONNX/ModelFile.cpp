//===- ModelFile.cpp - The protobuf of a model file -----------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Walks protobuf's wire format (https://protobuf.dev/programming-guides/encoding)
// down to the initializers, and hands everything but their raw data to protobuf.
//
//===----------------------------------------------------------------------===//

#include "ModelFile.h"

#include <google/protobuf/io/coded_stream.h>
#include <limits>

using namespace llvm;
using namespace convoy::onnximport;
using google::protobuf::MessageLite;

namespace {

/// One field of a message; offsets count from the start of the file.
struct Field {
  uint64_t number = 0;
  bool isMessage = false; ///< length-delimited: bytes, string or message
  uint64_t start = 0;     ///< of the tag
  Extent payload;
};

class WireReader {
public:
  WireReader(ArrayRef<char> bytes) : bytes(bytes) {}

  /// Calls `visit` for each field of the message within `extent`.
  Error forEachField(Extent extent, function_ref<Error(const Field &)> visit) {
    uint64_t position = extent.offset, end = extent.offset + extent.size;
    while (position < end) {
      Field field;
      field.start = position;
      uint64_t tag, size = 0;
      if (!readVarint(position, end, tag) || tag >> 3 == 0)
        return damaged(field.start);
      field.number = tag >> 3;
      switch (tag & 7) {
      case 0: {
        uint64_t value, begin = position;
        if (!readVarint(position, end, value))
          return damaged(field.start);
        size = position - begin;
        position = begin;
        break;
      }
      case 1:
        size = 8;
        break;
      case 2:
        field.isMessage = true;
        if (!readVarint(position, end, size))
          return damaged(field.start);
        break;
      case 5:
        size = 4;
        break;
      default:
        return damaged(field.start);
      }
      if (size > end - position)
        return damaged(field.start);
      field.payload = {position, size};
      position += size;
      if (Error error = visit(field))
        return error;
    }
    return Error::success();
  }

  /// Adds the fields in [begin, end) to `message`.
  Error merge(uint64_t begin, uint64_t end, MessageLite &message) {
    if (begin == end)
      return Error::success();
    if (end - begin > uint64_t(std::numeric_limits<int>::max()))
      return createStringError(
          "holds a protobuf message of more than 2 GiB: save the model with external data");
    google::protobuf::io::CodedInputStream stream(
        reinterpret_cast<const uint8_t *>(bytes.data()) + begin, int(end - begin));
    if (!message.MergeFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
      return damaged(begin);
    return Error::success();
  }

  /// Parses the message in `extent`, except the fields for which `divert` returns true.
  Error parse(Extent extent, MessageLite &message,
              function_ref<Expected<bool>(const Field &)> divert) {
    uint64_t begin = extent.offset, end = extent.offset + extent.size;
    if (Error error = forEachField(extent, [&](const Field &field) -> Error {
          Expected<bool> taken = divert(field);
          if (!taken)
            return taken.takeError();
          if (!*taken)
            return Error::success();
          if (Error error = merge(begin, field.start, message))
            return error;
          begin = field.payload.offset + field.payload.size;
          return Error::success();
        }))
      return error;
    return merge(begin, end, message);
  }

private:
  bool readVarint(uint64_t &position, uint64_t end, uint64_t &value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && position < end; shift += 7) {
      uint8_t byte = bytes[position++];
      value |= uint64_t(byte & 127) << shift;
      if (byte < 128)
        return true;
    }
    return false;
  }

  static Error damaged(uint64_t position) {
    return createStringError("is not an ONNX model, or is truncated or damaged: no protobuf "
                             "field at byte " +
                             Twine(position));
  }

  ArrayRef<char> bytes;
};

} // namespace

Expected<std::unique_ptr<ModelFile>> ModelFile::read(StringRef path) {
  Expected<std::shared_ptr<MappedFile>> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  auto result = std::make_unique<ModelFile>();
  result->file = std::move(*file);
  ArrayRef<char> bytes = result->file->getBytes();
  if (bytes.empty())
    return createStringError("is empty");

  WireReader reader(bytes);
  auto divertTensor = [&](const Field &field) -> Expected<bool> {
    if (!field.isMessage || field.number != onnx::TensorProto::kRawDataFieldNumber)
      return false;
    result->rawData.back() = field.payload;
    return true;
  };
  auto divertGraph = [&](const Field &field) -> Expected<bool> {
    if (!field.isMessage || field.number != onnx::GraphProto::kInitializerFieldNumber)
      return false;
    result->rawData.emplace_back();
    if (Error error = reader.parse(
            field.payload, *result->model.mutable_graph()->add_initializer(), divertTensor))
      return std::move(error);
    return true;
  };
  auto divertModel = [&](const Field &field) -> Expected<bool> {
    if (!field.isMessage || field.number != onnx::ModelProto::kGraphFieldNumber)
      return false;
    if (Error error = reader.parse(field.payload, *result->model.mutable_graph(), divertGraph))
      return std::move(error);
    return true;
  };
  if (Error error = reader.parse({0, bytes.size()}, result->model, divertModel))
    return std::move(error);
  if (!result->model.has_graph())
    return createStringError("is not an ONNX model: it holds no graph");
  return result;
}

Error convoy::onnximport::parseMessage(ArrayRef<char> bytes, MessageLite &message) {
  return WireReader(bytes).merge(0, bytes.size(), message);
}
