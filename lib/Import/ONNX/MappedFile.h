//===- MappedFile.h - Files read in place -----------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_IMPORT_ONNX_MAPPEDFILE_H
#define CONVOY_LIB_IMPORT_ONNX_MAPPEDFILE_H

#include "mlir/IR/AsmState.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include <memory>

namespace convoy::onnximport {

/// A range of bytes in a file.
struct Extent {
  uint64_t offset = 0;
  uint64_t size = 0;
};

/// A regular file mapped read-only. Blobs that point into it keep it alive.
class MappedFile : public std::enable_shared_from_this<MappedFile> {
public:
  /// Errors do not name the file.
  static llvm::Expected<std::shared_ptr<MappedFile>> open(llvm::StringRef path);
  MappedFile() = default;
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;
  ~MappedFile();

  llvm::ArrayRef<char> getBytes() const { return bytes; }

  /// The extent as a blob: in place if it starts at a multiple of `alignment`, otherwise as
  /// a copy. The extent must be within the file.
  llvm::Expected<mlir::AsmResourceBlob> getBlob(Extent extent, size_t alignment);

private:
  llvm::sys::fs::file_t handle = llvm::sys::fs::kInvalidFile;
  llvm::sys::fs::mapped_file_region region;
  llvm::ArrayRef<char> bytes;
};

} // namespace convoy::onnximport

#endif // CONVOY_LIB_IMPORT_ONNX_MAPPEDFILE_H
