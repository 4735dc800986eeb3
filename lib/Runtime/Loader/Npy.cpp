//===- Npy.cpp - Tensors in .npy files ------------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "convoy/Runtime/Npy.h"

#include "../Artefact/Npy.h"
#include "convoy/Runtime/OutputFile.h"

#include "llvm/Support/MemoryBuffer.h"

using namespace convoy;

llvm::Expected<Tensor> convoy::readNpy(llvm::StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                          /*RequiresNullTerminator=*/false);
  if (!file)
    return llvm::createFileError(path, file.getError());
  convoy_npy_header header;
  if (const char *error =
          convoy_npy_parse((*file)->getBufferStart(), (*file)->getBufferSize(), &header))
    return llvm::createStringError(path + " " + error);
  std::optional<Tensor> tensor =
      Tensor::create(ElementType(header.element_type),
                     llvm::ArrayRef<int64_t>(header.dims, size_t(header.rank)));
  if (!tensor)
    return llvm::createFileError(path, std::make_error_code(std::errc::not_enough_memory));
  convoy_npy_copy((*file)->getBufferStart(), &header, tensor->getData());
  return std::move(*tensor);
}

llvm::Error convoy::writeNpy(llvm::StringRef path, const Tensor &tensor) {
  char header[CONVOY_NPY_MAX_HEADER];
  size_t size = convoy_npy_format(header, static_cast<int32_t>(tensor.getElementType()),
                                  int32_t(tensor.getShape().size()), tensor.getShape().data());
  if (!size)
    return llvm::createStringError(path + ": a .npy file cannot hold " +
                                   tensor.getTypeString());
  return writeOutputFile(path, [&](llvm::raw_ostream &os) {
    os.write(header, size);
    os.write(static_cast<const char *>(tensor.getData()), size_t(tensor.getSizeInBytes()));
    return llvm::Error::success();
  });
}
