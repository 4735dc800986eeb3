//===- RuntimeFunction.h - Functions between code and runtime ---*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions that convoy/Runtime/Abi/Model.h declares, with their types in the LLVM
// dialect, which are derived from the C declarations.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_CODEGEN_COMMON_RUNTIMEFUNCTION_H
#define CONVOY_CODEGEN_COMMON_RUNTIMEFUNCTION_H

#include "convoy/Runtime/Abi/Model.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace convoy {

/// The LLVM type of the C type `T` of a parameter or a result.
template <typename T> mlir::Type getAbiType(mlir::MLIRContext *context) {
  if constexpr (std::is_void_v<T>) {
    return mlir::LLVM::LLVMVoidType::get(context);
  } else if constexpr (std::is_pointer_v<T>) {
    return mlir::LLVM::LLVMPointerType::get(context);
  } else {
    static_assert(std::is_integral_v<T>, "only integers and pointers cross the border");
    return mlir::IntegerType::get(context, 8 * sizeof(T));
  }
}

template <typename> struct AbiFunction;
template <typename Result, typename... Parameters> struct AbiFunction<Result(Parameters...)> {
  static mlir::LLVM::LLVMFunctionType getType(mlir::MLIRContext *context) {
    return mlir::LLVM::LLVMFunctionType::get(getAbiType<Result>(context),
                                             {getAbiType<Parameters>(context)...});
  }
};

/// The LLVM type of the functions that `T`, a pointer to a C function, points to.
template <typename T>
mlir::LLVM::LLVMFunctionType getAbiFunctionType(mlir::MLIRContext *context) {
  return AbiFunction<std::remove_pointer_t<T>>::getType(context);
}

/// A function of the runtime.
struct RuntimeFunction {
  llvm::StringLiteral name;
  mlir::LLVM::LLVMFunctionType (*getType)(mlir::MLIRContext *context);
};

/// The RuntimeFunction that Model.h declares as `NAME`.
#define CONVOY_RUNTIME_FUNCTION(NAME)                                                         \
  ::convoy::RuntimeFunction { #NAME, ::convoy::AbiFunction<decltype(NAME)>::getType }

} // namespace convoy

#endif // CONVOY_CODEGEN_COMMON_RUNTIMEFUNCTION_H
