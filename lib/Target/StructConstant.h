//===- StructConstant.h - C structures as LLVM constants --------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constants with the layout of the structures in convoy/Runtime/Abi/Model.h. The layout is
// taken from the C declarations: if a field is left out, is in another place or has another
// type, the code does not compile.
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_TARGET_STRUCTCONSTANT_H
#define CONVOY_LIB_TARGET_STRUCTCONSTANT_H

#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"

namespace convoy {

template <typename> struct MemberTraits;
template <typename StructT, typename FieldT> struct MemberTraits<FieldT StructT::*> {
  using Struct = StructT;
  using Field = FieldT;
};

/// The value of a field: an integer of the field's width, or a constant address if the field
/// is a pointer. `Member` is the pointer to the member.
template <auto Member> class FieldValue {
public:
  using Struct = typename MemberTraits<decltype(Member)>::Struct;
  using Field = typename MemberTraits<decltype(Member)>::Field;

  FieldValue(llvm::LLVMContext &context, uint64_t value)
      : value(llvm::ConstantInt::get(
            llvm::Type::getIntNTy(context, 8 * unsigned(sizeof(Field))), value)) {
    static_assert(std::is_integral_v<Field>, "the field is no integer");
  }
  FieldValue(llvm::LLVMContext &, llvm::Constant *value) : value(value) {
    static_assert(std::is_pointer_v<Field>, "the field is no pointer");
    assert(value->getType()->isPointerTy() && "an address");
  }

  llvm::Constant *value;
};

/// Whether the members are all fields of their structure, in their order. The structure has
/// no padding between fields.
template <auto... Members> constexpr bool areAllFields() {
  using Struct = std::common_type_t<typename FieldValue<Members>::Struct...>;
  constexpr Struct object{};
  const void *places[] = {&(object.*Members)...};
  for (size_t i = 1; i < sizeof...(Members); ++i)
    if (!(places[i - 1] < places[i]))
      return false;
  return (sizeof(typename FieldValue<Members>::Field) + ...) == sizeof(Struct);
}

/// A constant of the structure to which the given fields belong.
template <auto... Members>
llvm::Constant *makeStructConstant(const FieldValue<Members> &...fields) {
  static_assert(areAllFields<Members...>(), "not all fields of the structure in their order");
  return llvm::ConstantStruct::getAnon({fields.value...});
}

} // namespace convoy

#endif // CONVOY_LIB_TARGET_STRUCTCONSTANT_H
