/*===- MpiWorld.c - Devices as MPI ranks --------------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "MpiWorld.h"

#include <limits.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

static int rank, size;

/* An exchange that was started and not finished. */
struct exchange {
  MPI_Request requests[4];
  int count; /* of requests */
  /* The size and the place of each rank's part, in bytes. */
  int *counts, *offsets;
  /* For a gather of several rows, `staging` gets the parts of the ranks one after the other,
   * and their rows are copied from there to `to`. For other exchanges `to` is null. */
  char *staging, *to;
  int64_t staging_size, rows, bytes;
  const int64_t *bounds;
};
static struct exchange exchanges[CONVOY_MAX_EXCHANGES];
static unsigned started, finished;

static struct exchange *start(void) {
  struct exchange *exchange = &exchanges[started++ % CONVOY_MAX_EXCHANGES];
  exchange->count = 0;
  exchange->to = NULL;
  return exchange;
}

static int32_t all_gather(void *user, const void *from, void *to, int64_t rows, int64_t bytes,
                          const int64_t *bounds) {
  (void)user;
  struct exchange *exchange = start();
  int64_t whole = rows * bounds[size] * bytes;
  if (whole > INT_MAX)
    return 1;
  for (int i = 0; i < size; ++i) {
    exchange->counts[i] = (int)(rows * (bounds[i + 1] - bounds[i]) * bytes);
    exchange->offsets[i] = (int)(rows * bounds[i] * bytes);
  }
  char *target = to;
  if (rows > 1) {
    if (whole > exchange->staging_size) {
      free(exchange->staging);
      exchange->staging_size = 0;
      if (!(exchange->staging = malloc((size_t)whole)))
        return 1;
      exchange->staging_size = whole;
    }
    target = exchange->staging;
    exchange->to = to;
    exchange->rows = rows;
    exchange->bytes = bytes;
    exchange->bounds = bounds;
  }
  exchange->count = 1;
  return MPI_Iallgatherv(from, exchange->counts[rank], MPI_BYTE, target, exchange->counts,
                         exchange->offsets, MPI_BYTE, MPI_COMM_WORLD,
                         exchange->requests) != MPI_SUCCESS;
}

/* Starts to send or receive the first `length` bytes of each row. Rows are `stride` bytes
 * apart. */
static int move(int receive, void *data, int64_t rows, int64_t length, int64_t stride,
                int peer, MPI_Request *request) {
  MPI_Datatype type;
  if (rows > INT_MAX || stride > INT_MAX ||
      MPI_Type_vector((int)rows, (int)length, (int)stride, MPI_BYTE, &type) != MPI_SUCCESS ||
      MPI_Type_commit(&type) != MPI_SUCCESS)
    return 1;
  int status = receive ? MPI_Irecv(data, 1, type, peer, 0, MPI_COMM_WORLD, request)
                       : MPI_Isend(data, 1, type, peer, 0, MPI_COMM_WORLD, request);
  MPI_Type_free(&type);
  return status != MPI_SUCCESS;
}

static int32_t halo_exchange(void *user, const void *from, void *to, int64_t rows,
                             int64_t bytes, const int64_t *bounds, int64_t before,
                             int64_t after) {
  (void)user;
  int64_t own = (bounds[rank + 1] - bounds[rank]) * bytes;
  int64_t front = rank > 0 ? before * bytes : 0;
  int64_t back = rank + 1 < size ? after * bytes : 0;
  int64_t stride = front + own + back;
  char *target = to, *source = (char *)from;
  struct exchange *exchange = start();
  MPI_Request *next = exchange->requests;
  int failed = 0;
  /* The rank before this one needs its first `after` elements, the rank after it its last
   * `before` elements. */
  if (rank > 0 && before)
    failed |= move(1, target, rows, front, stride, rank - 1, next++);
  if (rank + 1 < size && after)
    failed |= move(1, target + front + own, rows, back, stride, rank + 1, next++);
  if (rank > 0 && after)
    failed |= move(0, source, rows, after * bytes, own, rank - 1, next++);
  if (rank + 1 < size && before)
    failed |=
        move(0, source + own - before * bytes, rows, before * bytes, own, rank + 1, next++);
  exchange->count = (int)(next - exchange->requests);
  for (int64_t row = 0; row < rows; ++row)
    memcpy(target + row * stride + front, source + row * own, (size_t)own);
  return failed;
}

static int32_t all_reduce(void *user, const float *from, float *to, int64_t count) {
  (void)user;
  struct exchange *exchange = start();
  exchange->count = 1;
  return count > INT_MAX || MPI_Iallreduce(from, to, (int)count, MPI_FLOAT, MPI_SUM,
                                           MPI_COMM_WORLD, exchange->requests) != MPI_SUCCESS;
}

static int32_t finish(void *user) {
  (void)user;
  struct exchange *exchange = &exchanges[finished++ % CONVOY_MAX_EXCHANGES];
  if (MPI_Waitall(exchange->count, exchange->requests, MPI_STATUSES_IGNORE) != MPI_SUCCESS)
    return 1;
  const int64_t *bounds = exchange->bounds;
  for (int i = 0; exchange->to && i < size; ++i) {
    int64_t part = (bounds[i + 1] - bounds[i]) * exchange->bytes;
    for (int64_t row = 0; row < exchange->rows; ++row)
      memcpy(exchange->to + (row * bounds[size] + bounds[i]) * exchange->bytes,
             exchange->staging + exchange->offsets[i] + row * part, (size_t)part);
  }
  return 0;
}

static int32_t broadcast(void *data, int64_t bytes) {
  char *next = data;
  for (int64_t left = bytes; left > 0;) {
    int part = left < INT_MAX ? (int)left : INT_MAX;
    if (MPI_Bcast(next, part, MPI_BYTE, 0, MPI_COMM_WORLD) != MPI_SUCCESS)
      return 1;
    next += part;
    left -= part;
  }
  return 0;
}

static int32_t any(int32_t value, int32_t *result) {
  int own = value != 0, all = 0;
  int status = MPI_Allreduce(&own, &all, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  *result = all;
  return status != MPI_SUCCESS;
}

static void leave(void) {
  for (int i = 0; i < CONVOY_MAX_EXCHANGES; ++i) {
    free(exchanges[i].staging);
    free(exchanges[i].counts);
    free(exchanges[i].offsets);
  }
  MPI_Finalize();
}

static void abort_all(int32_t code) { MPI_Abort(MPI_COMM_WORLD, code); }

int32_t convoy_mpi_open(convoy_mpi_world *world) {
  int provided;
  /* Only the thread that runs a device's program communicates. */
  if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS ||
      provided < MPI_THREAD_FUNNELED)
    return 1;
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int i = 0; i < CONVOY_MAX_EXCHANGES; ++i) {
    exchanges[i].counts = calloc((size_t)size, sizeof(int));
    exchanges[i].offsets = calloc((size_t)size, sizeof(int));
    if (!exchanges[i].counts || !exchanges[i].offsets)
      return 1;
  }
  convoy_mpi_world made = {
      rank,  size,     {NULL, all_gather, halo_exchange, all_reduce, finish}, broadcast, any,
      leave, abort_all};
  *world = made;
  return 0;
}
