//===- Constants.cpp - Reading and making constant tensors ----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/Utils/Constants.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Operation.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace convoy::cnn;

std::optional<int64_t> convoy::cnn::getElementBytes(Type elementType) {
  if (isa<IndexType>(elementType))
    return 8;
  if (!isa<IntegerType, FloatType>(elementType))
    return std::nullopt;
  unsigned width = elementType.getIntOrFloatBitWidth();
  if (width < 8)
    return 1;
  if (width != 8 && width != 16 && width != 32 && width != 64)
    return std::nullopt;
  return width / 8;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

std::optional<ConstantData> ConstantData::get(Attribute attribute) {
  auto elements = dyn_cast_if_present<ElementsAttr>(attribute);
  if (!elements)
    return std::nullopt;
  ConstantData data;
  data.type = dyn_cast<RankedTensorType>(elements.getType());
  if (!data.type || !data.type.hasStaticShape())
    return std::nullopt;
  std::optional<int64_t> elementBytes = ::convoy::cnn::getElementBytes(data.getElementType());
  if (!elementBytes)
    return std::nullopt;
  data.elementBytes = *elementBytes;
  int64_t count = data.getNumElements();

  auto own = [&](size_t size) {
    data.storage =
        std::make_shared<std::vector<std::max_align_t>>(size / sizeof(std::max_align_t) + 1);
    char *memory = reinterpret_cast<char *>(data.storage->data());
    data.bytes = {memory, size};
    return memory;
  };

  if (auto dense = dyn_cast<DenseIntOrFPElementsAttr>(attribute)) {
    data.splat = dense.isSplat() && count > 0;
    if (data.getElementType().isInteger(1)) {
      // Attributes may pack booleans into bits.
      char *memory = own(data.splat ? 1 : count);
      if (data.splat)
        *memory = dense.getSplatValue<bool>();
      else
        for (bool value : dense.getValues<bool>())
          *memory++ = value;
      return data;
    }
    data.bytes = dense.getRawData();
    return data;
  }
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute)) {
    const AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || int64_t(blob->getData().size()) != count * data.elementBytes)
      return std::nullopt;
    data.bytes = blob->getData();
    // In a file that is read in place, numbers may be at any address. If they are not aligned,
    // they are copied.
    if (reinterpret_cast<uintptr_t>(data.bytes.data()) % data.elementBytes) {
      ArrayRef<char> source = data.bytes;
      std::memcpy(own(source.size()), source.data(), source.size());
    }
    return data;
  }
  return std::nullopt;
}

std::optional<ConstantData> ConstantData::get(Value value) {
  Attribute attribute;
  if (!value || !matchPattern(value, m_Constant(&attribute)))
    return std::nullopt;
  return get(attribute);
}

template <typename T> static T load(ArrayRef<char> bytes, int64_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

int64_t ConstantData::getInt(int64_t index) const {
  Type element = getElementType();
  assert(element.isIntOrIndex() && "constant holds no integers");
  index = splat ? 0 : index;
  // i1 is true or false, not -1.
  bool isUnsigned = element.isUnsignedInteger() || element.isInteger(1);
  if (unsigned width = isUnsigned || element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
      width < 8)
    return llvm::SignExtend64(load<uint8_t>(bytes, index), width);
  switch (elementBytes) {
  case 1:
    return isUnsigned ? int64_t(load<uint8_t>(bytes, index)) : load<int8_t>(bytes, index);
  case 2:
    return isUnsigned ? int64_t(load<uint16_t>(bytes, index)) : load<int16_t>(bytes, index);
  case 4:
    return isUnsigned ? int64_t(load<uint32_t>(bytes, index)) : load<int32_t>(bytes, index);
  default:
    return load<int64_t>(bytes, index);
  }
}

double ConstantData::getDouble(int64_t index) const {
  auto element = dyn_cast<FloatType>(getElementType());
  if (!element)
    return getElementType().isUnsignedInteger() ? double(uint64_t(getInt(index)))
                                                : double(getInt(index));
  index = splat ? 0 : index;
  if (element.isF32())
    return load<float>(bytes, index);
  if (element.isF64())
    return load<double>(bytes, index);
  uint64_t bits =
      elementBytes == 1 ? load<uint8_t>(bytes, index) : load<uint16_t>(bytes, index);
  APFloat value(element.getFloatSemantics(), APInt(element.getWidth(), bits));
  return value.convertToDouble();
}

/// Whether every element of `size` bytes equals the first.
static bool areEqual(ArrayRef<char> bytes, size_t size) {
  return bytes.size() <= size ||
         std::memcmp(bytes.data(), bytes.data() + size, bytes.size() - size) == 0;
}

std::optional<double> ConstantData::getSplatDouble() const {
  if (bytes.empty() || !areEqual(bytes, elementBytes))
    return std::nullopt;
  return getDouble(0);
}

//===----------------------------------------------------------------------===//
// Making
//===----------------------------------------------------------------------===//

/// A dense attribute of the elements in `bytes`: of all of them, or of one for a splat.
static DenseElementsAttr makeDense(RankedTensorType type, ArrayRef<char> bytes) {
  if (type.getElementType().isInteger(1))
    return DenseElementsAttr::get(
        type, ArrayRef<bool>(reinterpret_cast<const bool *>(bytes.data()), bytes.size()));
  return DenseElementsAttr::getFromRawBuffer(type, bytes);
}

ElementsAttr convoy::cnn::narrowToI8(const ConstantData &data) {
  auto isI8 = [](double value) {
    return value == std::nearbyint(value) && value >= -128 && value <= 127;
  };
  std::vector<int8_t> values;
  for (int64_t i = 0, count = data.isSplat() ? 1 : data.getNumElements(); i < count; ++i) {
    double value = data.getDouble(i);
    if (!isI8(value))
      return {};
    values.push_back(int8_t(value));
  }
  RankedTensorType type = data.getType();
  return makeConstant<int8_t>(type.clone(IntegerType::get(type.getContext(), 8)),
                              std::move(values));
}

ElementsAttr convoy::cnn::makeBlobConstant(RankedTensorType type, StringRef name,
                                           AsmResourceBlob &&blob) {
  auto &manager = DenseResourceElementsHandle::getManagerInterface(type.getContext());
  return cast<ElementsAttr>(
      DenseResourceElementsAttr::get(type, manager.insert(name, std::move(blob))));
}

/// The constant as a dense attribute, if it is small or a splat. Null if it should be a blob.
static ElementsAttr makeInline(RankedTensorType type, ArrayRef<char> bytes) {
  size_t elementBytes = *getElementBytes(type.getElementType());
  if (!bytes.empty() && areEqual(bytes, elementBytes))
    return makeDense(type, bytes.take_front(elementBytes));
  assert(bytes.size() == type.getNumElements() * elementBytes && "wrong number of elements");
  if (type.getNumElements() <= kMaxInlineElements)
    return makeDense(type, bytes);
  return {};
}

/// Base of the names of the blobs that are made here.
static constexpr StringLiteral kBlobName = "weights";

ElementsAttr convoy::cnn::makeConstantFromBytes(RankedTensorType type, ArrayRef<char> bytes) {
  if (ElementsAttr small = makeInline(type, bytes))
    return small;
  return makeBlobConstant(type, kBlobName,
                          HeapAsmResourceBlob::allocateAndCopyWithAlign(
                              bytes, kBlobAlignment, /*dataIsMutable=*/false));
}

ElementsAttr convoy::cnn::makeConstantFromBlob(RankedTensorType type, AsmResourceBlob &&blob) {
  if (ElementsAttr small = makeInline(type, blob.getData()))
    return small;
  return makeBlobConstant(type, kBlobName, std::move(blob));
}

template <typename T>
ElementsAttr convoy::cnn::makeConstant(RankedTensorType type, std::vector<T> &&values) {
  ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()),
                       values.size() * sizeof(T));
  if (ElementsAttr small = makeInline(type, bytes))
    return small;
  auto owner = std::make_unique<std::vector<T>>(std::move(values));
  bytes = ArrayRef<char>(reinterpret_cast<const char *>(owner->data()), bytes.size());
  return makeBlobConstant(
      type, kBlobName,
      AsmResourceBlob(
          bytes, alignof(T),
          [owner = std::move(owner)](void *, size_t, size_t) mutable { owner.reset(); },
          /*dataIsMutable=*/false));
}

template <typename T>
ElementsAttr convoy::cnn::fillConstant(RankedTensorType type,
                                       function_ref<void(MutableArrayRef<T>)> fill) {
  size_t count = type.getNumElements();
  if (int64_t(count) <= kMaxInlineElements) {
    std::vector<T> values(count);
    fill(values);
    return makeConstant(type, std::move(values));
  }
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(count * sizeof(T), kBlobAlignment);
  MutableArrayRef<char> bytes = blob.getMutableData();
  std::memset(bytes.data(), 0, bytes.size());
  fill(MutableArrayRef<T>(reinterpret_cast<T *>(bytes.data()), count));
  return makeConstantFromBlob(type, std::move(blob));
}

#define INSTANTIATE(T)                                                                        \
  template ElementsAttr convoy::cnn::makeConstant<T>(RankedTensorType, std::vector<T> &&);    \
  template ElementsAttr convoy::cnn::fillConstant<T>(RankedTensorType,                        \
                                                     function_ref<void(MutableArrayRef<T>)>);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(int8_t)
INSTANTIATE(uint8_t)
INSTANTIATE(int16_t)
INSTANTIATE(uint16_t)
INSTANTIATE(int32_t)
INSTANTIATE(int64_t)
#undef INSTANTIATE

ElementsAttr convoy::cnn::makeFloats(MLIRContext *context, ArrayRef<int64_t> shape,
                                     std::vector<float> &&values) {
  return makeConstant(RankedTensorType::get(shape, Float32Type::get(context)),
                      std::move(values));
}

ElementsAttr convoy::cnn::reshapeConstant(ElementsAttr value, RankedTensorType type) {
  assert(value.getNumElements() == type.getNumElements() && "reshape changes the size");
  if (auto dense = dyn_cast<DenseElementsAttr>(value))
    return dense.reshape(type);
  auto resource = cast<DenseResourceElementsAttr>(value);
  return cast<ElementsAttr>(DenseResourceElementsAttr::get(type, resource.getRawHandle()));
}

/// The f16 that is nearest to `value`, as bits.
static uint16_t toF16(float value) {
  return llvm::bit_cast<uint16_t>(static_cast<_Float16>(value));
}

/// The bf16 that is nearest to `value`, as bits; ties go to even.
static uint16_t toBF16(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  if (std::isnan(value))
    return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

ElementsAttr convoy::cnn::roundConstant(ElementsAttr value, Type element) {
  ConstantData data = *ConstantData::get(value);
  bool half = element.isF16();
  std::vector<uint16_t> bits;
  bits.reserve(data.getValues<float>().size());
  for (float number : data.getValues<float>())
    bits.push_back(half ? toF16(number) : toBF16(number));
  ArrayRef<char> bytes(reinterpret_cast<const char *>(bits.data()),
                       bits.size() * sizeof(uint16_t));
  return makeConstantFromBytes(data.getType().clone(element), bytes);
}

static float fromF16(uint16_t bits) {
  return static_cast<float>(llvm::bit_cast<_Float16>(bits));
}

static float fromBF16(uint16_t bits) { return llvm::bit_cast<float>(uint32_t(bits) << 16); }

ElementsAttr convoy::cnn::widenConstant(ElementsAttr value) {
  ConstantData data = *ConstantData::get(value);
  RankedTensorType type = data.getType().clone(Float32Type::get(value.getContext()));
  bool half = data.getElementType().isF16();
  ArrayRef<uint16_t> from(reinterpret_cast<const uint16_t *>(data.getBytes().data()),
                          data.getBytes().size() / sizeof(uint16_t));
  auto widen = [&](MutableArrayRef<float> out) {
    if (half)
      llvm::transform(from, out.begin(), fromF16);
    else
      llvm::transform(from, out.begin(), fromBF16);
  };
  if (!data.isSplat())
    return fillConstant<float>(type, widen);
  float number;
  widen(number);
  return makeConstantFromBytes(type, {reinterpret_cast<const char *>(&number), sizeof number});
}

Value convoy::cnn::createConstant(OpBuilder &builder, Location loc, ElementsAttr value) {
  return arith::ConstantOp::create(builder, loc, value);
}

void convoy::cnn::eraseIfUnused(RewriterBase &rewriter, Value value) {
  Operation *op = value ? value.getDefiningOp() : nullptr;
  if (op && op->hasTrait<OpTrait::ConstantLike>() && op->use_empty())
    rewriter.eraseOp(op);
}

//===----------------------------------------------------------------------===//
// Releasing
//===----------------------------------------------------------------------===//

int64_t convoy::cnn::releaseUnusedBlobs(Operation *root) {
  DenseSet<const void *> used;
  AttrTypeWalker walker;
  walker.addWalk([&](DenseResourceElementsAttr resource) {
    used.insert(resource.getRawHandle().getResource());
  });
  root->walk([&](Operation *op) { walker.walk(op->getAttrDictionary()); });

  auto &manager =
      DenseResourceElementsHandle::getManagerInterface(root->getContext()).getBlobManager();
  SmallVector<std::string> unused;
  int64_t released = 0;
  manager.getBlobMap([&](const llvm::StringMap<DialectResourceBlobManager::BlobEntry> &map) {
    for (const auto &entry : map) {
      const AsmResourceBlob *blob = entry.second.getBlob();
      if (!blob || blob->getData().empty() || used.contains(&entry.second))
        continue;
      unused.push_back(entry.first().str());
      released += blob->getData().size();
    }
  });
  for (const std::string &name : unused)
    manager.update(name, AsmResourceBlob());
  return released;
}
