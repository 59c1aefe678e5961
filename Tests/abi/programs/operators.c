/* Operators of the caller's own: where they run, and how long they live. */
#include "operators.h"
#include <pthread.h>

static void in_the_plan(void) {
  struct record record = {0};
  maas_session *session = open_custom("custom-scale.onnx", "Scale", scale_shape, scale_compute, &record);
  /* While the model was opened, its first dimension was open, and the result has the same. */
  CHECK(record.saw_open && strcmp(record.symbols[0], "N") == 0 && record.computes == 0);
  maas_model *model = NULL;
  const maas_value_info *z = NULL;
  const char *symbol = NULL;
  OK(maas_session_model(session, &model));
  OK(maas_model_output(model, 1, &z));
  OK(maas_value_info_dim(z, 0, NULL, &symbol));
  CHECK(symbol != NULL && strcmp(symbol, "N") == 0);
  OK(maas_model_close(model));

  for (int run = 1; run <= 3; run++) {
    maas_tensor *y = answer(session, "y", pair, 2);
    for (size_t i = 0; i < 8; i++)
      CHECK(floats(y)[i] == 2 * 2.5f * relu(numbers[i]));
    OK(maas_tensor_close(y));
    CHECK(record.computes == run && record.sizes[0] == 2 && record.sizes[1] == 4);
  }
  int shapes = record.shapes;
  maas_tensor *z_only = answer(session, "z", (const int64_t[]){1, 4}, 2);
  CHECK(floats(z_only)[3] == 10 && record.sizes[0] == 1 && record.shapes > shapes);
  OK(maas_tensor_close(z_only));
  int64_t plans = 0;
  OK(maas_session_statistic(session, MAAS_STATISTIC_PLANS, &plans));
  /* The third was made with the session, for one row. */
  CHECK(plans == 3 && record.releases == 0);
  OK(maas_session_close(session));
  CHECK(record.releases == 1);
}

/* Runs of a body, with the operator a step of the body's plan. */
static void in_a_loop(void) {
  struct record record = {0};
  maas_session *session = open_custom("custom-loop.onnx", "Scale", scale_shape, scale_compute, &record);
  int64_t trips = 3;
  maas_tensor *x = borrowed(numbers, pair, 2), *count = NULL, *y = NULL;
  OK(maas_tensor_borrow(MAAS_DTYPE_INT64, NULL, 0, &trips, sizeof trips, NULL, NULL, &count));
  const maas_tensor *given[] = {x, count};
  OK(maas_session_run(session, NULL, NULL, given, 2, NULL, &y, 1));
  for (size_t i = 0; i < 8; i++)
    CHECK(floats(y)[i] == 27 * numbers[i]);
  CHECK(record.computes == 3);
  OK(maas_tensor_close(x));
  OK(maas_tensor_close(y));
  OK(maas_tensor_close(count));
  OK(maas_session_close(session));
}

/* A function of the model's gives way to an operator of the caller's. */
static void before_a_function(void) {
  struct record record = {0};
  maas_session *session = open_session("custom-function.onnx");
  maas_tensor *y = answer(session, "y", pair, 2);
  CHECK(floats(y)[1] == -2);
  OK(maas_tensor_close(y));
  OK(maas_session_close(session));
  session = open_custom("custom-function.onnx", "Scale", scale_shape, scale_compute, &record);
  y = answer(session, "y", pair, 2);
  CHECK(floats(y)[1] == 4 && record.computes == 1);
  OK(maas_tensor_close(y));
  OK(maas_session_close(session));
}

static void lifetimes(void) {
  struct record record = {0};
  maas_operators *operators = operators_with("Scale", scale_shape, scale_compute, &record);
  maas_session_options *options = options_with(operators);
  maas_model *model = NULL;
  maas_session *sessions[2] = {NULL, NULL};
  OK(maas_model_open(fixture("custom-scale.onnx"), options, &model));
  OK(maas_session_create(model, NULL, &sessions[0]));
  OK(maas_model_close(model));
  OK(maas_session_open(fixture("custom-scale.onnx"), options, &sessions[1]));
  /* Options may forget their operators. */
  OK(maas_session_options_set_operators(options, NULL));
  maas_session *none = NULL;
  FAILS(maas_session_open(fixture("custom-scale.onnx"), options, &none), MAAS_UNSUPPORTED, "Scale");
  OK(maas_session_options_close(options));
  OK(maas_operators_close(operators));
  OK(maas_operators_close(NULL));
  for (int i = 0; i < 2; i++) {
    maas_tensor *y = answer(sessions[i], "y", pair, 2);
    CHECK(floats(y)[7] == 0 && floats(y)[6] == 35 && record.releases == 0);
    OK(maas_tensor_close(y));
    OK(maas_session_close(sessions[i]));
  }
  CHECK(record.releases == 1);
}

/* Positives: the elements above zero, and their number */

static maas_status positives_shape(void *context, maas_node *node) {
  static const int64_t open[] = {-1};
  ((struct record *)context)->shapes++;
  const char *symbols[] = {"found"};
  OK(maas_node_set_shape(node, 0, MAAS_DTYPE_FLOAT, open, symbols, 1));
  OK(maas_node_set_shape(node, 1, MAAS_DTYPE_INT64, NULL, NULL, 0));
  return MAAS_OK;
}

static maas_status positives_compute(void *context, maas_node *node) {
  struct record *record = context;
  const maas_tensor *input = input_of(node, 0);
  float found[8];
  int64_t count = 0;
  for (size_t i = 0; i < elements_of(input); i++)
    if (floats(input)[i] > 0)
      found[count++] = floats(input)[i];
  record->computes++;
  if (strcmp(record->mode, "not given") == 0)
    return MAAS_OK;
  maas_tensor *output = NULL, *place = untouched();
  OK(maas_tensor_copy(MAAS_DTYPE_FLOAT, &count, 1, found, sizeof found, &output));
  OK(maas_node_output(node, 0, &place));
  CHECK(place == NULL);
  OK(maas_node_set_output(node, 0, output));
  OK(maas_tensor_close(output));
  OK(maas_node_output(node, 1, &place));
  void *data = NULL;
  OK(maas_tensor_data(place, &data, NULL));
  *(int64_t *)data = count;
  return MAAS_OK;
}

static void shape_of_the_data(void) {
  struct record record = {.mode = ""};
  maas_session *session =
      open_custom("custom-positives.onnx", "Positives", positives_shape, positives_compute, &record);
  for (int64_t size = 0; size <= 8; size++) {
    maas_tensor *y = answer(session, "y", &size, 1);
    size_t at = 0;
    for (int64_t i = 0; i < size; i++)
      if (numbers[i] > 0)
        CHECK(floats(y)[at++] == numbers[i] * numbers[i]);
    CHECK(elements_of(y) == at);
    OK(maas_tensor_close(y));
    maas_tensor *count = answer(session, "count", &size, 1);
    void *data = NULL;
    OK(maas_tensor_data(count, &data, NULL));
    CHECK(*(int64_t *)data == (int64_t)at);
    OK(maas_tensor_close(count));
  }
  record.mode = "not given";
  const int64_t two = 2;
  FAILS(run_only(session, &two, 1), MAAS_INVALID_ARGUMENT,
        "(Positives): the operator's compute callback leaves out output 0");
  OK(maas_session_close(session));
  CHECK(record.releases == 1);
}

/* Reversed: strings in, strings out */

static maas_status reversed_shape(void *context, maas_node *node) {
  static const int64_t open = -1;
  ((struct record *)context)->shapes++;
  return maas_node_set_shape(node, 0, MAAS_DTYPE_STRING, &open, NULL, 1);
}

static maas_status reversed_compute(void *context, maas_node *node) {
  const maas_tensor *words = input_of(node, 0);
  const char *texts[2];
  size_t lengths[2];
  const int64_t two = 2;
  maas_tensor *result = NULL;
  ((struct record *)context)->computes++;
  for (size_t i = 0; i < 2; i++)
    OK(maas_tensor_string(words, 1 - i, &texts[i], &lengths[i]));
  OK(maas_tensor_create_strings(&two, 1, texts, lengths, 2, &result));
  OK(maas_node_set_output(node, 0, result));
  return maas_tensor_close(result);
}

static void strings(void) {
  struct record record = {0};
  maas_session *session =
      open_custom("custom-strings.onnx", "Reversed", reversed_shape, reversed_compute, &record);
  const char *texts[] = {"first", "the second word"}, *bytes = NULL;
  const int64_t two = 2;
  size_t length = 0;
  maas_tensor *words = NULL, *result = NULL;
  OK(maas_tensor_create_strings(&two, 1, texts, NULL, 2, &words));
  const maas_tensor *given[] = {words};
  OK(maas_session_run(session, NULL, NULL, given, 1, NULL, &result, 1));
  OK(maas_tensor_close(words));
  OK(maas_session_close(session));
  OK(maas_tensor_string(result, 0, &bytes, &length));
  CHECK(length == 15 && memcmp(bytes, "the second word", length) == 0);
  OK(maas_tensor_string(result, 1, &bytes, &length));
  CHECK(length == 5 && memcmp(bytes, "first", length) == 0);
  OK(maas_tensor_close(result));
}

/* LeftOut: output 1 is input 2; input 1 and output 0 are not there */

static maas_status left_out_shape(void *context, maas_node *node) {
  static const int64_t two = 2;
  size_t inputs = 0, outputs = 0;
  const char *name = NULL;
  OK(maas_node_input_count(node, &inputs));
  OK(maas_node_output_count(node, &outputs));
  CHECK(inputs == 3 && outputs == 2 && info_of(node, 1) == NULL && input_of(node, 1) == NULL);
  OK(maas_value_info_name(info_of(node, 0), &name));
  CHECK(strcmp(name, "") == 0);
  ((struct record *)context)->shapes++;
  OK(maas_node_set_shape(node, 0, MAAS_DTYPE_FLOAT, &two, NULL, 1));
  return maas_node_set_shape(node, 1, MAAS_DTYPE_FLOAT, &two, NULL, 1);
}

static maas_status left_out_compute(void *context, maas_node *node) {
  const maas_value_info *info = untouched();
  const maas_tensor *input = untouched();
  CHECK(input_of(node, 1) == NULL && info_of(node, 1) == NULL && info_of(node, 2) != NULL);
  FAILS(maas_node_input(node, 3, &input), MAAS_INVALID_ARGUMENT, "no input with this index");
  FAILS(maas_node_input_info(node, SIZE_MAX, &info), MAAS_INVALID_ARGUMENT, "no input with this index");
  CHECK(input == untouched() && info == untouched());
  ((struct record *)context)->computes++;
  return maas_node_set_output(node, 1, input_of(node, 2));
}

static void inputs_left_out(void) {
  struct record record = {0};
  const int64_t two = 2;
  maas_session *session =
      open_custom("custom-left-out.onnx", "LeftOut", left_out_shape, left_out_compute, &record);
  maas_tensor *y = answer(session, "y", &two, 1);
  CHECK(floats(y)[0] == -1 && floats(y)[1] == 2 && record.computes == 1);
  OK(maas_tensor_close(y));
  OK(maas_session_close(session));
}

/* Threads */

enum { threads = 4, rounds = 200 };

static void *work(void *context) {
  maas_session *session = context;
  for (int i = 0; i < rounds; i++) {
    const int64_t shape[] = {1 + i % 2, 4};
    maas_tensor *y = answer(session, "y", shape, 2);
    for (size_t j = 0; j < elements_of(y); j++)
      CHECK(floats(y)[j] == 5 * relu(numbers[j]));
    OK(maas_tensor_close(y));
  }
  return NULL;
}

/* A shape callback that keeps no record, so that threads may share it. */
static maas_status same_shape(void *context, maas_node *node) {
  const maas_value_info *x = info_of(node, 0);
  int64_t sizes[2];
  const char *symbols[2];
  (void)context;
  for (size_t axis = 0; axis < 2; axis++)
    OK(maas_value_info_dim(x, axis, &sizes[axis], &symbols[axis]));
  return maas_node_set_shape(node, 0, MAAS_DTYPE_FLOAT, sizes, symbols, 2);
}

static void many_threads_and_sessions(void) {
  struct record record = {0};
  maas_operators *operators = operators_with("Scale", same_shape, scale_compute, &record);
  maas_session_options *options = options_with(operators);
  maas_session *sessions[2];
  pthread_t started[threads];
  for (int i = 0; i < 2; i++)
    OK(maas_session_open(fixture("custom-scale.onnx"), options, &sessions[i]));
  OK(maas_session_options_close(options));
  OK(maas_operators_close(operators));
  for (int i = 0; i < threads; i++)
    CHECK(pthread_create(&started[i], NULL, work, sessions[i % 2]) == 0);
  for (int i = 0; i < threads; i++)
    CHECK(pthread_join(started[i], NULL) == 0);
  CHECK(record.computes == threads * rounds);
  for (int i = 0; i < 2; i++)
    OK(maas_session_close(sessions[i]));
  CHECK(record.releases == 1);
}

int main(int argc, char **argv) {
  static const struct check checks[] = {
      {"an operator is a step of the plan", in_the_plan},
      {"an operator in a loop", in_a_loop},
      {"an operator goes before a function", before_a_function},
      {"operators live as long as sessions", lifetimes},
      {"a shape of the data", shape_of_the_data},
      {"strings in and out", strings},
      {"inputs and outputs left out", inputs_left_out},
      {"many threads and sessions", many_threads_and_sessions},
  };
  return run_checks(argc, argv, checks, COUNT(checks));
}
