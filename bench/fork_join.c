/* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Measures the cost of a launch on two threads: the runtime's own parallel loop against
 * OpenMP, which code from the `omp` dialect would call (libomp with clang, libgomp with gcc).
 * From the root:
 *
 *   clang-22 -O2 -fopenmp -Iinclude -Ilib/Runtime/Artefact bench/fork_join.c \
 *     lib/Runtime/Artefact/Parallel.c -o fork_join
 *   taskset -c 0,1 ./fork_join own; taskset -c 0,1 ./fork_join omp; ./fork_join serial
 *
 * Each variant needs a process of its own, because idle workers spin: those of one variant
 * would take cores from the other.
 */

#include "Context.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t convoy_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int64_t steps;
static volatile double results[16];

/* `steps` dependent multiply-adds per task. */
static void run_tasks(int64_t begin, int64_t end, void *const *args, uint8_t *scratch) {
  (void)args;
  (void)scratch;
  double value = (double)begin;
  for (int64_t task = begin; task < end; ++task)
    for (int64_t i = 0; i < steps; ++i)
      value = value * 1.0000001 + 1e-9;
  results[begin ? 8 : 0] = value; /* Cache lines of their own. */
}

static void launch(struct convoy_context *context, char mode) {
  if (mode == 'o') {
    convoy_rt_parallel_for(context, run_tasks, NULL, 2);
  } else if (mode == 'p') {
#pragma omp parallel num_threads(2)
    {
      int64_t index = omp_get_thread_num();
      run_tasks(index, index + 1, NULL, NULL);
    }
  } else {
    run_tasks(0, 2, NULL, NULL);
  }
}

static int compare(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

int main(int argc, char **argv) {
  const char *name = argc == 2 ? argv[1] : "";
  char mode = !strcmp(name, "own") ? 'o' : !strcmp(name, "omp") ? 'p' : 's';
  if (mode == 's' && strcmp(name, "serial") != 0) {
    fprintf(stderr, "usage: fork_join own|omp|serial\n");
    return 2;
  }
  struct convoy_worker worker;
  static uint8_t scratch[2];
  struct convoy_context context = {.threads = 2,
                                   .spin_nanoseconds = 40000,
                                   .workers = &worker,
                                   .scratch = scratch,
                                   .scratch_stride = 1};
  if (mode == 'o' && convoy_start_workers(&context) != 0)
    return 1;
  enum { burst = 100, count = 2000 };
  static int64_t times[count];
  for (steps = 0; steps <= 60000; steps = steps ? steps * 10 : 600) {
    for (int i = 0; i < count; ++i) {
      if (i % burst == 0) { /* A pause, as between two runs of a model. */
        struct timespec pause = {0, 1000000};
        nanosleep(&pause, NULL);
      }
      int64_t start = convoy_now();
      launch(&context, mode);
      times[i] = convoy_now() - start;
    }
    qsort(times, count, sizeof(times[0]), compare);
    printf("%-6s  2 x %5lld steps: min %.2f us  median %.2f us\n", name, (long long)steps,
           times[0] / 1e3, times[count / 2] / 1e3);
  }
  if (mode == 'o')
    convoy_stop_workers(&context);
  return 0;
}
