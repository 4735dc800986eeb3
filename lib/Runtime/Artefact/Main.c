/*===- Main.c - The program that --emit=exe makes -----------------*- C -*-===*\
|*                                                                            *|
|* Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.        *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#define _GNU_SOURCE
#include "Npy.h"

#include "convoy-c/Artefact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Those of `convoy run`, where only wrong usage of options is found before the model is known.
 */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct options {
  const char *program;
  const char **input_files;
  const char **output_files;
  void **inputs;
  void **outputs;
  int32_t threads;
  int32_t gpu;
  int random;
  int profile;
  uint64_t seed;
};

static void print_type(FILE *to, int32_t element_type, int32_t rank, const int64_t *dims) {
  for (int32_t i = 0; i < rank; ++i)
    fprintf(to, "%lldx", (long long)dims[i]);
  const char *name = convoy_element_name(element_type);
  fputs(name ? name : "unknown", to);
}

/* The sizes that depend on data are written as "<=100". */
static void print_output_type(FILE *to, int32_t index) {
  const convoy_tensor_info *info = convoy_output(index);
  for (int32_t i = 0; i < info->rank; ++i)
    fprintf(to, "%s%lldx", convoy_output_is_bounded(index, i) ? "<=" : "",
            (long long)info->dims[i]);
  print_type(to, info->element_type, 0, NULL);
}

static int is_for_gpu(void) { return convoy_gpu_arch(0, NULL) != 0; }

static void print_help(const struct options *options) {
  printf("usage: %s [options]\n"
         "Runs the compiled model once.\n\n"
         "  --input [NAME=]FILE.npy   read an input; NAME may be left out if "
         "there is one input\n"
         "  --output [NAME=]FILE.npy  write an output (default: NAME.npy)\n"
         "  --random-inputs SEED      draw the inputs that are not read: "
         "standard normal\n"
         "  %s\n"
         "  --profile                 print the time of each layer\n"
         "  --help\n\n",
         options->program,
         is_for_gpu() ? "--device cuda:N           the GPU that runs it (default: cuda:0)"
                      : "--threads N               default: one for each core");
  for (int32_t i = 0; i < convoy_input_count(); ++i) {
    const convoy_tensor_info *info = convoy_input(i);
    printf("input %s: ", info->name);
    print_type(stdout, info->element_type, info->rank, info->dims);
    puts("");
  }
  for (int32_t i = 0; i < convoy_output_count(); ++i) {
    printf("output %s: ", convoy_output(i)->name);
    print_output_type(stdout, i);
    puts("");
  }
  printf("compiled for %s\n", convoy_required_cpu());
}

/*===----------------------------------------------------------------------===*\
|* The command line
\*===----------------------------------------------------------------------===*/

/* Stores the file of `[NAME=]FILE` under the index of NAME. */
static int add_file(const struct options *options, const char *flag, const char *text,
                    int32_t count, const convoy_tensor_info *(*get)(int32_t),
                    const char **files) {
  int32_t index = -1;
  const char *file = NULL;
  for (int32_t i = 0; i < count; ++i) {
    /* Names may contain '=' themselves, so compare instead of searching. */
    size_t length = strlen(get(i)->name);
    if (strncmp(text, get(i)->name, length) == 0 && text[length] == '=') {
      index = i;
      file = text + length + 1;
    }
  }
  if (index < 0 && count == 1) {
    index = 0;
    file = text;
  }
  if (index < 0) {
    fprintf(stderr, "%s: '%s %s' does not begin with the name of an %s and '='\n",
            options->program, flag, text, flag + 2);
    return EXIT_FAILED;
  }
  if (files[index]) {
    fprintf(stderr, "%s: %s '%s' is given twice\n", options->program, flag + 2,
            get(index)->name);
    return EXIT_FAILED;
  }
  files[index] = file;
  return EXIT_DONE;
}

static int read_number(const struct options *options, const char *flag, const char *text,
                       uint64_t limit, uint64_t *number) {
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end || errno || value > limit) {
    fprintf(stderr, "%s: '%s %s' is not a number from 0 to %llu\n", options->program, flag,
            text, (unsigned long long)limit);
    return EXIT_USAGE;
  }
  *number = value;
  return EXIT_DONE;
}

static int read_device(struct options *options, const char *text) {
  uint64_t number;
  if (strcmp(text, "cuda") == 0)
    return EXIT_DONE; /* The first one. */
  if (strncmp(text, "cuda:", 5) != 0) {
    fprintf(stderr, "%s: '--device %s' is not cuda:0, cuda:1, ...\n", options->program, text);
    return EXIT_USAGE;
  }
  int status = read_number(options, "--device", text + 5, INT32_MAX, &number);
  if (status == EXIT_DONE)
    options->gpu = (int32_t)number;
  return status;
}

/* Returns the exit code, or -1 if the program is to go on. */
static int read_options(int argc, char **argv, struct options *options) {
  for (int i = 1; i < argc; ++i) {
    char flag[32];
    const char *value = strchr(argv[i], '=');
    size_t length = value ? (size_t)(value - argv[i]) : strlen(argv[i]);
    if (length >= sizeof flag)
      length = sizeof flag - 1;
    memcpy(flag, argv[i], length);
    flag[length] = 0;

    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
      print_help(options);
      return EXIT_DONE;
    }
    if (strcmp(argv[i], "--profile") == 0) {
      options->profile = 1;
      continue;
    }
    int is_input = strcmp(flag, "--input") == 0;
    int is_output = strcmp(flag, "--output") == 0;
    int is_random = strcmp(flag, "--random-inputs") == 0;
    int is_device = is_for_gpu() && strcmp(flag, "--device") == 0;
    int is_threads = !is_for_gpu() && strcmp(flag, "--threads") == 0;
    if (!is_input && !is_output && !is_random && !is_device && !is_threads) {
      fprintf(stderr, "%s: unknown option '%s'; try --help\n", options->program, argv[i]);
      return EXIT_USAGE;
    }
    if (value) {
      ++value;
    } else if (++i < argc) {
      value = argv[i];
    } else {
      fprintf(stderr, "%s: %s needs a value\n", options->program, flag);
      return EXIT_USAGE;
    }

    int status;
    uint64_t number = 0;
    if (is_device) {
      status = read_device(options, value);
    } else if (is_input) {
      status = add_file(options, flag, value, convoy_input_count(), convoy_input,
                        options->input_files);
    } else if (is_output) {
      status = add_file(options, flag, value, convoy_output_count(), convoy_output,
                        options->output_files);
    } else if (is_random) {
      status = read_number(options, flag, value, UINT64_MAX, &options->seed);
      options->random = 1;
    } else {
      status = read_number(options, flag, value, 4096, &number);
      options->threads = (int32_t)number;
    }
    if (status != EXIT_DONE)
      return status;
  }

  for (int32_t i = 0; i < convoy_input_count() && !options->random; ++i)
    if (!options->input_files[i]) {
      fprintf(stderr, "%s: no file for input '%s'; use --input or --random-inputs\n",
              options->program, convoy_input(i)->name);
      return EXIT_FAILED;
    }
  return -1;
}

/*===----------------------------------------------------------------------===*\
|* Files
\*===----------------------------------------------------------------------===*/

static int file_error(const struct options *options, const char *file) {
  fprintf(stderr, "%s: %s: %s\n", options->program, file, strerror(errno));
  return EXIT_FAILED;
}

static int check_and_copy(const struct options *options, const char *file, const void *bytes,
                          size_t size, const convoy_tensor_info *info, void *target) {
  struct convoy_npy_header header;
  const char *error = convoy_npy_parse(bytes, size, &header);
  if (error) {
    fprintf(stderr, "%s: %s %s\n", options->program, file, error);
    return EXIT_FAILED;
  }
  if (!convoy_npy_same_type(header.element_type, info->element_type) ||
      header.rank != info->rank ||
      (info->rank &&
       memcmp(header.dims, info->dims, (size_t)info->rank * sizeof(int64_t)) != 0)) {
    fprintf(stderr, "%s: %s holds ", options->program, file);
    print_type(stderr, header.element_type, header.rank, header.dims);
    fprintf(stderr, ", but input '%s' is ", info->name);
    print_type(stderr, info->element_type, info->rank, info->dims);
    fputs("\n", stderr);
    return EXIT_FAILED;
  }
  convoy_npy_copy(bytes, &header, target);
  return EXIT_DONE;
}

static int read_input(const struct options *options, const char *file,
                      const convoy_tensor_info *info, void *target) {
  FILE *stream = fopen(file, "rb");
  if (!stream)
    return file_error(options, file);
  struct stat stat;
  if (fstat(fileno(stream), &stat) != 0 || stat.st_size < 0) {
    fclose(stream);
    return file_error(options, file);
  }
  size_t size = (size_t)stat.st_size;
  void *bytes = malloc(size + 1);
  int status;
  if (!bytes) {
    errno = ENOMEM;
    status = file_error(options, file);
  } else {
    errno = 0;
    size = fread(bytes, 1, size, stream);
    if (ferror(stream))
      status = file_error(options, file);
    else
      status = check_and_copy(options, file, bytes, size, info, target);
  }
  free(bytes);
  fclose(stream);
  return status;
}

static int write_tensor(const struct options *options, const char *file,
                        const convoy_tensor_info *info, const void *data) {
  char header[CONVOY_NPY_MAX_HEADER];
  size_t size = convoy_npy_format(header, info->element_type, info->rank, info->dims);
  if (!size) {
    fprintf(stderr, "%s: %s: a .npy file cannot hold ", options->program, file);
    print_type(stderr, info->element_type, info->rank, info->dims);
    fputs("\n", stderr);
    return EXIT_FAILED;
  }
  FILE *stream = fopen(file, "wb");
  if (!stream)
    return file_error(options, file);
  size_t data_size = (size_t)info->size;
  int failed = fwrite(header, 1, size, stream) != size ||
               fwrite(data, 1, data_size, stream) != data_size;
  struct stat stat;
  int is_regular = fstat(fileno(stream), &stat) == 0 && S_ISREG(stat.st_mode);
  if (fclose(stream) != 0 || failed) {
    int status = file_error(options, file);
    if (is_regular)
      remove(file);
    return status;
  }
  return EXIT_DONE;
}

/* NAME.npy in the current folder, whatever NAME is. */
static char *default_file(const char *name) {
  size_t length = strlen(name);
  char *file = malloc(length + sizeof ".npy");
  if (!file)
    return NULL;
  for (size_t i = 0; i < length; ++i)
    file[i] = name[i] == '/' ? '_' : name[i];
  memcpy(file + length, ".npy", sizeof ".npy");
  return file;
}

/*===----------------------------------------------------------------------===*\
|* The run
\*===----------------------------------------------------------------------===*/

static int model_error(const struct options *options, int32_t status) {
  fprintf(stderr, "%s: %s\n", options->program, convoy_status_text(status));
  return EXIT_FAILED;
}

static int print_profile(const struct options *options, const convoy_context *context) {
  int32_t count = convoy_layer_count();
  int64_t *nanoseconds = calloc((size_t)count + 1, sizeof *nanoseconds);
  if (!nanoseconds)
    return model_error(options, CONVOY_ERROR_MEMORY);
  int32_t status = convoy_profile_read(context, nanoseconds, NULL);
  if (status == CONVOY_OK) {
    int64_t total = 0;
    for (int32_t i = 0; i < count; ++i)
      total += nanoseconds[i];
    for (int32_t i = 0; i < count; ++i)
      printf("%12.1f us %5.1f %%  %s\n", (double)nanoseconds[i] / 1000,
             total ? 100.0 * (double)nanoseconds[i] / (double)total : 0.0,
             convoy_layer_name(i));
    printf("%12.1f us          total\n", (double)total / 1000);
  }
  free(nanoseconds);
  return status == CONVOY_OK ? EXIT_DONE : model_error(options, status);
}

static void *allocate(int64_t size) {
  size_t rounded = ((size_t)size + 63) / 64 * 64;
  return aligned_alloc(64, rounded ? rounded : 64);
}

static int prepare_buffers(const struct options *options) {
  for (int32_t i = 0; i < convoy_input_count(); ++i) {
    const convoy_tensor_info *info = convoy_input(i);
    options->inputs[i] = allocate(info->size);
    if (!options->inputs[i])
      return model_error(options, CONVOY_ERROR_MEMORY);
    if (options->input_files[i]) {
      int status = read_input(options, options->input_files[i], info, options->inputs[i]);
      if (status != EXIT_DONE)
        return status;
      continue;
    }
    int32_t item = convoy_element_size(info->element_type);
    convoy_fill_random(options->inputs[i], info->element_type, item ? info->size / item : 0,
                       options->seed, (uint64_t)i);
  }
  for (int32_t i = 0; i < convoy_output_count(); ++i) {
    options->outputs[i] = allocate(convoy_output(i)->size);
    if (!options->outputs[i])
      return model_error(options, CONVOY_ERROR_MEMORY);
  }
  return EXIT_DONE;
}

/* Fails if the file that an output would be written to is that of an input. */
static int check_output(const struct options *options, const char *file) {
  struct stat output, input;
  if (stat(file, &output) != 0 || !S_ISREG(output.st_mode))
    return EXIT_DONE;
  for (int32_t i = 0; i < convoy_input_count(); ++i)
    if (options->input_files[i] && stat(options->input_files[i], &input) == 0 &&
        input.st_dev == output.st_dev && input.st_ino == output.st_ino) {
      fprintf(stderr, "%s: %s: is an input, which would be lost: write to another file\n",
              options->program, file);
      return EXIT_FAILED;
    }
  return EXIT_DONE;
}

/* Writes output `index` to a file, in the shape that it has after the run. */
static int write_output(const struct options *options, const char *file,
                        const convoy_context *context, int32_t index) {
  convoy_tensor_info info = *convoy_output(index);
  int64_t dims[CONVOY_NPY_MAX_RANK];
  if (info.rank <= CONVOY_NPY_MAX_RANK) {
    int32_t status = convoy_output_dims(context, index, dims);
    if (status != CONVOY_OK)
      return model_error(options, status);
    convoy_compact(options->outputs[index], info.element_type, info.rank, info.dims, dims);
    info.dims = dims;
    info.size = convoy_element_size(info.element_type);
    for (int32_t i = 0; i < info.rank; ++i)
      info.size *= dims[i];
  }
  return write_tensor(options, file, &info, options->outputs[index]);
}

static int write_outputs(const struct options *options, const convoy_context *context) {
  for (int32_t i = 0; i < convoy_output_count(); ++i) {
    const convoy_tensor_info *info = convoy_output(i);
    char *made = options->output_files[i] ? NULL : default_file(info->name);
    const char *file = made ? made : options->output_files[i];
    int status =
        file ? check_output(options, file) : model_error(options, CONVOY_ERROR_MEMORY);
    if (status == EXIT_DONE)
      status = write_output(options, file, context, i);
    free(made);
    if (status != EXIT_DONE)
      return status;
  }
  return EXIT_DONE;
}

static int run(const struct options *options) {
  int status = prepare_buffers(options);
  if (status != EXIT_DONE)
    return status;
  convoy_context *context;
  int32_t model_status = is_for_gpu() ? convoy_create_on(options->gpu, &context)
                                      : convoy_create(options->threads, &context);
  if (model_status == CONVOY_OK && options->profile)
    model_status = convoy_profile_enable(context, 1);
  if (model_status == CONVOY_OK)
    model_status = convoy_run(context, (const void *const *)options->inputs, options->outputs);
  if (model_status == CONVOY_OK) {
    status = write_outputs(options, context);
  } else {
    const char *detail = convoy_context_error(context);
    fprintf(stderr, "%s: %s%s%s%s\n", options->program, convoy_status_text(model_status),
            *detail ? " (" : "", detail, *detail ? ")" : "");
    status = EXIT_FAILED;
  }
  if (status == EXIT_DONE && options->profile)
    status = print_profile(options, context);
  convoy_destroy(context);
  return status;
}

int main(int argc, char **argv) {
  struct options options;
  memset(&options, 0, sizeof options);
  options.program = argc > 0 ? argv[0] : "model";
  size_t inputs = (size_t)convoy_input_count();
  size_t outputs = (size_t)convoy_output_count();
  options.input_files = calloc(inputs + 1, sizeof(char *));
  options.output_files = calloc(outputs + 1, sizeof(char *));
  options.inputs = calloc(inputs + 1, sizeof(void *));
  options.outputs = calloc(outputs + 1, sizeof(void *));

  int status;
  if (!options.input_files || !options.output_files || !options.inputs || !options.outputs)
    status = model_error(&options, CONVOY_ERROR_MEMORY);
  else if ((status = read_options(argc, argv, &options)) < 0)
    status = run(&options);

  for (size_t i = 0; options.inputs && i < inputs; ++i)
    free(options.inputs[i]);
  for (size_t i = 0; options.outputs && i < outputs; ++i)
    free(options.outputs[i]);
  free(options.inputs);
  free(options.outputs);
  free(options.input_files);
  free(options.output_files);
  return status;
}
