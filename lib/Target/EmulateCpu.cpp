//===- EmulateCpu.cpp - Code for a CPU that another one runs --------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulateCpu.h"

#include "convoy/Machine/ByteShuffle.h"
#include "convoy/Machine/Cpu.h"
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
/// Multiply-adds round twice, as those of x86 do; they do not flush subnormal numbers to zero.
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
}
