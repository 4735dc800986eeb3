/*===- Stack.c - Switching between the stacks of fibers -----------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Emulator.h"

#include <string.h>

#if defined(__x86_64__)

__attribute__((naked, noinline)) void convoy_switch_stack(__attribute__((unused)) void **from,
                                                          __attribute__((unused)) void *to) {
  __asm__ volatile("pushq %rbp\n\t"
                   "pushq %rbx\n\t"
                   "pushq %r12\n\t"
                   "pushq %r13\n\t"
                   "pushq %r14\n\t"
                   "pushq %r15\n\t"
                   "movq %rsp, (%rdi)\n\t"
                   "movq %rsi, %rsp\n\t"
                   "popq %r15\n\t"
                   "popq %r14\n\t"
                   "popq %r13\n\t"
                   "popq %r12\n\t"
                   "popq %rbx\n\t"
                   "popq %rbp\n\t"
                   "retq");
}

/* The code with which a new stack begins. */
__attribute__((naked, noinline)) static void begin(void) {
  __asm__ volatile("movq %rbx, %rdi\n\t"
                   "callq *%r12\n\t"
                   "ud2");
}

void *convoy_prepare_stack(uint8_t *top, void (*function)(struct convoy_fiber *),
                           struct convoy_fiber *argument) {
  uintptr_t *frame = (uintptr_t *)top - 7;
  memset(frame, 0, 7 * sizeof *frame);
  frame[3] = (uintptr_t)function;
  frame[4] = (uintptr_t)argument;
  frame[6] = (uintptr_t)begin;
  return frame;
}

#elif defined(__aarch64__)

__attribute__((naked, noinline)) void convoy_switch_stack(__attribute__((unused)) void **from,
                                                          __attribute__((unused)) void *to) {
  __asm__ volatile("sub sp, sp, #160\n\t"
                   "stp x19, x20, [sp, #0]\n\t"
                   "stp x21, x22, [sp, #16]\n\t"
                   "stp x23, x24, [sp, #32]\n\t"
                   "stp x25, x26, [sp, #48]\n\t"
                   "stp x27, x28, [sp, #64]\n\t"
                   "stp x29, x30, [sp, #80]\n\t"
                   "stp d8, d9, [sp, #96]\n\t"
                   "stp d10, d11, [sp, #112]\n\t"
                   "stp d12, d13, [sp, #128]\n\t"
                   "stp d14, d15, [sp, #144]\n\t"
                   "mov x9, sp\n\t"
                   "str x9, [x0]\n\t"
                   "mov sp, x1\n\t"
                   "ldp x19, x20, [sp, #0]\n\t"
                   "ldp x21, x22, [sp, #16]\n\t"
                   "ldp x23, x24, [sp, #32]\n\t"
                   "ldp x25, x26, [sp, #48]\n\t"
                   "ldp x27, x28, [sp, #64]\n\t"
                   "ldp x29, x30, [sp, #80]\n\t"
                   "ldp d8, d9, [sp, #96]\n\t"
                   "ldp d10, d11, [sp, #112]\n\t"
                   "ldp d12, d13, [sp, #128]\n\t"
                   "ldp d14, d15, [sp, #144]\n\t"
                   "add sp, sp, #160\n\t"
                   "ret");
}

__attribute__((naked, noinline)) static void begin(void) {
  __asm__ volatile("mov x0, x19\n\t"
                   "blr x20\n\t"
                   "brk #1");
}

void *convoy_prepare_stack(uint8_t *top, void (*function)(struct convoy_fiber *),
                           struct convoy_fiber *argument) {
  uintptr_t *frame = (uintptr_t *)top - 20;
  memset(frame, 0, 20 * sizeof *frame);
  frame[0] = (uintptr_t)argument;
  frame[1] = (uintptr_t)function;
  frame[11] = (uintptr_t)begin;
  return frame;
}

#endif
