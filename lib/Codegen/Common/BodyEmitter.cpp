//===- BodyEmitter.cpp - Bodies of element-wise operations ----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Codegen/Common/BodyEmitter.h"

#include "convoy/Dialect/Cnn/IR/EpilogueBody.h"
#include "convoy/Machine/ByteShuffle.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"

#include <array>

using namespace mlir;
using namespace convoy;

LogicalResult convoy::captureConstants(ImplicitLocOpBuilder &b, Region &region,
                                       IRMapping &captured) {
  SetVector<Value> values;
  getUsedValuesDefinedAbove(region, region, values);
  for (Value value : values) {
    Operation *constant = value.getDefiningOp();
    if (!constant || !constant->hasTrait<OpTrait::ConstantLike>())
      return failure();
    captured.map(value, b.clone(*constant)->getResult(0));
  }
  return success();
}

Value convoy::widen(ImplicitLocOpBuilder &b, Value value, int64_t lanes) {
  if (lanes == 1 || isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(b, VectorType::get(lanes, value.getType()), value);
}

/// The table as a constant of the module, which each kernel makes once.
static Value emitTable(ImplicitLocOpBuilder &b, DenseElementsAttr values) {
  OpBuilder::InsertionGuard guard(b);
  Operation *parent = b.getInsertionBlock()->getParentOp();
  auto kernel = dyn_cast<func::FuncOp>(parent);
  if (!kernel)
    kernel = parent->getParentOfType<func::FuncOp>();
  auto tensor = RankedTensorType::get(values.getType().getShape(), values.getElementType());
  auto type = MemRefType::get(tensor.getShape(), tensor.getElementType());
  auto elements = DenseElementsAttr::getFromRawBuffer(tensor, values.getRawData());
  memref::GlobalOp global;
  for (int64_t number = 0;; ++number) {
    std::string name = (kernel.getSymName() + "_table" + Twine(number)).str();
    global =
        SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(kernel, b.getStringAttr(name));
    if (global && global.getInitialValueAttr() == elements)
      break;
    if (global)
      continue;
    b.setInsertionPoint(kernel);
    global = memref::GlobalOp::create(b, name, b.getStringAttr("private"), type, elements,
                                      /*constant=*/true, b.getI64IntegerAttr(64));
    break;
  }
  b.setInsertionPointToStart(&kernel.front());
  return memref::GetGlobalOp::create(b, type, global.getSymName());
}

//===----------------------------------------------------------------------===//
// Tables of bytes in registers
//===----------------------------------------------------------------------===//

/// Looks up bytes in sixteen steps. Each shuffles sixteen bytes of the table by the last four
/// bits of the indices, then takes 16 from the indices. Once an index is negative, steps give
/// 0, so the exclusive or of all steps ends there, and a step's bytes are differences from
/// those of the step before. Indices from 128 on are negative at first: they become positive
/// when 128 is subtracted, and later steps saturate lest smaller ones do so, too. The eight
/// steps before their own have given these indices something, which is in the differences as
/// well.
static Value emitByteLookup(ImplicitLocOpBuilder &b, const cnn::ByteTable &table, Type element,
                            Value index) {
  auto type = cast<VectorType>(index.getType());
  std::array<std::array<uint8_t, 16>, 16> steps;
  for (int64_t step = 0; step < 16; ++step)
    for (int64_t i = 0; i < 16; ++i)
      steps[step][i] = table.bytes[16 * step + i] ^
                       (step ? table.bytes[16 * (step - 1) + i] : 0) ^
                       (step >= 8 ? steps[step - 8][i] : 0);
  auto call = [&](StringRef intrinsic, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(intrinsic), operands)
        .getResults();
  };
  Value sixteen =
      arith::ConstantOp::create(b, DenseElementsAttr::get(type, b.getI8IntegerAttr(16)));
  Value result;
  for (int64_t step = 0; step < 16; ++step) {
    if (step > 8)
      index = call("llvm.ssub.sat", {index, sixteen});
    else if (step)
      index = arith::SubIOp::create(b, index, sixteen);
    SmallVector<int8_t> both(steps[step].begin(), steps[step].end());
    both.append(steps[step].begin(), steps[step].end());
    Value row =
        arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef<int8_t>(both)));
    Value read = call(kByteShuffle, {row, index});
    result = result ? Value(arith::XOrIOp::create(b, result, read)) : read;
  }
  if (!element.isF32())
    return result;
  auto floats = VectorType::get(type.getShape(), element);
  result = arith::UIToFPOp::create(b, floats, result);
  if (table.low)
    result = arith::AddFOp::create(
        b, result,
        arith::ConstantOp::create(
            b, DenseElementsAttr::get(floats, b.getF32FloatAttr(float(table.low)))));
  return result;
}

bool convoy::isByteLookup(Operation *op, cnn::TargetAttr target) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp || !hasByteShuffle(target) || linalgOp.getNumDpsInits() != 1 ||
      linalgOp.getNumDpsInputs() != 1)
    return false;
  Block &body = *linalgOp.getBlock();
  Operation *last = body.getTerminator()->getOperand(0).getDefiningOp();
  std::optional<cnn::TableLookup> lookup;
  if (last)
    lookup = cnn::TableLookup::get(last);
  auto wide = lookup ? lookup->index.getDefiningOp<arith::ExtUIOp>() : nullptr;
  return wide && wide.getIn() == body.getArgument(0) &&
         body.getArgument(0).getType().isInteger(8) &&
         cnn::ByteTable::get(lookup->table).has_value();
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

/// Reads one element for each lane: gathers of CPUs are not faster.
static Value emitLookup(ImplicitLocOpBuilder &b, DenseElementsAttr values, Value index) {
  auto wide = index.getDefiningOp<arith::ExtUIOp>();
  auto bytes = wide ? dyn_cast<VectorType>(wide.getIn().getType()) : VectorType();
  // Only operations that isByteLookup accepts have so many lanes.
  if (bytes && bytes.getNumElements() == kByteShuffleLanes &&
      bytes.getElementType().isInteger(8))
    return emitByteLookup(b, *cnn::ByteTable::get(values), values.getElementType(),
                          wide.getIn());
  Value table = emitTable(b, values);
  auto load = [&](Value number) -> Value {
    Value position = arith::IndexCastUIOp::create(b, b.getIndexType(), number);
    return memref::LoadOp::create(b, table, position);
  };
  auto vector = dyn_cast<VectorType>(index.getType());
  if (!vector)
    return load(index);
  // Two lanes leave the vector at once.
  int64_t pairs = vector.getNumElements() / 2;
  Value mask = arith::ConstantOp::create(b, b.getI64IntegerAttr(UINT32_MAX));
  Value shift = arith::ConstantOp::create(b, b.getI64IntegerAttr(32));
  Value numbers = vector::BitCastOp::create(b, VectorType::get(pairs, b.getI64Type()), index);
  SmallVector<Value> elements;
  for (int64_t i = 0; i < pairs; ++i) {
    Value pair = vector::ExtractOp::create(b, numbers, i);
    elements.push_back(load(arith::AndIOp::create(b, pair, mask)));
    elements.push_back(load(arith::ShRUIOp::create(b, pair, shift)));
  }
  auto type = VectorType::get(vector.getShape(), values.getElementType());
  return vector::FromElementsOp::create(b, type, elements);
}

SmallVector<Value> convoy::emitBody(ImplicitLocOpBuilder &b, Block &body, IRMapping mapping,
                                    int64_t lanes, ValueRange ivs) {
  for (Operation &inner : body.without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      mapping.map(index.getResult(), ivs[index.getDim()]);
      continue;
    }
    if (std::optional<cnn::TableLookup> lookup = cnn::TableLookup::get(&inner)) {
      Value index = mapping.lookupOrDefault(lookup->index);
      mapping.map(inner.getResult(0), emitLookup(b, lookup->table, index));
      continue;
    }
    SmallVector<Value> values;
    for (Value operand : inner.getOperands())
      values.push_back(mapping.lookupOrDefault(operand));
    bool isVector =
        llvm::any_of(values, [](Value value) { return isa<VectorType>(value.getType()); });
    if (!isVector) {
      b.clone(inner, mapping);
      continue;
    }
    SmallVector<Type> types;
    for (Type type : inner.getResultTypes())
      types.push_back(VectorType::get(lanes, type));
    for (Value &value : values)
      value = widen(b, value, lanes);
    Operation *wide = mlir::clone(b, &inner, types, values);
    mapping.map(inner.getResults(), wide->getResults());
  }
  SmallVector<Value> results;
  for (Value value : body.getTerminator()->getOperands())
    results.push_back(mapping.lookupOrDefault(value));
  return results;
}
