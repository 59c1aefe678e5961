/* What the programs about operators of the caller's own share: the operator Scale, and sessions with one operator. */
#ifndef OPERATORS_H
#define OPERATORS_H

#include "check.h"

/* What the operators of a check share with it: its context. */
struct record {
  int shapes, computes, releases;
  int64_t sizes[2];    /* of the first input's dimensions, in the last shape callback */
  char symbols[2][16]; /* of those that were open */
  int saw_open;        /* whether a shape callback saw an open dimension */
  const char *mode;    /* what goes wrong */
};

static const int64_t pair[] = {2, 4};
static float numbers[8] = {-1, 2, -3, 4, 5, -6, 7, -8};

static inline float relu(float x) { return x > 0 ? x : 0; }

static inline const maas_value_info *info_of(maas_node *node, size_t index) {
  const maas_value_info *info = NULL;
  OK(maas_node_input_info(node, index, &info));
  return info;
}

static inline const maas_tensor *input_of(maas_node *node, size_t index) {
  const maas_tensor *tensor = untouched();
  OK(maas_node_input(node, index, &tensor));
  return tensor;
}

static inline size_t elements_of(const maas_tensor *tensor) {
  size_t count = 0;
  OK(maas_tensor_elements(tensor, &count));
  return count;
}

/* Scale: y = factor * x */

static inline maas_status scale_shape(void *context, maas_node *node) {
  struct record *record = context;
  const maas_value_info *x = info_of(node, 0);
  const char *symbols[2];
  maas_dtype dtype;
  int64_t rank = 0;
  OK(maas_value_info_dtype(x, &dtype));
  OK(maas_value_info_rank(x, &rank));
  CHECK(dtype == MAAS_DTYPE_FLOAT && input_of(node, 0) == NULL);
  if (rank < 0) /* in a body, before it runs */
    return maas_node_set_shape(node, 0, dtype, NULL, NULL, -1);
  CHECK(rank == 2);
  for (size_t axis = 0; axis < 2; axis++) {
    OK(maas_value_info_dim(x, axis, &record->sizes[axis], &symbols[axis]));
    if (symbols[axis] != NULL)
      snprintf(record->symbols[axis], sizeof record->symbols[axis], "%s", symbols[axis]);
  }
  if (record->sizes[0] < 0)
    record->saw_open = 1;
  record->shapes++;
  OK(maas_node_set_shape(node, 0, dtype, record->sizes, symbols, rank));
  return MAAS_OK;
}

static inline maas_status scale_compute(void *context, maas_node *node) {
  struct record *record = context;
  float factor = 2;
  maas_status status = maas_node_float(node, "factor", &factor);
  CHECK(status == MAAS_OK || status == MAAS_NOT_FOUND);
  maas_tensor *output = NULL;
  OK(maas_node_output(node, 0, &output));
  const maas_tensor *input = input_of(node, 0);
  size_t count = elements_of(input);
  CHECK(count == elements_of(output));
  for (size_t i = 0; i < count; i++)
    floats(output)[i] = factor * floats(input)[i];
  __atomic_add_fetch(&record->computes, 1, __ATOMIC_SEQ_CST);
  return MAAS_OK;
}

static inline void count_release(void *context) { ((struct record *)context)->releases++; }

static inline maas_operators *operators_with(const char *name, maas_operator_callback shape,
                                             maas_operator_callback compute, struct record *record) {
  maas_operators *operators = NULL;
  OK(maas_operators_create(&operators));
  OK(maas_operators_add(operators, "test.ops", name, 1, shape, compute, count_release, record));
  return operators;
}

static inline maas_session_options *options_with(const maas_operators *operators) {
  maas_session_options *options = NULL;
  OK(maas_session_options_create(&options));
  OK(maas_session_options_set_operators(options, operators));
  return options;
}

/* Opens a model with one operator; nothing but the session is left open. */
static inline maas_session *open_custom(const char *model, const char *name, maas_operator_callback shape,
                                        maas_operator_callback compute, struct record *record) {
  maas_operators *operators = operators_with(name, shape, compute, record);
  maas_session_options *options = options_with(operators);
  OK(maas_operators_close(operators));
  maas_session *session = NULL;
  OK(maas_session_open(fixture(model), options, &session));
  OK(maas_session_options_close(options));
  return session;
}

/* Output `name` of a run with `numbers`, to be closed. */
static inline maas_tensor *answer(maas_session *session, const char *name, const int64_t *shape,
                                  size_t rank) {
  maas_tensor *input = borrowed(numbers, shape, rank), *output = NULL;
  const maas_tensor *given[] = {input};
  const char *names[] = {name};
  OK(maas_session_run(session, NULL, NULL, given, 1, names, &output, 1));
  OK(maas_tensor_close(input));
  return output;
}

static inline maas_status run_only(maas_session *session, const int64_t *shape, size_t rank) {
  maas_tensor *input = borrowed(numbers, shape, rank), *output = NULL;
  const maas_tensor *given[] = {input};
  maas_status status = maas_session_run(session, NULL, NULL, given, 1, NULL, &output, 1);
  CHECK(status != MAAS_OK && output == NULL);
  OK(maas_tensor_close(input));
  return status;
}

#endif
