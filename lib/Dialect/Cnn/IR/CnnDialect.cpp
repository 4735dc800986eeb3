//===- CnnDialect.cpp - The cnn dialect -----------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ShapeRule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace convoy::cnn;

//===----------------------------------------------------------------------===//
// Custom directives of attributes
//===----------------------------------------------------------------------===//

/// Extents such as `14x2x16`.
static ParseResult parseExtents(AsmParser &parser, SmallVector<int64_t> &extents) {
  return parser.parseDimensionList(extents, /*allowDynamic=*/false, /*withTrailingX=*/false);
}
static void printExtents(AsmPrinter &printer, ArrayRef<int64_t> extents) {
  llvm::interleave(extents, printer.getStream(), "x");
}

/// A shape and an element type such as `1x4x32xf32`.
static ParseResult parsePackedType(AsmParser &parser, RankedTensorType &type) {
  SmallVector<int64_t> shape;
  Type element;
  if (parser.parseDimensionList(shape, /*allowDynamic=*/false) || parser.parseType(element))
    return failure();
  type = RankedTensorType::getChecked([&] { return parser.emitError(parser.getNameLoc()); },
                                      shape, element);
  return success(bool(type));
}
static void printPackedType(AsmPrinter &printer, RankedTensorType type) {
  for (int64_t extent : type.getShape())
    printer << extent << 'x';
  printer << type.getElementType();
}

#include "convoy/Dialect/Cnn/IR/CnnDialect.cpp.inc"
#include "convoy/Dialect/Cnn/IR/CnnEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "convoy/Dialect/Cnn/IR/CnnAttributes.cpp.inc"
#include "convoy/Dialect/Cnn/IR/CnnInterfaces.cpp.inc"
#define GET_OP_CLASSES
#include "convoy/Dialect/Cnn/IR/CnnOps.cpp.inc"

void CnnDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "convoy/Dialect/Cnn/IR/CnnAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "convoy/Dialect/Cnn/IR/CnnOps.cpp.inc"
      >();
}

Operation *CnnDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type,
                                           Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

bool convoy::cnn::hasContiguousImages(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset, expected = 1;
  if (type.getRank() == 0 || failed(type.getStridesAndOffset(strides, offset)) || offset != 0)
    return false;
  for (auto [extent, stride] :
       llvm::reverse(llvm::drop_begin(llvm::zip_equal(type.getShape(), strides)))) {
    // The stride of a dimension of size 1 is arbitrary.
    if (extent != 1 && stride != expected)
      return false;
    expected *= extent;
  }
  return strides[0] >= expected;
}

int64_t convoy::cnn::getImageStride(MemRefType type) {
  return std::get<0>(type.getStridesAndOffset()).front();
}

int64_t convoy::cnn::countSpan(MemRefType type) {
  int64_t elements = type.getNumElements();
  if (type.getRank() == 0 || elements == 0)
    return elements;
  int64_t images = type.getDimSize(0);
  return (images - 1) * getImageStride(type) + elements / images;
}

LogicalResult convoy::cnn::detail::verifyDestination(Operation *op) {
  auto destination = cast<DestinationOpInterface>(op);
  Value init = destination.getDestination();
  bool anyMemRef = llvm::any_of(op->getOperandTypes(), llvm::IsaPred<MemRefType>);
  if (anyMemRef) {
    if (!llvm::all_of(op->getOperandTypes(), llvm::IsaPred<MemRefType>))
      return op->emitOpError("mixes tensor and memref operands");
    if (!init || op->getNumResults() != 0)
      return op->emitOpError("on memrefs needs an outs operand and no result");
    return success();
  }
  if (op->getNumResults() != 1)
    return op->emitOpError("on tensors needs one result");
  if (init && init.getType() != op->getResult(0).getType())
    return op->emitOpError("destination has type ")
           << init.getType() << ", result " << op->getResult(0).getType();
  return success();
}

static Operation *getOutermost(Operation *op) {
  while (op->getParentOp())
    op = op->getParentOp();
  return op;
}

TargetAttr convoy::cnn::getTarget(Operation *op) {
  return getOutermost(op)->getAttrOfType<TargetAttr>(kTargetAttrName);
}

FailureOr<TargetAttr> convoy::cnn::requireTarget(Operation *op) {
  if (TargetAttr target = getTarget(op))
    return target;
  return getOutermost(op)->emitError("has no attribute ")
         << kTargetAttrName << ", which says what machine to compile for: run cnn-set-target "
         << "first, such as --cnn-set-target=cpu=x86-64-v3";
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

static bool areAll(ArrayRef<int64_t> values, int64_t value) {
  return llvm::all_of(values, [=](int64_t other) { return other == value; });
}

FloatType TargetAttr::getDataType() const {
  switch (getPrecision()) {
  case Precision::f16:
    return Float16Type::get(getContext());
  case Precision::bf16:
    return BFloat16Type::get(getContext());
  case Precision::f32:
  case Precision::tf32:
    return Float32Type::get(getContext());
  }
  llvm_unreachable("every precision has its type");
}

bool WindowAttr::hasPads() const { return !areAll(getPads(), 0); }
bool WindowAttr::hasUnitStrides() const { return areAll(getStrides(), 1); }
bool WindowAttr::isPointwise() const {
  return areAll(getKernel(), 1) && hasUnitStrides() && !hasPads();
}

WindowAttr WindowAttr::withPads(ArrayRef<int64_t> pads) const {
  return get(getContext(), getKernel(), getStrides(), getDilations(), pads);
}

LogicalResult WindowAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> kernel, ArrayRef<int64_t> strides,
                                 ArrayRef<int64_t> dilations, ArrayRef<int64_t> pads) {
  int64_t rank = kernel.size();
  if (rank < 1 || rank > 3)
    return emitError() << rank << " spatial dimensions, expected 1 to 3";
  auto checkLength = [&](StringRef name, ArrayRef<int64_t> values, int64_t length) {
    if (int64_t(values.size()) == length)
      return success();
    return LogicalResult(emitError() << name << " has " << values.size()
                                     << " entries, expected " << length);
  };
  if (failed(checkLength("strides", strides, rank)) ||
      failed(checkLength("dilations", dilations, rank)) ||
      failed(checkLength("pads", pads, 2 * rank)))
    return failure();
  for (int64_t i = 0; i < rank; ++i) {
    for (auto [name, value] : {std::pair("kernel", kernel[i]), std::pair("stride", strides[i]),
                               std::pair("dilation", dilations[i])})
      if (value < 1)
        return emitError() << name << " is " << value << " in spatial dimension " << i;
    if (pads[i] < 0 || pads[rank + i] < 0)
      return emitError() << "pad is negative in spatial dimension " << i;
  }
  return success();
}

/// Extents such as `[3, 3]`.
static ParseResult parseExtentList(AsmParser &parser, SmallVectorImpl<int64_t> &extents) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
    return parser.parseInteger(extents.emplace_back());
  });
}

Attribute WindowAttr::parse(AsmParser &parser, Type) {
  llvm::SMLoc loc = parser.getCurrentLocation();
  SmallVector<int64_t> kernel, strides, dilations, pads;
  if (parser.parseLess() || parseExtentList(parser, kernel))
    return {};
  while (succeeded(parser.parseOptionalComma())) {
    StringRef name;
    llvm::SMLoc at = parser.getCurrentLocation();
    if (parser.parseKeyword(&name))
      return {};
    auto *values = llvm::StringSwitch<SmallVector<int64_t> *>(name)
                       .Case("strides", &strides)
                       .Case("dilations", &dilations)
                       .Case("pads", &pads)
                       .Default(nullptr);
    if (!values || !values->empty()) {
      parser.emitError(at) << "expected each of strides, dilations and pads at most once, got "
                           << name;
      return {};
    }
    if (parser.parseEqual() || parseExtentList(parser, *values))
      return {};
  }
  if (parser.parseGreater())
    return {};
  if (strides.empty())
    strides.assign(kernel.size(), 1);
  if (dilations.empty())
    dilations.assign(kernel.size(), 1);
  if (pads.empty())
    pads.assign(2 * kernel.size(), 0);
  return parser.getChecked<WindowAttr>(loc, parser.getContext(), kernel, strides, dilations,
                                       pads);
}

void WindowAttr::print(AsmPrinter &printer) const {
  auto print = [&](ArrayRef<int64_t> values) {
    printer << "[";
    llvm::interleaveComma(values, printer);
    printer << "]";
  };
  printer << "<";
  print(getKernel());
  auto printUnless = [&](StringRef name, ArrayRef<int64_t> values, int64_t otherwise) {
    if (areAll(values, otherwise))
      return;
    printer << ", " << name << " = ";
    print(values);
  };
  printUnless("strides", getStrides(), 1);
  printUnless("dilations", getDilations(), 1);
  printUnless("pads", getPads(), 0);
  printer << ">";
}

//===----------------------------------------------------------------------===//
// Memory effects
//===----------------------------------------------------------------------===//

namespace {
/// The link between devices. All communication writes it, and therefore keeps its order.
struct LinkResource : SideEffects::Resource::Base<LinkResource> {
  StringRef getName() final { return "CnnLink"; }
};
} // namespace

void convoy::cnn::detail::addEffects(
    Operation *op,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  auto destination = cast<DestinationOpInterface>(op);
  if (destination.hasMemRefForm())
    for (OpOperand &operand : op->getOpOperands()) {
      if (operand.get() == destination.getDestination() &&
          operand.getOperandNumber() == op->getNumOperands() - 1)
        effects.emplace_back(MemoryEffects::Write::get(), &operand);
      else
        effects.emplace_back(MemoryEffects::Read::get(), &operand);
    }
  if (isa<CommunicationOpInterface>(op))
    effects.emplace_back(MemoryEffects::Write::get(), LinkResource::get());
}

void AwaitOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getSourceMutable());
  effects.emplace_back(MemoryEffects::Write::get(), &getTargetMutable());
  effects.emplace_back(MemoryEffects::Write::get(), LinkResource::get());
}

void ReleaseOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &buffer : getBuffersMutable())
    effects.emplace_back(MemoryEffects::Read::get(), &buffer);
  effects.emplace_back(MemoryEffects::Write::get(), LinkResource::get());
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(*this, getKernelAttr());
  if (!kernel)
    return emitOpError("names no function: @") << getKernel();
  ArrayRef<Type> arguments = kernel.getArgumentTypes();
  // The runtime adds the scratch memory: it is no operand of the launch.
  if (unsigned last = arguments.size(); last && kernel.getArgAttr(last - 1, kScratchAttrName))
    arguments = arguments.drop_back();
  if (arguments.size() < 2 || !llvm::equal(arguments.drop_front(2), getBuffers().getTypes()))
    return emitOpError("operand types differ from those of @") << getKernel();
  return success();
}
