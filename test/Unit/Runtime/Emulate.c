/*===- Emulate.c - A context's device, for EmulatorTest.cpp -------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The structures of the runtime are not valid C++.                           *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "../../../lib/Runtime/Artefact/Backend.h"

/* Launches a kernel as generated code does. Returns the text of the error, or "". */
const char *emulate(convoy_context *context, convoy_emulated_kernel kernel,
                    const int32_t grid[3], const int32_t block[3], int32_t shared_bytes,
                    void *const *args) {
  struct convoy_device *device = &context->devices[0];
  device->status = CONVOY_OK;
  device->error_text[0] = 0;
  convoy_rt_launch_kernel(device, 1, kernel, grid[0], grid[1], grid[2], block[0], block[1],
                          block[2], shared_bytes, args, 0, 0);
  if ((device->status == CONVOY_OK) != !device->error_text[0])
    return "the status does not go with the text";
  return device->error_text;
}
