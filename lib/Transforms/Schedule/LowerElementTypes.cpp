//===- LowerElementTypes.cpp - Pass cnn-lower-element-types ---------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/IR/ElementwiseEmitter.h"
#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Transforms/Schedule/Passes.h"

#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/DialectResourceBlobManager.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNLOWERELEMENTTYPES
#include "convoy/Transforms/Schedule/Passes.h.inc"
} // namespace convoy::cnn

using namespace mlir;
using namespace convoy;
using namespace convoy::cnn;

namespace {

/// The same bytes with elements of the lowered type; null if the type stays.
ElementsAttr lowerConstant(ElementsAttr value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.getElementType().isIntOrFloat())
    return {};
  Type lowered = getLoweredElementType(type.getElementType());
  if (lowered == type.getElementType())
    return {};
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
    return cast<ElementsAttr>(
        DenseResourceElementsAttr::get(type.clone(lowered), resource.getRawHandle()));
  std::optional<ConstantData> data = ConstantData::get(value);
  return data ? makeConstantFromBytes(type.clone(lowered), data->getBytes()) : ElementsAttr();
}

struct LowerElementTypes : convoy::cnn::impl::CnnLowerElementTypesBase<LowerElementTypes> {
  void runOnOperation() override {
    AttrTypeReplacer replacer;
    replacer.addReplacement([](Type type) -> std::optional<Type> {
      if (!isa<IntegerType, FloatType>(type))
        return std::nullopt;
      return getLoweredElementType(type);
    });
    replacer.addReplacement(
        [](ElementsAttr value) -> std::optional<std::pair<Attribute, WalkResult>> {
          ElementsAttr lowered = lowerConstant(value);
          if (!lowered)
            lowered = value;
          return std::pair<Attribute, WalkResult>(lowered, WalkResult::skip());
        });
    replacer.recursivelyReplaceElementsIn(getOperation(), /*replaceAttrs=*/true,
                                          /*replaceLocs=*/false, /*replaceTypes=*/true);
    getOperation().walk([](UnrealizedConversionCastOp cast) {
      if (cast.getOperandTypes() != cast.getResultTypes())
        return;
      cast.replaceAllUsesWith(cast.getOperands());
      cast.erase();
    });
  }
};

} // namespace
