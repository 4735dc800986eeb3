//===- ReleaseBlobs.cpp - Memory of weights that are gone -----------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Dialect/Cnn/Utils/Constants.h"
#include "convoy/Transforms/Simplify/Passes.h"

namespace convoy::cnn {
#define GEN_PASS_DEF_CNNRELEASEBLOBS
#include "convoy/Transforms/Simplify/Passes.h.inc"
} // namespace convoy::cnn

namespace {

struct ReleaseBlobs : convoy::cnn::impl::CnnReleaseBlobsBase<ReleaseBlobs> {
  using CnnReleaseBlobsBase::CnnReleaseBlobsBase;

  void runOnOperation() override {
    if (int64_t bytes = convoy::cnn::releaseUnusedBlobs(getOperation()))
      getOperation().emitRemark() << "freed " << bytes << " bytes of weights";
    markAllAnalysesPreserved();
  }
};

} // namespace
