/*===- Npy.c - The .npy format ------------------------------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "Npy.h"

#include "convoy-c/Artefact.h"

#include <string.h>

struct type_row {
  int32_t type;
  int32_t size;
  char name[11];
  char descr[4];
};

static const struct type_row types[] = {
    {CONVOY_FLOAT32, 4, "f32", "<f4"},
    {CONVOY_FLOAT64, 8, "f64", "<f8"},
    {CONVOY_FLOAT16, 2, "f16", "<f2"},
    {CONVOY_BFLOAT16, 2, "bf16", "<V2"}, /* How NumPy writes ml_dtypes' bfloat16. */
    {CONVOY_INT8, 1, "i8", "|i1"},
    {CONVOY_UINT8, 1, "u8", "|u1"},
    {CONVOY_INT16, 2, "i16", "<i2"},
    {CONVOY_UINT16, 2, "u16", "<u2"},
    {CONVOY_INT32, 4, "i32", "<i4"},
    {CONVOY_UINT32, 4, "u32", "<u4"},
    {CONVOY_INT64, 8, "i64", "<i8"},
    {CONVOY_UINT64, 8, "u64", "<u8"},
    {CONVOY_BOOL, 1, "bool", "|b1"},
    /* How NumPy writes the types of ml_dtypes. */
    {CONVOY_FLOAT8E4M3FN, 1, "f8e4m3fn", "|V1"},
    {CONVOY_FLOAT8E4M3FNUZ, 1, "f8e4m3fnuz", "|V1"},
    {CONVOY_FLOAT8E5M2, 1, "f8e5m2", "|V1"},
    {CONVOY_FLOAT8E5M2FNUZ, 1, "f8e5m2fnuz", "|V1"},
    {CONVOY_FLOAT8E8M0, 1, "f8e8m0", "|V1"},
    {CONVOY_FLOAT6E2M3, 1, "f6e2m3", "|V1"},
    {CONVOY_FLOAT6E3M2, 1, "f6e3m2", "|V1"},
    {CONVOY_FLOAT4E2M1, 1, "f4e2m1", "|V1"},
    {CONVOY_UINT4, 1, "u4", "|V1"},
    {CONVOY_INT4, 1, "i4", "|V1"},
    {CONVOY_UINT2, 1, "u2", "|V1"},
    {CONVOY_INT2, 1, "i2", "|V1"},
};

static const struct type_row *find_type(int32_t element_type) {
  for (size_t i = 0; i < sizeof types / sizeof types[0]; ++i)
    if (types[i].type == element_type)
      return &types[i];
  return NULL;
}

int32_t convoy_element_size(int32_t element_type) {
  const struct type_row *row = find_type(element_type);
  return row ? row->size : 0;
}

const char *convoy_element_name(int32_t element_type) {
  const struct type_row *row = find_type(element_type);
  return row ? row->name : NULL;
}

int convoy_npy_same_type(int32_t first, int32_t second) {
  const struct type_row *one = find_type(first), *other = find_type(second);
  return one && other && one->descr[0] && strcmp(one->descr, other->descr) == 0;
}

/*===----------------------------------------------------------------------===*\
|* Reading
\*===----------------------------------------------------------------------===*/

/* The header is a Python dictionary literal with exactly three keys. */
struct cursor {
  const char *at;
  const char *end;
};

static void skip_space(struct cursor *in) {
  while (in->at < in->end &&
         (*in->at == ' ' || *in->at == '\n' || *in->at == '\t' || *in->at == '\r'))
    ++in->at;
}

static int accept(struct cursor *in, char wanted) {
  skip_space(in);
  if (in->at == in->end || *in->at != wanted)
    return 0;
  ++in->at;
  return 1;
}

static int accept_word(struct cursor *in, const char *word) {
  size_t length = strlen(word);
  skip_space(in);
  if ((size_t)(in->end - in->at) < length || memcmp(in->at, word, length) != 0)
    return 0;
  in->at += length;
  return 1;
}

/* A quoted string without escapes; fails if it does not fit. */
static int read_string(struct cursor *in, char *text, size_t capacity) {
  skip_space(in);
  if (in->at == in->end || (*in->at != '\'' && *in->at != '"'))
    return 0;
  char quote = *in->at++;
  size_t length = 0;
  while (in->at < in->end && *in->at != quote) {
    if (length + 1 == capacity)
      return 0;
    text[length++] = *in->at++;
  }
  text[length] = 0;
  return accept(in, quote);
}

static int read_number(struct cursor *in, int64_t *number) {
  skip_space(in);
  const char *start = in->at;
  *number = 0;
  while (in->at < in->end && *in->at >= '0' && *in->at <= '9') {
    if (*number > (INT64_MAX - 9) / 10)
      return 0;
    *number = *number * 10 + (*in->at++ - '0');
  }
  /* NumPy on Python 2 wrote longs as 3L. */
  int read = in->at != start;
  (void)accept_word(in, "L");
  return read;
}

static const char *read_descr(struct cursor *in, int32_t *element_type) {
  char text[32];
  if (!read_string(in, text, sizeof text))
    return "has an element type that is not a plain number";
  if (text[0] == '>')
    return "holds big-endian numbers, which are not supported";
  if (strcmp(text, "<f1") == 0) { /* ml_dtypes's float8_e5m2. */
    *element_type = CONVOY_FLOAT8E5M2;
    return NULL;
  }
  for (size_t i = 0; i < sizeof types / sizeof types[0]; ++i)
    if (strcmp(text + 1, types[i].descr + 1) == 0) {
      *element_type = types[i].type;
      return NULL;
    }
  return "has an unsupported element type";
}

static const char *read_shape(struct cursor *in, struct convoy_npy_header *header) {
  if (!accept(in, '('))
    return "has a broken header";
  header->rank = 0;
  while (!accept(in, ')')) {
    if (header->rank == CONVOY_NPY_MAX_RANK)
      return "has more than 32 dimensions";
    if (!read_number(in, &header->dims[header->rank++]))
      return "has a broken shape";
    if (!accept(in, ',')) {
      if (!accept(in, ')'))
        return "has a broken shape";
      break;
    }
  }
  return NULL;
}

static const char *read_dictionary(struct cursor *in, struct convoy_npy_header *header) {
  int seen = 0;
  const char *error = NULL;
  if (!accept(in, '{'))
    return "has a broken header";
  while (!accept(in, '}')) {
    char key[16];
    if (!read_string(in, key, sizeof key) || !accept(in, ':'))
      return "has a broken header";
    if (strcmp(key, "descr") == 0) {
      error = read_descr(in, &header->element_type);
      seen |= 1;
    } else if (strcmp(key, "fortran_order") == 0) {
      header->fortran_order = accept_word(in, "True");
      if (!header->fortran_order && !accept_word(in, "False"))
        error = "has a broken header";
      seen |= 2;
    } else if (strcmp(key, "shape") == 0) {
      error = read_shape(in, header);
      seen |= 4;
    } else {
      error = "has a broken header";
    }
    if (error)
      return error;
    if (!accept(in, ',')) {
      if (!accept(in, '}'))
        return "has a broken header";
      break;
    }
  }
  return seen == 7 ? NULL : "has a broken header";
}

const char *convoy_npy_parse(const void *bytes, size_t size,
                             struct convoy_npy_header *header) {
  const unsigned char *file = bytes;
  if (size < 10 || memcmp(file, "\x93NUMPY", 6) != 0)
    return "is not a .npy file";
  size_t start, length;
  if (file[6] == 1) {
    start = 10;
    length = file[8] | (size_t)file[9] << 8;
  } else if (file[6] == 2 || file[6] == 3) {
    if (size < 12)
      return "is cut off";
    start = 12;
    length = file[8] | (size_t)file[9] << 8 | (size_t)file[10] << 16 | (size_t)file[11] << 24;
  } else {
    return "has an unknown version of the .npy format";
  }
  if (length > size - start)
    return "is cut off";

  memset(header, 0, sizeof *header);
  struct cursor in = {(const char *)file + start, (const char *)file + start + length};
  const char *error = read_dictionary(&in, header);
  if (error)
    return error;

  header->data_offset = start + length;
  uint64_t bytes_needed = (uint64_t)convoy_element_size(header->element_type);
  int empty = 0;
  for (int32_t i = 0; i < header->rank; ++i) {
    if (header->dims[i] == 0)
      empty = 1;
    else if (bytes_needed > INT64_MAX / (uint64_t)header->dims[i])
      return "has a shape that is too large";
    else
      bytes_needed *= (uint64_t)header->dims[i];
  }
  header->data_size = empty ? 0 : (size_t)bytes_needed;
  if (header->data_size > size - header->data_offset)
    return "is cut off";
  return NULL;
}

void convoy_npy_copy(const void *bytes, const struct convoy_npy_header *header, void *target) {
  const char *from = (const char *)bytes + header->data_offset;
  char *to = target;
  if (!header->data_size)
    return;
  if (!header->fortran_order || header->rank < 2) {
    memcpy(to, from, header->data_size);
    return;
  }
  /* Walk through the data in the order of the file: the first dimension varies fastest. */
  size_t item = (size_t)convoy_element_size(header->element_type);
  size_t stride[CONVOY_NPY_MAX_RANK];
  int64_t index[CONVOY_NPY_MAX_RANK] = {0};
  size_t step = item;
  for (int32_t i = header->rank; i-- > 0;) {
    stride[i] = step;
    step *= (size_t)header->dims[i];
  }
  size_t offset = 0;
  for (size_t done = 0; done < header->data_size; done += item) {
    memcpy(to + offset, from + done, item);
    for (int32_t i = 0; i < header->rank; ++i) {
      offset += stride[i];
      if (++index[i] < header->dims[i])
        break;
      offset -= stride[i] * (size_t)header->dims[i];
      index[i] = 0;
    }
  }
}

/* Returns the end of what it wrote. The target is never behind the source, so the tensor can
 * be packed in place, from its beginning to its end. */
static char *compact(char *to, const char *from, size_t item, int32_t rank,
                     const int64_t *largest, const int64_t *dims) {
  if (rank < 2) {
    size_t size = item * (rank ? (size_t)dims[0] : 1);
    memmove(to, from, size);
    return to + size;
  }
  size_t row = item;
  for (int32_t i = 1; i < rank; ++i)
    row *= (size_t)largest[i];
  for (int64_t i = 0; i < dims[0]; ++i)
    to = compact(to, from + (size_t)i * row, item, rank - 1, largest + 1, dims + 1);
  return to;
}

void convoy_compact(void *data, int32_t element_type, int32_t rank, const int64_t *largest,
                    const int64_t *dims) {
  if (rank && memcmp(largest, dims, (size_t)rank * sizeof *dims) != 0)
    (void)compact(data, data, (size_t)convoy_element_size(element_type), rank, largest, dims);
}

/*===----------------------------------------------------------------------===*\
|* Writing
\*===----------------------------------------------------------------------===*/

static char *put_text(char *to, const char *text) {
  size_t length = strlen(text);
  memcpy(to, text, length);
  return to + length;
}

static char *put_number(char *to, int64_t number) {
  char digits[20];
  int count = 0;
  do
    digits[count++] = (char)('0' + number % 10);
  while (number /= 10);
  while (count)
    *to++ = digits[--count];
  return to;
}

size_t convoy_npy_format(char *buffer, int32_t element_type, int32_t rank,
                         const int64_t *dims) {
  const struct type_row *row = find_type(element_type);
  if (!row || rank < 0 || rank > CONVOY_NPY_MAX_RANK)
    return 0;
  memcpy(buffer, "\x93NUMPY\x01\x00", 8);
  char *to = buffer + 10;
  to = put_text(to, "{'descr': '");
  to = put_text(to, row->descr);
  to = put_text(to, "', 'fortran_order': False, 'shape': (");
  for (int32_t i = 0; i < rank; ++i) {
    if (dims[i] < 0)
      return 0;
    to = put_number(to, dims[i]);
    if (i + 1 < rank)
      to = put_text(to, ", ");
  }
  to = put_text(to, rank == 1 ? ",), }" : "), }");
  /* Data begins at a multiple of 64, and the header ends with a newline. */
  while ((to + 1 - buffer) % 64 != 0)
    *to++ = ' ';
  *to++ = '\n';
  size_t length = (size_t)(to - buffer) - 10;
  buffer[8] = (char)(length & 0xff);
  buffer[9] = (char)(length >> 8);
  return length + 10;
}
