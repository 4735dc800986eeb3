//===- EmulateCpu.cpp - Code for a CPU that another one runs --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulateCpu.h"

#include "convoy/Machine/ByteShuffle.h"
#include "convoy/Machine/Cpu.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"

using namespace convoy;

/// The elements number `first`, `first` + `step`, ... of a vector.
static llvm::Value *selectEvery(llvm::IRBuilder<> &builder, llvm::Value *vector,
                                unsigned first, unsigned step) {
  auto *type = llvm::cast<llvm::FixedVectorType>(vector->getType());
  llvm::SmallVector<int> mask;
  for (unsigned i = first; i < type->getNumElements(); i += step)
    mask.push_back(int(i));
  return builder.CreateShuffleVector(vector, mask);
}

/// Gives `function` a body that computes a dot instruction on integers lane by lane.
static void defineDot(llvm::Function &function, bool isUnsigned, bool addsToSum) {
  llvm::IRBuilder<> builder(
      llvm::BasicBlock::Create(function.getContext(), "entry", &function));
  llvm::Value *inputs = function.getArg(addsToSum ? 1 : 0);
  llvm::Value *weights = function.getArg(addsToSum ? 2 : 1);
  auto *type = llvm::cast<llvm::FixedVectorType>(function.getReturnType());
  unsigned lanes = type->getNumElements();
  unsigned count = llvm::cast<llvm::FixedVectorType>(inputs->getType())->getNumElements();
  auto *wide = llvm::FixedVectorType::get(builder.getInt32Ty(), count);
  inputs = isUnsigned ? builder.CreateZExt(inputs, wide) : builder.CreateSExt(inputs, wide);
  llvm::Value *products = builder.CreateMul(inputs, builder.CreateSExt(weights, wide));
  llvm::Value *sum = addsToSum ? function.getArg(0) : nullptr;
  for (unsigned first = 0; first < count / lanes; ++first) {
    llvm::Value *some = selectEvery(builder, products, first, count / lanes);
    sum = sum ? builder.CreateAdd(sum, some) : some;
  }
  // Sums of products of bytes saturate at 16 bits.
  if (type->getScalarSizeInBits() == 16) {
    auto limit = [&](int64_t number) {
      return llvm::ConstantInt::get(sum->getType(), number, /*IsSigned=*/true);
    };
    sum = builder.CreateBinaryIntrinsic(llvm::Intrinsic::smax, sum, limit(INT16_MIN));
    sum = builder.CreateBinaryIntrinsic(llvm::Intrinsic::smin, sum, limit(INT16_MAX));
  }
  builder.CreateRet(builder.CreateTrunc(sum, type));
}

/// The same for kByteShuffle.
static void defineByteShuffle(llvm::Function &function) {
  llvm::IRBuilder<> builder(
      llvm::BasicBlock::Create(function.getContext(), "entry", &function));
  llvm::Value *table = function.getArg(0), *indices = function.getArg(1);
  llvm::Value *result = llvm::Constant::getNullValue(function.getReturnType());
  for (uint64_t lane = 0; lane < uint64_t(kByteShuffleLanes); ++lane) {
    llvm::Value *index = builder.CreateExtractElement(indices, lane);
    llvm::Value *isNone = builder.CreateICmpSLT(index, builder.getInt8(0));
    index = builder.CreateOr(builder.CreateAnd(index, 15), lane & 16);
    llvm::Value *byte = builder.CreateExtractElement(table, index);
    byte = builder.CreateSelect(isNone, builder.getInt8(0), byte);
    result = builder.CreateInsertElement(result, byte, lane);
  }
  builder.CreateRet(result);
}

/// The same for a dot instruction on pairs of bf16, whose bits the function gets.
/// Each product is added with one rounding, as on x86, but subnormal numbers are kept.
static void defineBF16(llvm::Function &function) {
  llvm::IRBuilder<> builder(
      llvm::BasicBlock::Create(function.getContext(), "entry", &function));
  llvm::Type *floats = function.getReturnType();
  auto *bits = llvm::FixedVectorType::get(
      builder.getInt32Ty(), llvm::cast<llvm::FixedVectorType>(floats)->getNumElements());
  auto widen = [&](llvm::Value *pairs, unsigned first) {
    llvm::Value *halves = selectEvery(builder, pairs, first, 2);
    halves = builder.CreateShl(builder.CreateZExt(halves, bits), 16);
    return builder.CreateBitCast(halves, floats);
  };
  llvm::Value *sum = function.getArg(0);
  for (unsigned first : {1, 0})
    sum = builder.CreateIntrinsic(
        llvm::Intrinsic::fma, {floats},
        {widen(function.getArg(1), first), widen(function.getArg(2), first), sum});
  builder.CreateRet(sum);
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

namespace {
/// Gives functions bodies that compute instructions on tiles. Their first argument is memory
/// for eight tiles and, behind them, the bytes that configure them; the others are those of
/// the instruction.
class TileEmulation {
public:
  static constexpr int64_t kTiles = 8;

  explicit TileEmulation(llvm::Function &function)
      : function(function),
        builder(llvm::BasicBlock::Create(function.getContext(), "entry", &function)),
        row(llvm::FixedVectorType::get(builder.getInt8Ty(), kTileRowBytes)) {}

  void configure() {
    builder.CreateStore(builder.CreateAlignedLoad(row, function.getArg(1), llvm::Align(1)),
                        getConfig());
    builder.CreateRetVoid();
  }

  void clear() {
    forEachRow([&](llvm::Value *place, llvm::Value *) {
      builder.CreateStore(llvm::Constant::getNullValue(row), place);
    });
    builder.CreateRetVoid();
  }

  /// Loads a tile from memory or stores it. What the configuration leaves out, stays unread.
  void move(bool isLoad) {
    llvm::Value *config = builder.CreateLoad(row, getConfig()), *tile = number(1);
    auto byteOf = [&](llvm::Value *index) {
      return builder.CreateZExt(builder.CreateExtractElement(config, index),
                                builder.getInt64Ty());
    };
    llvm::Value *rows = byteOf(builder.CreateAdd(tile, builder.getInt64(48)));
    llvm::Value *bytes =
        byteOf(builder.CreateAdd(builder.CreateShl(tile, 1), builder.getInt64(16)));
    llvm::SmallVector<llvm::Constant *> lanes;
    for (int64_t lane = 0; lane < kTileRowBytes; ++lane)
      lanes.push_back(builder.getInt8(uint8_t(lane)));
    llvm::Value *limit = builder.CreateVectorSplat(
        kTileRowBytes, builder.CreateTrunc(bytes, builder.getInt8Ty()));
    llvm::Value *isLane = builder.CreateICmpULT(llvm::ConstantVector::get(lanes), limit);
    forEachRow([&](llvm::Value *place, llvm::Value *index) {
      llvm::Value *isRow = builder.CreateICmpULT(index, rows);
      llvm::Value *mask =
          builder.CreateAnd(isLane, builder.CreateVectorSplat(kTileRowBytes, isRow));
      llvm::Value *offset = builder.CreateMul(index, function.getArg(3));
      llvm::Value *memory = builder.CreateGEP(builder.getInt8Ty(), function.getArg(2), offset);
      if (isLoad)
        builder.CreateStore(builder.CreateMaskedLoad(row, memory, llvm::Align(1), mask,
                                                     llvm::Constant::getNullValue(row)),
                            place);
      else
        builder.CreateMaskedStore(builder.CreateLoad(row, place), memory, llvm::Align(1),
                                  mask);
    });
    builder.CreateRetVoid();
  }

  /// Adds the products of the rows of a tile of inputs by a tile of weights.
  void multiply(bool isBF16) {
    auto *sums = llvm::FixedVectorType::get(
        isBF16 ? builder.getFloatTy() : builder.getInt32Ty(), kTileRows);
    auto *dots = llvm::FixedVectorType::get(builder.getInt32Ty(), kTileRows);
    llvm::Value *inputs = number(2), *weights = number(3);
    forEachRow([&](llvm::Value *place, llvm::Value *index) {
      llvm::Value *values = builder.CreateLoad(dots, getRow(inputs, index));
      llvm::Value *sum = builder.CreateLoad(sums, place);
      for (int64_t i = 0; i < kTileRows; ++i) {
        llvm::Value *dot = builder.CreateVectorSplat(
            kTileRows, builder.CreateExtractElement(values, uint64_t(i)));
        llvm::Value *factors = builder.CreateLoad(dots, getRow(weights, builder.getInt64(i)));
        int64_t count = isBF16 ? 2 : 4, bits = 32 / count;
        for (int64_t part = 0; part < count; ++part) {
          // Shifts the part to the top and, but for bf16, down again.
          auto partOf = [&](llvm::Value *value, bool isSigned) -> llvm::Value * {
            value = builder.CreateShl(value, uint64_t(32 - bits * (part + 1)));
            if (!isBF16)
              return isSigned ? builder.CreateAShr(value, uint64_t(32 - bits))
                              : builder.CreateLShr(value, uint64_t(32 - bits));
            return builder.CreateBitCast(builder.CreateAnd(value, uint64_t(0xffff0000)), sums);
          };
          llvm::Value *left = partOf(dot, false), *right = partOf(factors, true);
          sum = isBF16
                    ? builder.CreateIntrinsic(llvm::Intrinsic::fma, {sums}, {left, right, sum})
                    : builder.CreateAdd(sum, builder.CreateMul(left, right));
        }
      }
      builder.CreateStore(sum, place);
    });
    builder.CreateRetVoid();
  }

  void release() { builder.CreateRetVoid(); }

private:
  llvm::Value *getConfig() {
    return builder.CreateConstGEP1_64(row, function.getArg(0), kTiles * kTileRows);
  }
  /// An argument that is the number of a tile.
  llvm::Value *number(unsigned argument) {
    return builder.CreateZExt(function.getArg(argument), builder.getInt64Ty());
  }
  llvm::Value *getRow(llvm::Value *tile, llvm::Value *index) {
    llvm::Value *place =
        builder.CreateAdd(builder.CreateMul(tile, builder.getInt64(kTileRows)), index);
    return builder.CreateGEP(row, function.getArg(0), place);
  }
  /// Emits a loop over the rows of the tile that is the first argument; `body` gets the place
  /// and the number of a row.
  void forEachRow(llvm::function_ref<void(llvm::Value *, llvm::Value *)> body) {
    llvm::Value *tile = number(1);
    llvm::BasicBlock *before = builder.GetInsertBlock();
    auto *loop = llvm::BasicBlock::Create(function.getContext(), "rows", &function);
    auto *after = llvm::BasicBlock::Create(function.getContext(), "after", &function);
    builder.CreateBr(loop);
    builder.SetInsertPoint(loop);
    llvm::PHINode *index = builder.CreatePHI(builder.getInt64Ty(), 2);
    body(getRow(tile, index), index);
    llvm::Value *next = builder.CreateAdd(index, builder.getInt64(1));
    index->addIncoming(builder.getInt64(0), before);
    index->addIncoming(next, builder.GetInsertBlock());
    builder.CreateCondBr(builder.CreateICmpULT(next, builder.getInt64(kTileRows)), loop,
                         after);
    builder.SetInsertPoint(after);
  }

  llvm::Function &function;
  llvm::IRBuilder<> builder;
  /// The bytes of a row.
  llvm::FixedVectorType *row;
};
} // namespace

/// The memory for the tiles that `function` uses.
static llvm::Value *getTiles(llvm::Function &function,
                             llvm::DenseMap<llvm::Function *, llvm::Value *> &known) {
  llvm::Value *&tiles = known[&function];
  if (!tiles) {
    llvm::IRBuilder<> builder(&function.getEntryBlock(), function.getEntryBlock().begin());
    auto *row = llvm::FixedVectorType::get(builder.getInt8Ty(), kTileRowBytes);
    tiles =
        builder.CreateAlloca(llvm::ArrayType::get(row, TileEmulation::kTiles * kTileRows + 1));
  }
  return tiles;
}

/// Lets calls of an instruction on tiles call a function, to which `define` gives a body.
static void expandTile(llvm::Module &module, llvm::StringRef name,
                       llvm::DenseMap<llvm::Function *, llvm::Value *> &tiles,
                       llvm::function_ref<void(TileEmulation &)> define) {
  llvm::Function *intrinsic = module.getFunction(name);
  if (!intrinsic)
    return;
  llvm::FunctionType *type = intrinsic->getFunctionType();
  llvm::SmallVector<llvm::Type *> parameters = {
      llvm::PointerType::get(module.getContext(), 0)};
  llvm::append_range(parameters, type->params());
  auto *function = llvm::Function::Create(
      llvm::FunctionType::get(type->getReturnType(), parameters, /*isVarArg=*/false),
      llvm::Function::InternalLinkage, "convoy_emulated_tile", module);
  TileEmulation emulation(*function);
  define(emulation);
  for (llvm::User *user : llvm::make_early_inc_range(intrinsic->users())) {
    auto &call = llvm::cast<llvm::CallInst>(*user);
    llvm::SmallVector<llvm::Value *> arguments = {getTiles(*call.getFunction(), tiles)};
    llvm::append_range(arguments, call.args());
    llvm::AttrBuilder attributes(module.getContext(),
                                 call.getFunction()->getAttributes().getFnAttrs());
    attributes.removeAttribute(llvm::Attribute::AlwaysInline);
    function->setAttributes({});
    function->addFnAttrs(attributes);
    llvm::IRBuilder<>(&call).CreateCall(function, arguments);
    call.eraseFromParent();
  }
  function->addFnAttr(llvm::Attribute::NoInline);
  intrinsic->eraseFromParent();
}

/// The type of the function that takes the place of an instruction: it gets bf16 as integers,
/// since LLVM would pass them as f32.
static llvm::FunctionType *getFunctionType(llvm::FunctionType *type) {
  llvm::SmallVector<llvm::Type *> arguments;
  for (llvm::Type *argument : type->params())
    arguments.push_back(
        argument->getScalarType()->isBFloatTy()
            ? llvm::VectorType::getInteger(llvm::cast<llvm::VectorType>(argument))
            : argument);
  return llvm::FunctionType::get(type->getReturnType(), arguments, /*isVarArg=*/false);
}

/// Lets calls of an instruction call a function, to which `define` gives a body.
static void expand(llvm::Module &module, llvm::StringRef name,
                   llvm::function_ref<void(llvm::Function &)> define) {
  llvm::Function *intrinsic = name.empty() ? nullptr : module.getFunction(name);
  if (!intrinsic)
    return;
  // Kernels have so many of them that LLVM would take minutes for copies of the body.
  auto *function =
      llvm::Function::Create(getFunctionType(intrinsic->getFunctionType()),
                             llvm::Function::InternalLinkage, "convoy_emulated", module);
  define(*function);
  for (llvm::User *user : llvm::make_early_inc_range(intrinsic->users())) {
    auto &call = llvm::cast<llvm::CallInst>(*user);
    llvm::IRBuilder<> builder(&call);
    for (llvm::Use &argument : call.args())
      argument.set(builder.CreateBitCast(
          argument, function->getFunctionType()->getParamType(argument.getOperandNo())));
    // Long vectors are passed as the caller's attributes say.
    llvm::AttrBuilder attributes(module.getContext(),
                                 call.getFunction()->getAttributes().getFnAttrs());
    attributes.removeAttribute(llvm::Attribute::AlwaysInline);
    function->setAttributes({});
    function->addFnAttrs(attributes);
    call.setAttributes({});
    call.setCalledFunction(function);
  }
  function->addFnAttr(llvm::Attribute::NoInline);
  intrinsic->eraseFromParent();
}

void convoy::expandInstructions(llvm::Module &module) {
  for (const DotInstruction &dot : listDotInstructions()) {
    bool hasBytes = dot.byteProduct.empty() && dot.type == DotType::u8;
    expand(module, dot.intrinsic, [&](llvm::Function &function) {
      if (dot.type == DotType::bf16)
        defineBF16(function);
      else
        defineDot(function, hasBytes, dot.addsToSum);
    });
    expand(module, dot.byteProduct, [](llvm::Function &function) {
      defineDot(function, /*isUnsigned=*/true, /*addsToSum=*/false);
    });
  }
  expand(module, kByteShuffle, defineByteShuffle);
  llvm::DenseMap<llvm::Function *, llvm::Value *> tiles;
  auto expandTile = [&](llvm::StringRef name,
                        llvm::function_ref<void(TileEmulation &)> define) {
    ::expandTile(module, name, tiles, define);
  };
  for (const TileInstruction &tile : listTileInstructions())
    expandTile(tile.intrinsic, [&](TileEmulation &emulation) {
      emulation.multiply(tile.type == DotType::bf16);
    });
  expandTile(kTileConfigure, [](TileEmulation &emulation) { emulation.configure(); });
  expandTile(kTileClear, [](TileEmulation &emulation) { emulation.clear(); });
  expandTile(kTileLoad, [](TileEmulation &emulation) { emulation.move(/*isLoad=*/true); });
  expandTile(kTileStore, [](TileEmulation &emulation) { emulation.move(/*isLoad=*/false); });
  expandTile(kTileRelease, [](TileEmulation &emulation) { emulation.release(); });
}
