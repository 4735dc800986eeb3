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

/// Another process failed, and said so itself: nothing to print here.
class PeerError : public llvm::ErrorInfo<PeerError> {
public:
  static char ID;
  void log(llvm::raw_ostream &os) const override { os << "another rank failed"; }
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }
};

/// One process, whose threads are the devices; or, with --transport=mpi, one of several,
/// of which each is a device.
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
  /// Success where it is success in all processes.
  llvm::Error agree(llvm::Error error);
  /// Sends what the first process has to all.
  llvm::Error broadcast(void *data, size_t size);
  /// A context of this process's part of the model.
  llvm::Expected<Context> createContext(const Artefact &artefact, int64_t threads,
                                        std::optional<int64_t> gpu);
  /// For errors of runs: the other processes may wait for this one, so they end too.
  llvm::Error abortUnlessAlone(llvm::Error error);

private:
  bool usesMpi = false;
  std::unique_ptr<convoy_mpi_world> world;
};

} // namespace convoy::driver

#endif // CONVOY_LIB_DRIVER_RANKS_H
