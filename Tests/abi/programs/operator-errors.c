/* Operators of the caller's own: attributes, and what goes wrong. */
#include "operators.h"

/* Attributes: y = x, after a look at all of them */

static const void *attribute(maas_node *node, const char *name, maas_dtype expected, size_t rank,
                             size_t count) {
  const maas_tensor *value = NULL;
  maas_dtype dtype;
  size_t found = 99;
  void *data = NULL;
  OK(maas_node_attribute(node, name, &value));
  OK(maas_tensor_dtype(value, &dtype));
  OK(maas_tensor_shape(value, NULL, &found));
  OK(maas_tensor_data(value, &data, NULL));
  CHECK(dtype == expected && found == rank && elements_of(value) == count);
  return data;
}

static void string_is(maas_node *node, const char *name, size_t index, const char *expected) {
  const maas_tensor *value = NULL;
  const char *bytes = NULL;
  size_t length = 99;
  OK(maas_node_attribute(node, name, &value));
  OK(maas_tensor_string(value, index, &bytes, &length));
  CHECK(length == strlen(expected) && memcmp(bytes, expected, length) == 0);
}

static void scalars(maas_node *node) {
  int64_t i = 0;
  float f = 0;
  const char *s = NULL;
  size_t length = 0;
  OK(maas_node_int(node, "i", &i));
  OK(maas_node_float(node, "f", &f));
  OK(maas_node_string(node, "s", &s, &length));
  CHECK(i == -7 && f == 0.5f && strcmp(s, "grüße") == 0 && length == strlen("grüße"));
  OK(maas_node_string(node, "s", &s, NULL));
  /* Wrong and absent ones leave the value. */
  FAILS(maas_node_int(node, "f", &i), MAAS_TYPE_MISMATCH, "expected int64, found float[]");
  FAILS(maas_node_int(node, "is", &i), MAAS_TYPE_MISMATCH, "found int64[3]");
  FAILS(maas_node_float(node, "i", &f), MAAS_TYPE_MISMATCH, "expected float");
  FAILS(maas_node_string(node, "t", &s, &length), MAAS_TYPE_MISMATCH, "expected string");
  FAILS(maas_node_int(node, "axis", &i), MAAS_NOT_FOUND, "the node has no attribute 'axis'");
  FAILS(maas_node_float(node, "", &f), MAAS_NOT_FOUND, "no attribute ''");
  FAILS(maas_node_string(node, "S", &s, NULL), MAAS_NOT_FOUND, "no attribute 'S'");
  CHECK(i == -7 && f == 0.5f && strcmp(s, "grüße") == 0);
}

static void all_attributes(maas_node *node) {
  CHECK(*(const int64_t *)attribute(node, "i", MAAS_DTYPE_INT64, 0, 1) == -7);
  CHECK(*(const float *)attribute(node, "f", MAAS_DTYPE_FLOAT, 0, 1) == 0.5f);
  attribute(node, "s", MAAS_DTYPE_STRING, 0, 1);
  string_is(node, "s", 0, "grüße");
  const int64_t *ints = attribute(node, "is", MAAS_DTYPE_INT64, 1, 3);
  CHECK(ints[0] == 1 && ints[1] == -2 && ints[2] == 3);
  const float *f = attribute(node, "fs", MAAS_DTYPE_FLOAT, 1, 2);
  CHECK(f[0] == 0.5f && f[1] == 1.5f);
  attribute(node, "ss", MAAS_DTYPE_STRING, 1, 3);
  string_is(node, "ss", 0, "a");
  string_is(node, "ss", 1, "");
  string_is(node, "ss", 2, "bcd");
  const int32_t *t = attribute(node, "t", MAAS_DTYPE_INT32, 2, 2);
  CHECK(t[0] == 5 && t[1] == 6);
  const maas_tensor *none = untouched();
  FAILS(maas_node_attribute(node, "u", &none), MAAS_NOT_FOUND, "no attribute 'u'");
  CHECK(none == untouched());
  scalars(node);
}

static maas_status attributes_shape(void *context, maas_node *node) {
  static const int64_t one = 1;
  ((struct record *)context)->shapes++;
  all_attributes(node);
  return maas_node_set_shape(node, 0, MAAS_DTYPE_FLOAT, &one, NULL, 1);
}

static maas_status attributes_compute(void *context, maas_node *node) {
  ((struct record *)context)->computes++;
  all_attributes(node);
  return maas_node_set_output(node, 0, input_of(node, 0));
}

static void attributes_of_every_kind(void) {
  struct record record = {0};
  const int64_t one = 1;
  maas_session *session =
      open_custom("custom-attributes.onnx", "Attributes", attributes_shape, attributes_compute, &record);
  maas_tensor *y = answer(session, "y", &one, 1);
  CHECK(floats(y)[0] == numbers[0] && record.shapes > 0 && record.computes == 1);
  OK(maas_tensor_close(y));
  OK(maas_session_close(session));
}

/* What goes wrong */

static maas_status bad_shape(void *context, maas_node *node) {
  const struct record *record = context;
  static const int64_t shape[] = {2, 4}, impossible[] = {2, -2}, huge[] = {INT64_MAX, 4};
  const char *mode = record->mode;
  maas_tensor *output = untouched();
  if (strcmp(mode, "message") == 0)
    return maas_error_set(MAAS_SHAPE_MISMATCH, "x must have an odd rank");
  if (strcmp(mode, "status") == 0)
    return MAAS_OUT_OF_RANGE;
  if (strcmp(mode, "silent") == 0)
    return MAAS_OK;
  if (strcmp(mode, "unknown status") == 0)
    return (maas_status)4711;
  if (strcmp(mode, "dtype") == 0)
    return maas_node_set_shape(node, 0, (maas_dtype)77, shape, NULL, 2);
  if (strcmp(mode, "rank") == 0)
    return maas_node_set_shape(node, 0, MAAS_DTYPE_FLOAT, shape, NULL, 1000);
  if (strcmp(mode, "impossible") == 0)
    return maas_node_set_shape(node, 0, MAAS_DTYPE_FLOAT, impossible, NULL, 2);
  if (strcmp(mode, "huge") == 0)
    return maas_node_set_shape(node, 0, MAAS_DTYPE_FLOAT, huge, NULL, 2);
  if (strcmp(mode, "index") == 0)
    return maas_node_set_shape(node, 1, MAAS_DTYPE_FLOAT, shape, NULL, 2);
  if (strcmp(mode, "no shape") == 0)
    return maas_node_set_shape(node, 0, MAAS_DTYPE_FLOAT, NULL, NULL, 2);
  if (strcmp(mode, "output") == 0)
    return maas_node_output(node, 0, &output);
  return scale_shape(context, node);
}

static maas_status give(maas_node *node, maas_dtype dtype, const int64_t *shape) {
  maas_tensor *wrong = NULL;
  OK(maas_tensor_create(dtype, shape, 2, &wrong));
  maas_status status = maas_node_set_output(node, 0, wrong);
  OK(maas_tensor_close(wrong));
  return status;
}

static maas_status bad_compute(void *context, maas_node *node) {
  const struct record *record = context;
  static const int64_t other[] = {4, 2};
  const char *mode = record->mode;
  maas_tensor *output = untouched();
  if (strcmp(mode, "compute message") == 0)
    return maas_error_set(MAAS_OUT_OF_RANGE, "the numbers are too odd");
  if (strcmp(mode, "compute status") == 0)
    return MAAS_CANCELLED;
  if (strcmp(mode, "output shape") == 0)
    return give(node, MAAS_DTYPE_FLOAT, other);
  if (strcmp(mode, "output dtype") == 0)
    return give(node, MAAS_DTYPE_INT32, pair);
  if (strcmp(mode, "output index") == 0)
    return maas_node_output(node, 1, &output);
  if (strcmp(mode, "left out") == 0)
    return MAAS_OK;
  if (strcmp(mode, "too late") == 0)
    return maas_node_set_shape(node, 0, MAAS_DTYPE_FLOAT, pair, NULL, 2);
  return scale_compute(context, node);
}

struct failure {
  const char *mode;
  maas_status status;
  const char *word;
};

static void errors_of_shape(void) {
  static const struct failure failures[] = {
      {"message", MAAS_SHAPE_MISMATCH, "(Scale): x must have an odd rank"},
      {"status", MAAS_OUT_OF_RANGE, "(Scale): a value met during the run is outside"},
      {"silent", MAAS_INVALID_ARGUMENT, "(Scale): the operator's shape callback leaves out output 0"},
      {"unknown status", MAAS_INVALID_ARGUMENT, "(Scale): no status of this version"},
      {"dtype", MAAS_TYPE_MISMATCH, "(Scale): there is no such element type"},
      {"rank", MAAS_SHAPE_MISMATCH, "(Scale): rank 1000 or size 2 of output 0 is not possible"},
      {"impossible", MAAS_SHAPE_MISMATCH, "(Scale): rank 2 or size -2 of output 0 is not possible"},
      {"huge", MAAS_INVALID_MODEL, "the size of shape [9223372036854775807 or more, 4] is not possible"},
      {"index", MAAS_INVALID_ARGUMENT, "(Scale): there is no output with this index: expected less than 1"},
      {"no shape", MAAS_INVALID_ARGUMENT, "(Scale): the argument 'shape' must not be NULL"},
      {"output", MAAS_INVALID_ARGUMENT, "callbacks is called: expected shape, found compute"}};
  struct record record = {0};
  maas_operators *operators = operators_with("Scale", bad_shape, bad_compute, &record);
  maas_session_options *options = options_with(operators);
  for (size_t i = 0; i < COUNT(failures); i++) {
    maas_session *session = untouched();
    record.mode = failures[i].mode;
    FAILS(maas_session_open(fixture("custom-scale.onnx"), options, &session), failures[i].status,
          failures[i].word);
    CHECK(session == untouched() && strstr(maas_error_message(), "custom-scale.onnx: node '") != NULL);
  }
  OK(maas_session_options_close(options));
  OK(maas_operators_close(operators));
  CHECK(record.releases == 1);
}

static void errors_of_compute(void) {
  static const struct failure failures[] = {
      {"compute message", MAAS_OUT_OF_RANGE, "(Scale): the numbers are too odd"},
      {"compute status", MAAS_CANCELLED, "(Scale): the run was cancelled by the caller"},
      {"output shape", MAAS_SHAPE_MISMATCH, "callback said: expected float[2, 4], found float[4, 2]"},
      {"output dtype", MAAS_TYPE_MISMATCH, "callback said: expected float[2, 4], found int32[2, 4]"},
      {"output index", MAAS_INVALID_ARGUMENT, "(Scale): there is no output with this index"},
      {"left out", MAAS_INVALID_ARGUMENT, "(Scale): the operator's compute callback leaves out output 0"},
      {"too late", MAAS_INVALID_ARGUMENT, "callbacks is called: expected compute, found shape"}};
  struct record record = {.mode = ""};
  maas_session *session = open_custom("custom-scale.onnx", "Scale", bad_shape, bad_compute, &record);
  for (size_t i = 0; i < COUNT(failures); i++) {
    record.mode = failures[i].mode;
    FAILS(run_only(session, pair, 2), failures[i].status, failures[i].word);
    CHECK(strstr(maas_error_message(), "custom-scale.onnx: node '") != NULL);
    record.mode = "";
    maas_tensor *y = answer(session, "y", pair, 2);
    CHECK(floats(y)[1] == 10);
    OK(maas_tensor_close(y));
  }
  OK(maas_session_close(session));
  CHECK(record.releases == 1);
}

/* An operator that is a run of the session it is in. */

static maas_session *own_session;
static int depth, most;

static maas_status endless_compute(void *context, maas_node *node) {
  const maas_tensor *given[] = {input_of(node, 0)};
  const char *names[] = {"z"};
  maas_tensor *z = NULL;
  (void)context;
  depth++;
  most = depth > most ? depth : most;
  maas_status status = maas_session_run(own_session, NULL, NULL, given, 1, names, &z, 1);
  depth--;
  return status == MAAS_OK ? maas_tensor_close(z) : status;
}

static void endless_nesting(void) {
  struct record record = {0};
  own_session = open_custom("custom-scale.onnx", "Scale", scale_shape, endless_compute, &record);
  for (int i = 0; i < 2; i++) {
    most = 0;
    FAILS(run_only(own_session, pair, 2), MAAS_LIMIT_EXCEEDED,
          "callbacks of operators run one another without end: expected at most 16 inside one another");
    CHECK(most == 16 && depth == 0);
  }
  OK(maas_session_close(own_session));
}

static void missing_ones_are_named(void) {
  struct record record = {0};
  maas_session *session = untouched();
  FAILS(maas_session_open(fixture("custom-scale.onnx"), NULL, &session), MAAS_UNSUPPORTED,
        "(Scale): operator 'Scale' of test.ops, version 3, is not known; add it with maas_operators_add()");
  maas_operators *operators = operators_with("Scales", scale_shape, scale_compute, &record);
  maas_session_options *options = options_with(operators);
  FAILS(maas_session_open(fixture("custom-scale.onnx"), options, &session), MAAS_UNSUPPORTED,
        "did you mean 'Scales'?");
  /* The model has version 3 of the domain. What is added later counts for what is opened later. */
  OK(maas_operators_add(operators, "test.ops", "Scale", 4, bad_shape, scale_compute, NULL, &record));
  FAILS(maas_session_open(fixture("custom-scale.onnx"), options, &session), MAAS_UNSUPPORTED,
        "expected opset 4 or later, found opset 3");
  CHECK(session == untouched());
  OK(maas_operators_add(operators, "test.ops", "Scale", 1, bad_shape, scale_compute, NULL, &record));
  OK(maas_operators_add(operators, "test.ops", "Scale", 3, scale_shape, scale_compute, NULL, &record));
  OK(maas_operators_add(operators, "test.ops", "Scale", 2, bad_shape, scale_compute, NULL, &record));
  OK(maas_session_open(fixture("custom-scale.onnx"), options, &session));
  CHECK(record.shapes > 0);
  OK(maas_session_close(session));
  OK(maas_session_options_close(options));
  OK(maas_operators_close(operators));
}

static void refusals(void) {
  struct record record = {0};
  maas_operators *operators = NULL;
  OK(maas_operators_create(&operators));
#define ADD(domain, name, version, shape, compute)                                                           \
  maas_operators_add(operators, domain, name, version, shape, compute, count_release, &record)
  FAILS(ADD("", "Relu", 1, scale_shape, scale_compute), MAAS_INVALID_ARGUMENT, "cannot be added to ai.onnx");
  FAILS(ADD("ai.onnx", "Mine", 1, scale_shape, scale_compute), MAAS_INVALID_ARGUMENT,
        "found 'Mine' of 'ai.onnx', version 1");
  FAILS(ADD("d", "", 1, scale_shape, scale_compute), MAAS_INVALID_ARGUMENT, "an operator must have a name");
  FAILS(ADD("d", "Op", 0, scale_shape, scale_compute), MAAS_INVALID_ARGUMENT, "version 0");
  FAILS(ADD("d", "Op", INT64_MIN, scale_shape, scale_compute), MAAS_INVALID_ARGUMENT, "before version 1");
  OK(maas_operators_add(operators, "d", "Op", 2, scale_shape, scale_compute, NULL, NULL));
  OK(maas_operators_add(operators, "d", "Op", INT64_MAX, scale_shape, scale_compute, NULL, NULL));
  FAILS(ADD("d", "Op", 2, scale_shape, scale_compute), MAAS_INVALID_ARGUMENT,
        "version 2 of operator 'Op' of d was added before");
  REFUSES_NULL(ADD(NULL, "Op", 1, scale_shape, scale_compute), "domain");
  REFUSES_NULL(ADD("d", NULL, 1, scale_shape, scale_compute), "name");
  REFUSES_NULL(ADD("d", "Op", 1, NULL, scale_compute), "shape");
  REFUSES_NULL(ADD("d", "Op", 1, scale_shape, NULL), "compute");
  REFUSES_NULL(maas_operators_add(NULL, "d", "Op", 1, scale_shape, scale_compute, NULL, NULL), "operators");
  REFUSES_NULL(maas_operators_create(NULL), "operators");
  REFUSES_NULL(maas_session_options_set_operators(NULL, operators), "options");
  REFUSES_NULL(maas_node_input_count(NULL, NULL), "node");
  REFUSES_NULL(maas_node_attribute(NULL, "i", NULL), "node");
  OK(maas_operators_close(operators));
  CHECK(record.releases == 0);
}

static void messages(void) {
  CHECK(maas_error_set(MAAS_BUSY, "come back later") == MAAS_BUSY);
  CHECK(strcmp(maas_error_message(), "come back later") == 0);
  CHECK(maas_error_set(MAAS_IO_ERROR, NULL) == MAAS_IO_ERROR);
  CHECK(strcmp(maas_error_message(), "come back later") == 0);
  CHECK(maas_error_set(MAAS_OK, maas_error_message()) == MAAS_OK);
  CHECK(strcmp(maas_error_message(), "come back later") == 0);
  maas_error_set(MAAS_BUSY, "come\nback\x1b[K l\xc3\xa4ter\x7f");
  CHECK(strcmp(maas_error_message(), "come back [K l\xc3\xa4ter ") == 0);
}

int main(int argc, char **argv) {
  static const struct check checks[] = {
      {"attributes of every kind", attributes_of_every_kind},
      {"errors of shape callbacks", errors_of_shape},
      {"errors of compute callbacks", errors_of_compute},
      {"an operator that runs itself", endless_nesting},
      {"missing operators are named", missing_ones_are_named},
      {"what cannot be added", refusals},
      {"messages of callbacks", messages},
  };
  return run_checks(argc, argv, checks, COUNT(checks));
}
