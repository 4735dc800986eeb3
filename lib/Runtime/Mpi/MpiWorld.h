/*===- MpiWorld.h - Devices as MPI ranks --------------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The interface of libConvoyMpi.so, which the driver opens at run time, so   *|
|* that nothing else needs an MPI library.                                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_RUNTIME_MPI_MPIWORLD_H
#define CONVOY_RUNTIME_MPI_MPIWORLD_H

#include "convoy-c/Artefact.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Functions return 0, or another number after a failure. */
typedef struct convoy_mpi_world {
  int32_t rank;
  int32_t size;
  /* Device k is rank k. */
  convoy_transport transport;
  /* Sends `size` bytes from rank 0 to all. */
  int32_t (*broadcast)(void *data, int64_t size);
  /* Whether `value` is other than 0 on any rank. */
  int32_t (*any)(int32_t value, int32_t *result);
  /* Leaves MPI; all ranks call it. */
  void (*close)(void);
  /* Ends all ranks at once; does not return. */
  void (*abort)(int32_t code);
} convoy_mpi_world;

/* Joins the ranks that mpirun started; once per process. */
CONVOY_EXPORT int32_t convoy_mpi_open(convoy_mpi_world *world);

#ifdef __cplusplus
}
#endif

#endif /* CONVOY_RUNTIME_MPI_MPIWORLD_H */
