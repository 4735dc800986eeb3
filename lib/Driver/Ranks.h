//===- Ranks.h - The processes that run a model together --------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_LIB_DRIVER_RANKS_H
#define CONVOY_LIB_DRIVER_RANKS_H

#include "Arguments.h"
#include "convoy/Runtime/Artefact.h"

#include <optional>

struct convoy_mpi_world;

namespace convoy::driver {

/// Another process failed and reports that itself, so this one prints nothing.
class PeerError : public llvm::ErrorInfo<PeerError> {
public:
  static char ID;
  void log(llvm::raw_ostream &os) const override { os << "another rank failed"; }
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }
};

/// The processes that run a model. Usually it is this one alone, and its threads are the
/// devices. With --transport=mpi there are several, and each is a device.
class Ranks {
public:
  Ranks();
  Ranks(const Ranks &) = delete;
  Ranks &operator=(const Ranks &) = delete;
  ~Ranks();

  /// Reads --transport.
  void read(Arguments &arguments);
  /// Joins the other processes, if there are any.
  llvm::Error open();

  /// Whether this process reads files, writes files and prints.
  bool isFirst() const;
  /// Called by all processes with their own result. Returns success if all succeeded, else
  /// this process's error, or PeerError if it has none.
  llvm::Error agree(llvm::Error error);
  /// Copies the first process's `data`, of `size` bytes, to all processes.
  llvm::Error broadcast(void *data, size_t size);
  /// A context for this process's part of the model.
  llvm::Expected<Context> createContext(const Artefact &artefact, int64_t threads,
                                        std::optional<int64_t> gpu);
  /// For errors during a run. With several processes, reports the error and aborts all of
  /// them, because the others may be waiting for this one. Otherwise returns the error.
  llvm::Error abortUnlessAlone(llvm::Error error);

private:
  bool usesMpi = false;
  std::unique_ptr<convoy_mpi_world> world;
};

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_RANKS_H
