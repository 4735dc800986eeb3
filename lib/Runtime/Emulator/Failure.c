/*===- Failure.c - Errors of emulated kernels ---------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Emulator.h"

#include <stdio.h>

void convoy_keep_failure(struct convoy_block *block, const char *format, va_list arguments) {
  struct convoy_emulation *emulation = block->emulation;
  struct convoy_device *device = emulation->device;
  if (atomic_exchange(&emulation->failed, 1))
    return;
  int32_t layer = emulation->launch->kernel;
  const char *name = layer >= 0 && layer < device->description->layer_count
                         ? device->description->layers[layer]
                         : "";
  size_t size = sizeof device->error_text;
  int length =
      snprintf(device->error_text, size, "kernel %d (%.64s), block (%d, %d, %d): ", (int)layer,
               name, (int)block->number[0], (int)block->number[1], (int)block->number[2]);
  vsnprintf(device->error_text + length, size - (size_t)length, format, arguments);
  device->status = CONVOY_ERROR_MODEL;
}

void convoy_fail_block(struct convoy_block *block, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  convoy_keep_failure(block, format, arguments);
  va_end(arguments);
  void *unused;
  convoy_switch_stack(&unused, block->stack_pointer);
  __builtin_unreachable();
}
