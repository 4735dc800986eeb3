//===- ComputeBody.cpp - Writes the bodies of cnn.compute -----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/ComputeBody.h"

#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

//===----------------------------------------------------------------------===//
// Scalar
//===----------------------------------------------------------------------===//

template <typename FloatOp, typename SignedOp, typename UnsignedOp>
Scalar Scalar::make(Scalar other) const {
  assert(getType() == other.getType() && "operands of different types");
  if (isFloat())
    return with(FloatOp::create(*b, value, other.value));
  if (isUnsigned())
    return with(UnsignedOp::create(*b, value, other.value));
  return with(SignedOp::create(*b, value, other.value));
}

Scalar Scalar::constant(double number) const {
  return with(emitConstant(*b, b->getLoc(), getType(), number));
}

Scalar Scalar::integer(int64_t number) const {
  return with(arith::ConstantOp::create(*b, b->getIntegerAttr(getType(), number)));
}

Scalar Scalar::operator+(Scalar other) const {
  return make<arith::AddFOp, arith::AddIOp>(other);
}
Scalar Scalar::operator-(Scalar other) const {
  return make<arith::SubFOp, arith::SubIOp>(other);
}
Scalar Scalar::operator*(Scalar other) const {
  return make<arith::MulFOp, arith::MulIOp>(other);
}
Scalar Scalar::operator/(Scalar other) const {
  return make<arith::DivFOp, arith::DivSIOp, arith::DivUIOp>(other);
}
Scalar Scalar::operator%(Scalar other) const {
  return make<arith::RemFOp, arith::RemSIOp, arith::RemUIOp>(other);
}
Scalar Scalar::operator-() const {
  return isFloat() ? with(arith::NegFOp::create(*b, value)) : constant(0) - *this;
}
Scalar Scalar::operator&(Scalar other) const {
  return with(arith::AndIOp::create(*b, value, other.value));
}
Scalar Scalar::operator|(Scalar other) const {
  return with(arith::OrIOp::create(*b, value, other.value));
}
Scalar Scalar::operator^(Scalar other) const {
  return with(arith::XOrIOp::create(*b, value, other.value));
}
Scalar Scalar::operator!() const { return *this ^ integer(1); }

Scalar Scalar::compare(int floats, int integers, int unsignedIntegers, Scalar other) const {
  assert(getType() == other.getType() && "operands of different types");
  if (isFloat())
    return {*b, arith::CmpFOp::create(*b, arith::CmpFPredicate(floats), value, other.value)};
  auto predicate = arith::CmpIPredicate(isUnsigned() ? unsignedIntegers : integers);
  return {*b, arith::CmpIOp::create(*b, predicate, value, other.value)};
}

template <typename T> static int number(T predicate) { return static_cast<int>(predicate); }
using Floats = arith::CmpFPredicate;
using Integers = arith::CmpIPredicate;

Scalar Scalar::operator<(Scalar other) const {
  return compare(number(Floats::OLT), number(Integers::slt), number(Integers::ult), other);
}
Scalar Scalar::operator<=(Scalar other) const {
  return compare(number(Floats::OLE), number(Integers::sle), number(Integers::ule), other);
}
Scalar Scalar::operator==(Scalar other) const {
  return compare(number(Floats::OEQ), number(Integers::eq), number(Integers::eq), other);
}
Scalar Scalar::operator!=(Scalar other) const {
  return compare(number(Floats::UNE), number(Integers::ne), number(Integers::ne), other);
}

Scalar Scalar::select(Scalar yes, Scalar no) const {
  return yes.with(arith::SelectOp::create(*b, value, yes.value, no.value));
}

Scalar Scalar::floorDiv(Scalar other) const {
  if (isUnsigned())
    return *this / other;
  return with(arith::FloorDivSIOp::create(*b, value, other.value));
}

Scalar Scalar::floorMod(Scalar other) const {
  Scalar rest = *this % other;
  if (isUnsigned())
    return rest;
  Scalar zero = constant(0), differs = (rest < zero) != (other < zero);
  return ((rest != zero) & differs).select(rest + other, rest);
}

Scalar Scalar::apply(UnaryKind kind) const {
  return with(emitUnary(*b, b->getLoc(), FunctionAttr::get(b->getContext(), kind), value));
}

Scalar Scalar::apply(BinaryKind kind, Scalar other) const {
  return with(emitBinary(*b, b->getLoc(), kind, value, other.value));
}

Scalar Scalar::to(Type type) const {
  Type from = getType();
  bool toUnsigned = type.isUnsignedInteger();
  if (toUnsigned)
    type = b->getIntegerType(type.getIntOrFloatBitWidth());
  if (from == type)
    return {*b, value, toUnsigned};
  auto convert = [&](Scalar x, Type to) -> Value {
    Type at = x.getType();
    if (at.isIndex() || to.isIndex())
      return x.isUnsigned() ? arith::IndexCastUIOp::create(*b, to, x.value).getResult()
                            : arith::IndexCastOp::create(*b, to, x.value).getResult();
    // emitCast reads the sign from the type.
    bool widensUnsigned = x.isUnsigned() && !at.isInteger(1);
    if (widensUnsigned && isa<FloatType>(to))
      return arith::UIToFPOp::create(*b, to, x.value);
    if (widensUnsigned && isa<IntegerType>(to) &&
        to.getIntOrFloatBitWidth() > at.getIntOrFloatBitWidth())
      return arith::ExtUIOp::create(*b, to, x.value);
    return emitCast(*b, b->getLoc(), x.value, to);
  };
  // Floats become indices, and indices floats, by way of i64.
  if ((from.isIndex() && isa<FloatType>(type)) || (isFloat() && type.isIndex()))
    return {*b, convert({*b, convert(*this, b->getI64Type())}, type)};
  if (from.isIndex() && type.isInteger(1))
    return *this != constant(0);
  return {*b, convert(*this, type), toUnsigned};
}

Scalar Scalar::toIndex() const { return to(b->getIndexType()); }

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

static SmallVector<Value> getValues(ArrayRef<Scalar> scalars) {
  return llvm::map_to_vector(scalars, [](Scalar scalar) { return scalar.get(); });
}

static Scalars getScalars(ImplicitLocOpBuilder &b, ValueRange values, ArrayRef<Scalar> like) {
  Scalars result;
  for (auto [value, scalar] : llvm::zip_equal(values, like))
    result.emplace_back(b, value, scalar.isUnsigned());
  return result;
}

static bool isNarrowFloat(Type type) { return type.isF16() || type.isBF16(); }

Scalar ComputeBuffer::load(ArrayRef<Scalar> indices) const {
  Value value = memref::LoadOp::create(*b, buffer, getValues(indices));
  Type type = value.getType();
  if (isNarrowFloat(type))
    return {*b, arith::ExtFOp::create(*b, b->getF32Type(), value)};
  if (!type.isUnsignedInteger())
    return {*b, value};
  Type signless = b->getIntegerType(type.getIntOrFloatBitWidth());
  value = UnrealizedConversionCastOp::create(*b, signless, value).getResult(0);
  return {*b, value, /*isUnsigned=*/true};
}

void ComputeBuffer::store(Scalar scalar, ArrayRef<Scalar> indices) const {
  Value value = scalar.get();
  Type type = getType().getElementType();
  if (isNarrowFloat(type) && value.getType() != type)
    value = arith::TruncFOp::create(*b, type, value);
  else if (type.isUnsignedInteger())
    value = UnrealizedConversionCastOp::create(*b, type, value).getResult(0);
  assert(value.getType() == type && "stores an element of another type");
  memref::StoreOp::create(*b, value, buffer, getValues(indices));
}

//===----------------------------------------------------------------------===//
// ComputeBody
//===----------------------------------------------------------------------===//

Scalars ComputeBody::point() {
  return llvm::map_to_vector(op.getPoint(),
                             [&](Value value) { return Scalar(builder, value); });
}

Scalar ComputeBody::index(int64_t value) {
  return {builder, arith::ConstantIndexOp::create(builder, value)};
}

Scalar ComputeBody::number(Type type, double value) {
  bool isUnsigned = type.isUnsignedInteger();
  if (isUnsigned)
    type = builder.getIntegerType(type.getIntOrFloatBitWidth());
  if (isNarrowFloat(type))
    type = builder.getF32Type();
  return {builder, emitConstant(builder, builder.getLoc(), type, value), isUnsigned};
}

Scalar ComputeBody::truth(bool value) {
  return {builder, arith::ConstantOp::create(builder, builder.getBoolAttr(value))};
}

Scalars ComputeBody::loop(Scalar lower, Scalar upper, ArrayRef<Scalar> inits, LoopBody body) {
  auto loop =
      scf::ForOp::create(builder, lower.get(), upper.get(), index(1).get(), getValues(inits));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Scalars next = body({builder, loop.getInductionVar()},
                      getScalars(builder, loop.getRegionIterArgs(), inits));
  // A loop without carried values comes with its terminator.
  if (!inits.empty())
    scf::YieldOp::create(builder, getValues(next));
  return getScalars(builder, loop.getResults(), inits);
}

void ComputeBody::loop(int64_t upper, llvm::function_ref<void(Scalar)> body) {
  loop(upper, {}, [&](Scalar i, ArrayRef<Scalar>) {
    body(i);
    return Scalars();
  });
}

void ComputeBody::vectorLoop(int64_t upper, llvm::function_ref<void(Scalar)> body) {
  auto loop = scf::ForOp::create(builder, index(0).get(), index(upper).get(), index(1).get());
  loop->setAttr(kVectorLoopAttrName, builder.getUnitAttr());
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  body({builder, loop.getInductionVar()});
}

void ComputeBody::loops(ArrayRef<int64_t> extents,
                        llvm::function_ref<void(ArrayRef<Scalar>)> body) {
  Scalars indices;
  std::function<void(size_t)> nest = [&](size_t depth) {
    if (depth == extents.size())
      return body(indices);
    loop(extents[depth], [&](Scalar i) {
      indices.push_back(i);
      nest(depth + 1);
      indices.pop_back();
    });
  };
  nest(0);
}

Scalars ComputeBody::loops(ArrayRef<int64_t> extents, ArrayRef<Scalar> inits, NestBody body) {
  Scalars indices;
  std::function<Scalars(ArrayRef<Scalar>)> nest = [&](ArrayRef<Scalar> carried) -> Scalars {
    if (indices.size() == extents.size())
      return body(indices, carried);
    return loop(extents[indices.size()], carried, [&](Scalar i, ArrayRef<Scalar> values) {
      indices.push_back(i);
      Scalars next = nest(values);
      indices.pop_back();
      return next;
    });
  };
  return nest(inits);
}

Scalars ComputeBody::whileLoop(ArrayRef<Scalar> inits,
                               llvm::function_ref<Scalar(ArrayRef<Scalar>)> condition,
                               llvm::function_ref<Scalars(ArrayRef<Scalar>)> body) {
  SmallVector<Value> values = getValues(inits);
  auto loop = scf::WhileOp::create(
      builder, TypeRange(ValueRange(values)), values,
      [&](OpBuilder &, Location, ValueRange arguments) {
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPointToEnd(arguments.front().getParentBlock());
        Scalar goesOn = condition(getScalars(builder, arguments, inits));
        scf::ConditionOp::create(builder, goesOn.get(), arguments);
      },
      [&](OpBuilder &, Location, ValueRange arguments) {
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPointToEnd(arguments.front().getParentBlock());
        scf::YieldOp::create(builder, getValues(body(getScalars(builder, arguments, inits))));
      });
  return getScalars(builder, loop.getResults(), inits);
}

void ComputeBody::when(Scalar condition, llvm::function_ref<void()> body) {
  auto branch = scf::IfOp::create(builder, condition.get(), /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  body();
}

Scalars ComputeBody::choose(Scalar condition, llvm::function_ref<Scalars()> yes,
                            llvm::function_ref<Scalars()> no) {
  Scalars like;
  auto write = [&](llvm::function_ref<Scalars()> branch) {
    return [&, branch](OpBuilder &b, Location) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPoint(b.getInsertionBlock(), b.getInsertionPoint());
      like = branch();
      scf::YieldOp::create(builder, getValues(like));
    };
  };
  auto branch = scf::IfOp::create(builder, condition.get(), write(yes), write(no));
  return getScalars(builder, branch.getResults(), like);
}

ComputeOp convoy::cnn::createCompute(OpBuilder &builder, Location loc, StringRef kind,
                                     ArrayRef<int64_t> points, ValueRange inputs,
                                     RankedTensorType type,
                                     llvm::function_ref<void(ComputeBody &)> write) {
  builder.getContext()
      ->loadDialect<arith::ArithDialect, math::MathDialect, memref::MemRefDialect,
                    scf::SCFDialect>();
  OpBuilder::InsertionGuard guard(builder);
  auto op = ComputeOp::create(builder, loc, TypeRange(type), kind, points, inputs,
                              /*init=*/Value());
  Block &block = op.getBody().emplaceBlock();
  for (size_t i = 0; i < points.size(); ++i)
    block.addArgument(builder.getIndexType(), loc);
  auto addBuffer = [&](Type tensor) {
    auto shaped = cast<RankedTensorType>(tensor);
    block.addArgument(MemRefType::get(shaped.getShape(), shaped.getElementType()), loc);
  };
  for (Value input : inputs)
    addBuffer(input.getType());
  addBuffer(type);
  ImplicitLocOpBuilder b(loc, builder);
  b.setInsertionPointToStart(&block);
  ComputeBody body(b, op);
  write(body);
  return op;
}
