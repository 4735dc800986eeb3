/*===- Npy.h - The .npy format ------------------------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Shared by the programs that --emit=exe makes and by the C++ loader. These  *|
|* functions neither allocate memory nor read or write files.                 *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef CONVOY_RUNTIME_ARTEFACT_NPY_H
#define CONVOY_RUNTIME_ARTEFACT_NPY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CONVOY_NPY_MAX_RANK = 32, CONVOY_NPY_MAX_HEADER = 1024 };

struct convoy_npy_header {
  int32_t element_type; /* enum convoy_element_type */
  int32_t rank;
  int64_t dims[CONVOY_NPY_MAX_RANK];
  int32_t fortran_order;
  size_t data_offset;
  size_t data_size; /* bytes; the file has at least as many */
};

/* Bytes of an element, 0 for an unknown type. */
int32_t convoy_element_size(int32_t element_type);

/* "f32", "i64", ...; null for an unknown type. */
const char *convoy_element_name(int32_t element_type);

/* Whether files do not tell the two types apart: the format has no types for
 * floats and integers of ml_dtypes, and a file says only how large they are. */
int convoy_npy_same_type(int32_t first, int32_t second);

/* Reads the header of the file in `bytes`. Returns null, or the error as text. */
const char *convoy_npy_parse(const void *bytes, size_t size, struct convoy_npy_header *header);

/* Copies the data of the file in `bytes` to `target`, in row-major order. */
void convoy_npy_copy(const void *bytes, const struct convoy_npy_header *header, void *target);

/* Writes a header of format version 1 to `buffer` of CONVOY_NPY_MAX_HEADER
 * bytes, and returns its size; 0 if the format cannot express the tensor. */
size_t convoy_npy_format(char *buffer, int32_t element_type, int32_t rank,
                         const int64_t *dims);

/* Packs the elements of a row-major tensor whose index in each dimension is below `dims` at
 * the beginning of the buffer, as a tensor of `dims`. No number of `dims` is larger than that
 * of `largest`, which are the tensor's dimensions before. */
void convoy_compact(void *data, int32_t element_type, int32_t rank, const int64_t *largest,
                    const int64_t *dims);

/* Fills `count` elements; see convoy::fillRandom. */
void convoy_fill_random(void *data, int32_t element_type, int64_t count, uint64_t seed,
                        uint64_t stream);

#ifdef __cplusplus
}
#endif

#endif /* CONVOY_RUNTIME_ARTEFACT_NPY_H */
