//===- MappedFile.cpp - Files read in place -------------------------------===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MappedFile.h"

#include "convoy/Dialect/Cnn/Utils/Constants.h"

using namespace llvm;
using namespace convoy::onnximport;

MappedFile::~MappedFile() {
  if (handle != sys::fs::kInvalidFile)
    sys::fs::closeFile(handle);
}

Expected<std::shared_ptr<MappedFile>> MappedFile::open(StringRef path) {
  Expected<sys::fs::file_t> handle = sys::fs::openNativeFileForRead(path);
  if (!handle)
    return handle.takeError();
  auto file = std::make_shared<MappedFile>();
  file->handle = *handle;
  sys::fs::file_status status;
  if (std::error_code error = sys::fs::status(*handle, status))
    return errorCodeToError(error);
  if (status.type() == sys::fs::file_type::directory_file)
    return createStringError("is a directory");
  if (status.type() != sys::fs::file_type::regular_file)
    return createStringError("is not a regular file");
  if (status.getSize() == 0)
    return file;
  std::error_code error;
  file->region = sys::fs::mapped_file_region(*handle, sys::fs::mapped_file_region::readonly,
                                             status.getSize(), /*offset=*/0, error);
  if (error)
    return errorCodeToError(error);
  file->bytes = ArrayRef<char>(file->region.const_data(), file->region.size());
  return file;
}

Expected<mlir::AsmResourceBlob> MappedFile::getBlob(Extent extent, size_t alignment) {
  if (extent.offset % alignment == 0 && extent.size > 0)
    return mlir::AsmResourceBlob(
        bytes.slice(extent.offset, extent.size), alignment,
        [self = shared_from_this()](void *, size_t, size_t) mutable { self.reset(); },
        /*dataIsMutable=*/false);
  // Copying from the mapped pages would add them to the memory of the process; reading the
  // file does not.
  mlir::AsmResourceBlob blob =
      mlir::HeapAsmResourceBlob::allocate(extent.size, cnn::kBlobAlignment);
  MutableArrayRef<char> rest = blob.getMutableData();
  for (uint64_t offset = extent.offset; !rest.empty();) {
    Expected<size_t> count = sys::fs::readNativeFileSlice(handle, rest, offset);
    if (!count)
      return count.takeError();
    if (*count == 0)
      return createStringError("became shorter while it was read");
    rest = rest.drop_front(*count);
    offset += *count;
  }
  return blob;
}
