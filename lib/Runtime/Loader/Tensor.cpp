//===- Tensor.cpp - Tensors in host memory --------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Runtime/Tensor.h"

#include "../Artefact/Npy.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

using namespace convoy;

llvm::StringRef convoy::stringify(ElementType type) {
  const char *name = convoy_element_name(static_cast<int32_t>(type));
  return name ? name : "unknown";
}

int64_t convoy::getElementSize(ElementType type) {
  return convoy_element_size(static_cast<int32_t>(type));
}

bool convoy::areSameInNpy(ElementType first, ElementType second) {
  return convoy_npy_same_type(static_cast<int32_t>(first), static_cast<int32_t>(second));
}

static int64_t multiply(llvm::ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t dim : shape)
    count *= dim;
  return count;
}

static std::string makeTypeString(ElementType type, llvm::ArrayRef<int64_t> shape,
                                  llvm::ArrayRef<bool> isBounded = {}) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (auto [index, dim] : llvm::enumerate(shape))
    os << (!isBounded.empty() && isBounded[index] ? "<=" : "") << dim << 'x';
  os << stringify(type);
  return text;
}

int64_t TensorInfo::getNumElements() const { return multiply(shape); }

bool TensorInfo::allows(llvm::ArrayRef<int64_t> other) const {
  if (other.size() != shape.size())
    return false;
  for (auto [index, dim] : llvm::enumerate(shape))
    if (isBounded.empty() || !isBounded[index] ? other[index] != dim : other[index] > dim)
      return false;
  return true;
}

std::string TensorInfo::getTypeString() const {
  return makeTypeString(elementType, shape, isBounded);
}

//===----------------------------------------------------------------------===//
// Tensor
//===----------------------------------------------------------------------===//

void Tensor::Free::operator()(uint8_t *pointer) const { std::free(pointer); }

std::optional<Tensor> Tensor::create(ElementType elementType, llvm::ArrayRef<int64_t> shape) {
  int64_t bytes = getElementSize(elementType);
  bool isEmpty = llvm::is_contained(shape, 0);
  for (int64_t dim : shape)
    if (dim < 0 || (!isEmpty && llvm::MulOverflow(bytes, dim, bytes)))
      return std::nullopt;
  if (isEmpty)
    bytes = 0;
  if (bytes > std::numeric_limits<int64_t>::max() - 64)
    return std::nullopt;

  size_t allocated = std::max<size_t>(llvm::alignTo<64>(bytes), 64);
  auto *memory = static_cast<uint8_t *>(std::aligned_alloc(64, allocated));
  if (!memory)
    return std::nullopt;
  std::memset(memory, 0, allocated);
  Tensor tensor;
  tensor.elementType = elementType;
  tensor.shape.assign(shape.begin(), shape.end());
  tensor.size = bytes;
  tensor.storage.reset(memory);
  return tensor;
}

Tensor::Tensor(ElementType elementType, llvm::ArrayRef<int64_t> shape) {
  std::optional<Tensor> tensor = create(elementType, shape);
  if (!tensor)
    llvm::report_bad_alloc_error("no memory for a tensor");
  *this = std::move(*tensor);
}

int64_t Tensor::getNumElements() const { return multiply(shape); }

std::string Tensor::getTypeString() const { return makeTypeString(elementType, shape); }

template <typename T> static double loadAs(const uint8_t *data, int64_t index) {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));
  return static_cast<double>(value);
}

/// A float of at most 16 bits.
static double loadAsFloat(const llvm::fltSemantics &semantics, const uint8_t *data,
                          int64_t index) {
  unsigned width = llvm::APFloat::getSizeInBits(semantics), bytes = (width + 7) / 8;
  uint16_t bits = 0;
  std::memcpy(&bits, data + index * bytes, bytes);
  llvm::APFloat value(semantics, llvm::APInt(width, bits & ((1u << width) - 1)));
  return value.convertToFloat();
}

/// An integer of fewer than 8 bits.
static double loadAsInteger(unsigned width, bool isSigned, uint8_t byte) {
  llvm::APInt value(width, byte & ((1u << width) - 1));
  return value.roundToDouble(isSigned);
}

void Tensor::reinterpretAs(ElementType type) {
  assert(getElementSize(type) == getElementSize(elementType) && "other size");
  elementType = type;
}

void Tensor::shrinkTo(llvm::ArrayRef<int64_t> smaller) {
  assert(smaller.size() == shape.size() && "other rank");
  convoy_compact(storage.get(), static_cast<int32_t>(elementType), int32_t(shape.size()),
                 shape.data(), smaller.data());
  shape.assign(smaller.begin(), smaller.end());
  size = getNumElements() * getElementSize(elementType);
}

double Tensor::getElement(int64_t index) const {
  const uint8_t *data = storage.get();
  switch (elementType) {
  case ElementType::F32:
    return loadAs<float>(data, index);
  case ElementType::F64:
    return loadAs<double>(data, index);
  case ElementType::F16:
    return loadAsFloat(llvm::APFloat::IEEEhalf(), data, index);
  case ElementType::BF16:
    return loadAsFloat(llvm::APFloat::BFloat(), data, index);
  case ElementType::I8:
    return loadAs<int8_t>(data, index);
  case ElementType::U8:
  case ElementType::Bool:
    return loadAs<uint8_t>(data, index);
  case ElementType::I16:
    return loadAs<int16_t>(data, index);
  case ElementType::U16:
    return loadAs<uint16_t>(data, index);
  case ElementType::I32:
    return loadAs<int32_t>(data, index);
  case ElementType::U32:
    return loadAs<uint32_t>(data, index);
  case ElementType::I64:
    return loadAs<int64_t>(data, index);
  case ElementType::U64:
    return loadAs<uint64_t>(data, index);
  case ElementType::F8E4M3FN:
    return loadAsFloat(llvm::APFloat::Float8E4M3FN(), data, index);
  case ElementType::F8E4M3FNUZ:
    return loadAsFloat(llvm::APFloat::Float8E4M3FNUZ(), data, index);
  case ElementType::F8E5M2:
    return loadAsFloat(llvm::APFloat::Float8E5M2(), data, index);
  case ElementType::F8E5M2FNUZ:
    return loadAsFloat(llvm::APFloat::Float8E5M2FNUZ(), data, index);
  case ElementType::F8E8M0:
    return loadAsFloat(llvm::APFloat::Float8E8M0FNU(), data, index);
  case ElementType::F6E2M3:
    return loadAsFloat(llvm::APFloat::Float6E2M3FN(), data, index);
  case ElementType::F6E3M2:
    return loadAsFloat(llvm::APFloat::Float6E3M2FN(), data, index);
  case ElementType::F4E2M1:
    return loadAsFloat(llvm::APFloat::Float4E2M1FN(), data, index);
  case ElementType::U4:
    return loadAsInteger(4, /*isSigned=*/false, data[index]);
  case ElementType::I4:
    return loadAsInteger(4, /*isSigned=*/true, data[index]);
  case ElementType::U2:
    return loadAsInteger(2, /*isSigned=*/false, data[index]);
  case ElementType::I2:
    return loadAsInteger(2, /*isSigned=*/true, data[index]);
  }
  return 0;
}

//===----------------------------------------------------------------------===//
// Random numbers and comparison
//===----------------------------------------------------------------------===//

void convoy::fillRandom(Tensor &tensor, uint64_t seed, uint64_t stream) {
  convoy_fill_random(tensor.getData(), static_cast<int32_t>(tensor.getElementType()),
                     tensor.getNumElements(), seed, stream);
}

llvm::Expected<Comparison> convoy::compareTensors(const Tensor &actual, const Tensor &expected,
                                                  double rtol, double atol) {
  if (actual.getElementType() != expected.getElementType() ||
      actual.getShape() != expected.getShape())
    return llvm::createStringError("the tensor is " + actual.getTypeString() + " where " +
                                   expected.getTypeString() + " is expected");
  Comparison result;
  for (int64_t i = 0, e = actual.getNumElements(); i != e; ++i) {
    double a = actual.getElement(i), b = expected.getElement(i);
    if (std::isfinite(b))
      result.maxAbsValue = std::max(result.maxAbsValue, std::fabs(b));
    if (a == b || (std::isnan(a) && std::isnan(b)))
      continue;
    double difference = std::fabs(a - b);
    if (!std::isfinite(difference))
      difference = std::numeric_limits<double>::infinity();
    result.maxAbsDifference = std::max(result.maxAbsDifference, difference);
    if (std::isfinite(difference) && difference <= atol + rtol * std::fabs(b))
      continue;
    if (result.numMismatches++ == 0)
      result.firstMismatch = i;
  }
  return result;
}
