//===- Execution.cpp - A model that runs again and again ------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Runtime/Execution.h"

#include "llvm/ADT/SmallVector.h"

using namespace convoy;

llvm::Expected<Execution> Execution::create(Context context, std::vector<Tensor> inputs) {
  llvm::Expected<std::vector<Tensor>> outputs = context.runOnBuffers(inputs);
  if (!outputs)
    return outputs.takeError();
  return Execution{std::move(inputs), std::move(context), std::move(*outputs)};
}

llvm::Error Execution::run() {
  llvm::SmallVector<const void *> from;
  for (const Tensor &tensor : inputs)
    from.push_back(tensor.getData());
  llvm::SmallVector<void *> to;
  for (Tensor &tensor : outputs)
    to.push_back(tensor.getData());
  return context.run(from, to);
}

llvm::Expected<std::vector<Tensor>> Execution::takeOutputs() {
  if (llvm::Error error = context.shrinkOutputs(outputs))
    return std::move(error);
  return std::move(outputs);
}

llvm::Expected<std::vector<int64_t>> Execution::profile() {
  if (llvm::Error error = context.enableProfile(true))
    return std::move(error);
  if (llvm::Error error = run())
    return std::move(error);
  return context.readProfile();
}

llvm::Expected<Tensor> convoy::makeInput(const TensorInfo &info) {
  std::optional<Tensor> tensor = Tensor::create(info.elementType, info.shape);
  if (!tensor)
    return llvm::createStringError("no memory for input '" + info.name + "'");
  return std::move(*tensor);
}
