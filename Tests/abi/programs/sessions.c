/* Sessions: made, run, profiled, closed. */
#include "check.h"

static const int64_t one_image[] = {1, 1, 8, 8}, ten_images[] = {10, 1, 8, 8};
static float pixels[10 * 64];

/* The ten images of digits, in order: the expected labels are 0 to 9. */
static maas_tensor *images(void) {
  size_t size = 0;
  unsigned char *file = fixture_bytes("all.npy", &size);
  CHECK(size == 128 + sizeof pixels);
  memcpy(pixels, file + 128, sizeof pixels);
  free(file);
  return borrowed(pixels, ten_images, 4);
}

static void expect_labels(const maas_tensor *tensor) {
  void *data = NULL;
  size_t bytes = 0;
  OK(maas_tensor_data(tensor, &data, &bytes));
  CHECK(bytes == 10 * sizeof(int64_t));
  for (int64_t i = 0; i < 10; i++)
    CHECK(((int64_t *)data)[i] == i);
}

static void by_index(void) {
  maas_session *session = open_session("digits.onnx");
  maas_tensor *input = images(), *outputs[] = {NULL, NULL};
  const maas_tensor *inputs[] = {input};
  OK(maas_session_run(session, NULL, NULL, inputs, 1, NULL, outputs, 2));
  const int64_t *shape = NULL;
  size_t rank = 0;
  OK(maas_tensor_shape(outputs[0], &shape, &rank));
  CHECK(rank == 2 && shape[0] == 10 && shape[1] == 10);
  expect_labels(outputs[1]);
  OK(maas_session_close(session));
  OK(maas_tensor_close(input));
  expect_labels(outputs[1]);
  OK(maas_tensor_close(outputs[0]));
  OK(maas_tensor_close(outputs[1]));
}

static void by_name(void) {
  maas_session *session = open_session("digits.onnx");
  maas_tensor *input = images(), *output = NULL;
  const maas_tensor *inputs[] = {input};
  const char *input_names[] = {"image"}, *output_names[] = {"label"};
  OK(maas_session_run(session, NULL, input_names, inputs, 1, output_names, &output, 1));
  expect_labels(output);
  OK(maas_tensor_close(output));
  OK(maas_tensor_close(input));
  OK(maas_session_close(session));
}

/* All ways to a session give the same answers. */
static void all_ways_to_open(void) {
  size_t size = 0;
  unsigned char *bytes = fixture_bytes("digits.onnx", &size);
  maas_model *model = open_model("digits.onnx");
  maas_session *sessions[3] = {NULL, NULL, NULL};
  OK(maas_session_create(model, NULL, &sessions[0]));
  OK(maas_session_open(fixture("digits.onnx"), NULL, &sessions[1]));
  OK(maas_session_open_memory(bytes, size, NULL, NULL, NULL, &sessions[2]));
  OK(maas_model_close(model));
  const char *names[] = {"label"};
  maas_tensor *input = images();
  const maas_tensor *inputs[] = {input};
  for (size_t i = 0; i < COUNT(sessions); i++) {
    maas_tensor *output = NULL;
    OK(maas_session_run(sessions[i], NULL, NULL, inputs, 1, names, &output, 1));
    expect_labels(output);
    OK(maas_tensor_close(output));
    OK(maas_session_close(sessions[i]));
  }
  OK(maas_tensor_close(input));
  free(bytes);
}

static void into_the_callers_memory(void) {
  maas_session *session = open_session("digits.onnx");
  int64_t labels[10] = {0};
  const int64_t shape[] = {10};
  const char *names[] = {"label"};
  maas_tensor *input = images(), *output = NULL, *given = NULL;
  const maas_tensor *inputs[] = {input};
  OK(maas_tensor_borrow(MAAS_DTYPE_INT64, shape, 1, labels, sizeof labels, NULL, NULL, &given));
  output = given;
  OK(maas_session_run(session, NULL, NULL, inputs, 1, names, &output, 1));
  CHECK(output == given && labels[9] == 9);
  OK(maas_tensor_close(given));
  OK(maas_tensor_close(input));
  OK(maas_session_close(session));
}

static void inputs_refused(void) {
  maas_session *session = open_session("digits.onnx");
  maas_tensor *good = images(), *wrong[3], *output = NULL;
  const int64_t flat[] = {8, 8}, wide[] = {1, 1, 8, 9};
  static float numbers[72];
  static double doubles[64];
  wrong[0] = borrowed(numbers, flat, 2);
  wrong[1] = borrowed(numbers, wide, 4);
  OK(maas_tensor_borrow(MAAS_DTYPE_DOUBLE, one_image, 4, doubles, sizeof doubles, NULL, NULL, &wrong[2]));
  const maas_tensor *goods[] = {good, good}, *rank[] = {wrong[0]}, *dim[] = {wrong[1]}, *type[] = {wrong[2]};
  const maas_tensor *null[] = {NULL};
  const char *unknown[] = {"imaeg"}, *twice[] = {"image", "image"}, *none[] = {NULL};
  FAILS(maas_session_run(session, NULL, NULL, rank, 1, NULL, &output, 1), MAAS_SHAPE_MISMATCH, "'image'");
  FAILS(maas_session_run(session, NULL, NULL, dim, 1, NULL, &output, 1), MAAS_SHAPE_MISMATCH, "9]");
  FAILS(maas_session_run(session, NULL, NULL, type, 1, NULL, &output, 1), MAAS_TYPE_MISMATCH, "double");
  FAILS(maas_session_run(session, NULL, unknown, goods, 1, NULL, &output, 1), MAAS_NOT_FOUND, "image");
  FAILS(maas_session_run(session, NULL, twice, goods, 2, NULL, &output, 1), MAAS_INVALID_ARGUMENT, "twice");
  FAILS(maas_session_run(session, NULL, NULL, goods, 2, NULL, &output, 1), MAAS_INVALID_ARGUMENT,
        "more inputs");
  FAILS(maas_session_run(session, NULL, NULL, goods, 0, NULL, &output, 1), MAAS_MISSING_INPUT, "'image'");
  FAILS(maas_session_run(session, NULL, NULL, NULL, 0, NULL, &output, 1), MAAS_MISSING_INPUT, "'image'");
  FAILS(maas_session_run(session, NULL, NULL, goods, SIZE_MAX, NULL, &output, 1), MAAS_INVALID_ARGUMENT,
        "input_count");
  REFUSES_NULL(maas_session_run(session, NULL, NULL, null, 1, NULL, &output, 1), "inputs[i]");
  REFUSES_NULL(maas_session_run(session, NULL, none, goods, 1, NULL, &output, 1), "input_names[i]");
  CHECK(output == NULL);
  for (size_t i = 0; i < COUNT(wrong); i++)
    OK(maas_tensor_close(wrong[i]));
  OK(maas_tensor_close(good));
  OK(maas_session_close(session));
}

static void outputs_refused(void) {
  maas_session *session = open_session("digits.onnx");
  maas_tensor *good = images(), *outputs[] = {NULL, NULL, NULL};
  const maas_tensor *inputs[] = {good};
  const char *unknown[] = {"labels"}, *twice[] = {"label", "label"}, *none[] = {NULL};
  FAILS(maas_session_run(session, NULL, NULL, inputs, 1, unknown, outputs, 1), MAAS_NOT_FOUND, "label");
  FAILS(maas_session_run(session, NULL, NULL, inputs, 1, twice, outputs, 2), MAAS_INVALID_ARGUMENT, "twice");
  FAILS(maas_session_run(session, NULL, NULL, inputs, 1, NULL, outputs, 3), MAAS_NOT_FOUND, "output");
  FAILS(maas_session_run(session, NULL, NULL, inputs, 1, NULL, outputs, SIZE_MAX), MAAS_INVALID_ARGUMENT,
        "output_count");
  REFUSES_NULL(maas_session_run(session, NULL, NULL, inputs, 1, none, outputs, 1), "output_names[i]");
  REFUSES_NULL(maas_session_run(session, NULL, NULL, inputs, 1, NULL, NULL, 1), "outputs");
  CHECK(outputs[0] == NULL && outputs[1] == NULL && outputs[2] == NULL);

  const int64_t short_shape[] = {9, 10};
  maas_tensor *type = NULL, *shape = NULL;
  OK(maas_tensor_create(MAAS_DTYPE_INT32, ten_images, 1, &type));
  OK(maas_tensor_create(MAAS_DTYPE_FLOAT, short_shape, 2, &shape));
  outputs[1] = type;
  FAILS(maas_session_run(session, NULL, NULL, inputs, 1, NULL, outputs, 2), MAAS_TYPE_MISMATCH, "'label'");
  CHECK(outputs[0] == NULL && outputs[1] == type);
  outputs[0] = shape;
  FAILS(maas_session_run(session, NULL, NULL, inputs, 1, NULL, outputs, 1), MAAS_SHAPE_MISMATCH,
        "'probabilities'");
  CHECK(outputs[0] == shape);
  OK(maas_tensor_close(type));
  OK(maas_tensor_close(shape));
  OK(maas_tensor_close(good));
  OK(maas_session_close(session));
}

/* Without outputs only the inputs are checked. */
static void no_outputs(void) {
  maas_session *session = open_session("digits.onnx");
  maas_tensor *good = images();
  const maas_tensor *inputs[] = {good};
  OK(maas_session_run(session, NULL, NULL, inputs, 1, NULL, NULL, 0));
  FAILS(maas_session_run(session, NULL, NULL, inputs, 0, NULL, NULL, 0), MAAS_MISSING_INPUT, "'image'");
  OK(maas_tensor_close(good));
  OK(maas_session_close(session));
}

static void a_failure_changes_nothing(void) {
  maas_session *session = open_session("digits.onnx");
  maas_tensor *good = images(), *output = NULL;
  const maas_tensor *inputs[] = {good};
  const char *label[] = {"label"}, *unknown[] = {"x"};
  for (int i = 0; i < 3; i++) {
    FAILS(maas_session_run(session, NULL, unknown, inputs, 1, label, &output, 1), MAAS_NOT_FOUND, "'x'");
    OK(maas_session_run(session, NULL, NULL, inputs, 1, label, &output, 1));
    expect_labels(output);
    OK(maas_tensor_close(output));
    output = NULL;
  }
  OK(maas_tensor_close(good));
  OK(maas_session_close(session));
}

static int64_t statistic(const maas_session *session, maas_statistic which) {
  int64_t value = -1;
  OK(maas_session_statistic(session, which, &value));
  return value;
}

static void statistics(void) {
  maas_session *session = open_session("digits.onnx");
  maas_tensor *good = images(), *output = NULL;
  const maas_tensor *inputs[] = {good};
  int64_t value = -7;
  CHECK(statistic(session, MAAS_STATISTIC_RUNS) == 0);
  OK(maas_session_run(session, NULL, NULL, inputs, 1, NULL, &output, 1));
  CHECK(statistic(session, MAAS_STATISTIC_RUNS) == 1);
  CHECK(statistic(session, MAAS_STATISTIC_STEPS) > 0);
  CHECK(statistic(session, MAAS_STATISTIC_ARENA_BYTES) > 0);
  CHECK(statistic(session, MAAS_STATISTIC_PACKED_BYTES) > 0);
  CHECK(statistic(session, MAAS_STATISTIC_PLANS) > 0);
  CHECK(statistic(session, MAAS_STATISTIC_ALLOCATIONS) == 1);
  FAILS(maas_session_statistic(session, (maas_statistic)6, &value), MAAS_INVALID_ARGUMENT, "statistic");
  FAILS(maas_session_statistic(session, (maas_statistic)-1, &value), MAAS_INVALID_ARGUMENT, "statistic");
  REFUSES_NULL(maas_session_statistic(NULL, MAAS_STATISTIC_RUNS, &value), "session");
  REFUSES_NULL(maas_session_statistic(session, MAAS_STATISTIC_RUNS, NULL), "value");
  CHECK(value == -7);
  OK(maas_tensor_close(output));
  OK(maas_tensor_close(good));
  OK(maas_session_close(session));
}

static int occurrences(const char *text, const char *word) {
  int count = 0;
  for (; (text = strstr(text, word)) != NULL; text++)
    count++;
  return count;
}

static void profiles(void) {
  maas_session *session = open_session("digits.onnx");
  maas_tensor *good = images(), *output = NULL;
  const maas_tensor *inputs[] = {good};
  char *text = untouched();
  FAILS(maas_session_profile_stop(session, NULL, &text), MAAS_NOT_READY, "profile");
  CHECK(text == untouched());
  OK(maas_session_profile_start(session));
  FAILS(maas_session_profile_start(session), MAAS_BUSY, "profile");
  for (int i = 0; i < 2; i++)
    OK(maas_session_run(session, NULL, NULL, inputs, 1, NULL, &output, 1));
  OK(maas_tensor_close(output));

  /* A recording that cannot be written is not lost. */
  FAILS(maas_session_profile_stop(session, "/no/such/folder/trace.json", &text), MAAS_IO_ERROR, "trace.json");
  CHECK(text == untouched());
  FAILS(maas_session_profile_start(session), MAAS_BUSY, "profile");
  OK(maas_session_profile_stop(session, NULL, &text));
  CHECK(strstr(text, "\"traceEvents\"") != NULL && strstr(text, "\"node\":\"conv1\"") != NULL);
  CHECK(occurrences(text, "\"args\":") == 2 * (int)statistic(session, MAAS_STATISTIC_STEPS));
  maas_text_free(text);
  FAILS(maas_session_profile_stop(session, NULL, NULL), MAAS_NOT_READY, "profile");
  OK(maas_session_profile_start(session));
  OK(maas_session_profile_stop(session, NULL, NULL));
  REFUSES_NULL(maas_session_profile_start(NULL), "session");
  REFUSES_NULL(maas_session_profile_stop(NULL, NULL, NULL), "session");
  OK(maas_tensor_close(good));
  OK(maas_session_close(session));
}

static void null_arguments(void) {
  maas_model *model = open_model("five.onnx");
  maas_session *session = untouched();
  maas_tensor *output = NULL;
  REFUSES_NULL(maas_session_create(NULL, NULL, &session), "model");
  REFUSES_NULL(maas_session_create(model, NULL, NULL), "session");
  REFUSES_NULL(maas_session_open(NULL, NULL, &session), "path");
  REFUSES_NULL(maas_session_open(fixture("five.onnx"), NULL, NULL), "session");
  REFUSES_NULL(maas_session_open_memory(NULL, 3, NULL, NULL, NULL, &session), "bytes");
  REFUSES_NULL(maas_session_open_memory("abc", 3, NULL, NULL, NULL, NULL), "session");
  REFUSES_NULL(maas_session_run(NULL, NULL, NULL, NULL, 0, NULL, &output, 1), "session");
  FAILS(maas_session_open("/no/such.onnx", NULL, &session), MAAS_NOT_FOUND, "/no/such.onnx");
  FAILS(maas_session_open_memory("abc", 3, NULL, NULL, NULL, &session), MAAS_INVALID_MODEL, "");
  CHECK(session == untouched() && output == NULL);
  OK(maas_session_create(model, NULL, &session));
  maas_model *again = untouched();
  REFUSES_NULL(maas_session_run(session, NULL, NULL, NULL, 1, NULL, &output, 1), "inputs");
  REFUSES_NULL(maas_session_model(NULL, &again), "session");
  REFUSES_NULL(maas_session_model(session, NULL), "model");
  CHECK(again == untouched() && output == NULL);
  OK(maas_session_close(NULL));
  OK(maas_session_close(session));
  OK(maas_model_close(model));
}

/* Handles keep what they need, in whatever order they are closed. */
static void closing_in_any_order(void) {
  for (int order = 0; order < 24; order++) {
    maas_model *model = open_model("digits.onnx"), *again = NULL;
    maas_session *session = NULL;
    maas_binding *binding = NULL;
    OK(maas_session_create(model, NULL, &session));
    OK(maas_session_model(session, &again));
    OK(maas_binding_create(session, &binding));
    int left[] = {0, 1, 2, 3}, digits = order;
    for (int count = 4; count > 0; count--) {
      int pick = digits % count;
      digits /= count;
      switch (left[pick]) {
      case 0:
        OK(maas_model_close(model));
        break;
      case 1:
        OK(maas_model_close(again));
        break;
      case 2:
        OK(maas_session_close(session));
        break;
      default: {
        maas_tensor *input = images(), *output = NULL;
        OK(maas_binding_set_input(binding, "image", input));
        OK(maas_tensor_close(input));
        OK(maas_binding_run(binding, NULL));
        OK(maas_binding_output(binding, "label", &output));
        OK(maas_binding_close(binding));
        expect_labels(output);
        OK(maas_tensor_close(output));
      }
      }
      left[pick] = left[count - 1];
    }
  }
}

/* A session's model can say what it is when the handle it was made from is gone. */
static void models_of_sessions(void) {
  maas_session *session = open_session("described.onnx");
  maas_model *model = NULL;
  const char *text = NULL;
  OK(maas_session_model(session, &model));
  OK(maas_session_close(session));
  OK(maas_model_text(model, MAAS_MODEL_PRODUCER_NAME, &text));
  CHECK(strcmp(text, "abi-tests") == 0);
  OK(maas_model_close(model));
}

int main(int argc, char **argv) {
  static const struct check checks[] = {{"run by index", by_index},
                                        {"run by name", by_name},
                                        {"all ways to open", all_ways_to_open},
                                        {"run into the caller's memory", into_the_callers_memory},
                                        {"refused inputs", inputs_refused},
                                        {"refused outputs", outputs_refused},
                                        {"run without outputs", no_outputs},
                                        {"a failed run changes nothing", a_failure_changes_nothing},
                                        {"statistics", statistics},
                                        {"profiles", profiles},
                                        {"sessions and NULL", null_arguments},
                                        {"closing in any order", closing_in_any_order},
                                        {"models of sessions", models_of_sessions}};
  return run_checks(argc, argv, checks, COUNT(checks));
}
