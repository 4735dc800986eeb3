/*===- Parallel.c - Fork and join ---------------------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A launch costs each participating worker one store, and the caller one     *|
|* wait. Idle threads spin for a moment, because the next layer is usually    *|
|* microseconds away, and then sleep in the kernel. All flags are             *|
|* sequentially consistent: a waiter announces its sleep before it looks      *|
|* once more, a signaller signals before it looks for sleepers, so one of     *|
|* the two sees the other.                                                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "Context.h"

#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

void convoy_futex_wait(atomic_uint *word, unsigned expected) {
  (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

void convoy_futex_wake(atomic_uint *word, int32_t count) {
  (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static void pause_cpu(void) {
#if defined(__x86_64__)
  __asm__ volatile("pause");
#elif defined(__aarch64__)
  /* `yield` is a no-op on most cores; `isb` takes about as long as `pause`. */
  __asm__ volatile("isb" ::: "memory");
#endif
}

int convoy_spin(atomic_uint *word, unsigned old, int differ, int64_t nanoseconds) {
  int64_t end = 0;
  for (;;) {
    for (int i = 0; i < 32; ++i) {
      unsigned now = atomic_load_explicit(word, memory_order_acquire);
      if ((now != old) == differ)
        return 1;
      pause_cpu();
    }
    if (nanoseconds <= 0)
      return 0;
    int64_t time = convoy_now();
    if (!end)
      end = time + nanoseconds;
    else if (time >= end)
      return 0;
  }
}

static void run_share(struct convoy_team *team, int32_t index) {
  int64_t tasks = team->tasks, count = team->participants;
  /* index * tasks / count without overflow. */
  int64_t whole = tasks / count, rest = tasks % count;
  int64_t begin = whole * index + rest * index / count;
  int64_t end = whole * (index + 1) + rest * (index + 1) / count;
  if (begin < end)
    team->body(begin, end, team->args, team->scratch + (size_t)index * team->scratch_stride);
}

static void *work(void *argument) {
  struct convoy_worker *worker = argument;
  struct convoy_team *team = worker->team;
  unsigned seen = 0;
  for (;;) {
    if (!convoy_spin(&worker->signal, seen, 1, team->spin_nanoseconds)) {
      atomic_store(&worker->sleeping, 1);
      while (atomic_load(&worker->signal) == seen)
        convoy_futex_wait(&worker->signal, seen);
      atomic_store(&worker->sleeping, 0);
    }
    ++seen;
    if (team->stop)
      return NULL;
    run_share(team, worker->index);
    if (atomic_fetch_sub(&team->pending, 1) == 1 && atomic_load(&team->caller_sleeping))
      convoy_futex_wake(&team->pending, 1);
  }
}

static void signal_worker(struct convoy_worker *worker) {
  atomic_fetch_add(&worker->signal, 1);
  if (atomic_load(&worker->sleeping))
    convoy_futex_wake(&worker->signal, 1);
}

static void wait_for_workers(struct convoy_team *team) {
  if (convoy_spin(&team->pending, 0, 0, team->spin_nanoseconds))
    return;
  atomic_store(&team->caller_sleeping, 1);
  for (unsigned left; (left = atomic_load(&team->pending)) != 0;)
    convoy_futex_wait(&team->pending, left);
  atomic_store(&team->caller_sleeping, 0);
}

void convoy_launch(struct convoy_team *team, convoy_task_body body, void *const *args,
                   int64_t tasks) {
  if (tasks <= 0)
    return;
  int32_t participants = tasks < team->threads ? (int32_t)tasks : team->threads;
  if (participants == 1) {
    body(0, tasks, args, team->scratch);
    return;
  }
  team->body = body;
  team->args = args;
  team->tasks = tasks;
  team->participants = participants;
  atomic_store(&team->pending, (unsigned)participants - 1);
  for (int32_t i = 1; i < participants; ++i)
    signal_worker(&team->workers[i - 1]);
  run_share(team, 0);
  wait_for_workers(team);
}

void convoy_rt_parallel_for(void *rt, convoy_task_body body, void *const *args,
                            int64_t tasks) {
  struct convoy_device *device = rt;
  convoy_launch(&device->team, body, args, tasks);
}

static void stop_first(struct convoy_team *team, int32_t count) {
  team->stop = 1;
  for (int32_t i = 0; i < count; ++i)
    signal_worker(&team->workers[i]);
  for (int32_t i = 0; i < count; ++i)
    pthread_join(team->workers[i].handle, NULL);
}

int32_t convoy_start_workers(struct convoy_team *team) {
  if (team->threads == 1)
    return CONVOY_OK;
  /* Workers block all signals, which are for the program's own threads. */
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &old);
  int32_t status = CONVOY_OK;
  for (int32_t i = 0; i < team->threads - 1; ++i) {
    struct convoy_worker *worker = &team->workers[i];
    atomic_init(&worker->signal, 0);
    atomic_init(&worker->sleeping, 0);
    worker->index = i + 1;
    worker->team = team;
    if (pthread_create(&worker->handle, NULL, work, worker) != 0) {
      stop_first(team, i);
      status = CONVOY_ERROR_THREADS;
      break;
    }
  }
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return status;
}

void convoy_stop_workers(struct convoy_team *team) { stop_first(team, team->threads - 1); }
