//===- Driver.h - The command line of Convoy --------------------*- C++ -*-===//
//
// Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef CONVOY_DRIVER_DRIVER_H
#define CONVOY_DRIVER_DRIVER_H

namespace convoy {

/// Runs a `convoy` command line. Returns the exit code: 0 on success, 1 if an input is at
/// fault, 2 for wrong usage. An error is one line on the standard error output.
int runDriver(int argc, char **argv);

} // namespace convoy

#endif // CONVOY_DRIVER_DRIVER_H
