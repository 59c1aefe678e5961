/* Bindings: what stays bound over many runs. */
#include "check.h"

static const int64_t one_row[] = {1, 16}, three_rows[] = {3, 16}, row_result[] = {1, 10},
                     three_results[] = {3, 10};
static float x[3 * 16], expected[3 * 10];

static maas_session *five(void) {
  fill(x, COUNT(x));
  return open_session("five.onnx");
}

static maas_binding *bound(maas_session *session) {
  maas_binding *binding = NULL;
  OK(maas_binding_create(session, &binding));
  OK(maas_binding_set_input_buffer(binding, "x", MAAS_DTYPE_FLOAT, one_row, 2, x, sizeof x));
  return binding;
}

/* What maas_session_run() answers for all three rows. */
static void run_unbound(maas_session *session) {
  maas_tensor *input = borrowed(x, three_rows, 2), *output = borrowed(expected, three_results, 2);
  const maas_tensor *inputs[] = {input};
  OK(maas_session_run(session, NULL, NULL, inputs, 1, NULL, &output, 1));
  OK(maas_tensor_close(output));
  OK(maas_tensor_close(input));
}

/* Softmax: positive, and of sum 1. */
static int is_distribution(const float *numbers) {
  float sum = 0;
  for (int i = 0; i < 10; i++) {
    if (!(numbers[i] > 0))
      return 0;
    sum += numbers[i];
  }
  return sum > 0.9999f && sum < 1.0001f;
}

/* Another number of rows may take another kernel, which adds in another order. */
static int is_close(const float *a, const float *b, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!(a[i] - b[i] < 1e-5f && b[i] - a[i] < 1e-5f))
      return 0;
  return 1;
}

static void each_run_reads_the_input(void) {
  maas_session *session = five();
  maas_binding *binding = NULL;
  float input[16], output[10];
  OK(maas_binding_create(session, &binding));
  OK(maas_binding_set_input_buffer(binding, "x", MAAS_DTYPE_FLOAT, one_row, 2, input, sizeof input));
  OK(maas_binding_set_output_buffer(binding, "y", output, sizeof output));
  run_unbound(session);
  for (int i = 0; i < 3; i++) {
    memcpy(input, x + 16 * i, sizeof input);
    OK(maas_binding_run(binding, NULL));
    CHECK(is_distribution(output));
    CHECK(is_close(output, expected + 10 * i, 10));
  }
  OK(maas_binding_close(binding));
  OK(maas_session_close(session));
}

static void outputs_of_maas(void) {
  maas_session *session = five();
  maas_binding *binding = bound(session);
  maas_tensor *output = untouched(), *again = NULL;
  FAILS(maas_binding_output(binding, "y", &output), MAAS_NOT_READY, "'y'");
  CHECK(output == untouched());
  OK(maas_binding_run(binding, NULL));
  OK(maas_binding_output(binding, "y", &output));
  CHECK(is_distribution(floats(output)));
  OK(maas_binding_run(binding, NULL));
  OK(maas_binding_output(binding, "y", &again));
  CHECK(floats(again) == floats(output));
  OK(maas_binding_close(binding));
  OK(maas_session_close(session));
  CHECK(is_distribution(floats(output)));
  OK(maas_tensor_close(output));
  OK(maas_tensor_close(again));
}

static void tensors_as_outputs(void) {
  maas_session *session = five();
  maas_binding *binding = bound(session);
  float result[10] = {0};
  maas_tensor *tensor = borrowed(result, row_result, 2);
  OK(maas_binding_set_output(binding, "y", tensor));
  OK(maas_tensor_close(tensor));
  OK(maas_binding_run(binding, NULL));
  CHECK(is_distribution(result));
  OK(maas_binding_close(binding));
  OK(maas_session_close(session));
}

/* After memory was given back to the caller maas does not write there any more. */
static void outputs_given_back(void) {
  for (int by_tensor = 0; by_tensor < 2; by_tensor++) {
    maas_session *session = five();
    maas_binding *binding = bound(session);
    float result[10];
    if (by_tensor) {
      maas_tensor *tensor = borrowed(result, row_result, 2);
      OK(maas_binding_set_output(binding, "y", tensor));
      OK(maas_tensor_close(tensor));
    } else {
      OK(maas_binding_set_output_buffer(binding, "y", result, sizeof result));
    }
    OK(maas_binding_run(binding, NULL));
    CHECK(is_distribution(result));
    OK(by_tensor ? maas_binding_set_output(binding, "y", NULL) : maas_binding_clear_outputs(binding));
    memset(result, 0, sizeof result);
    OK(maas_binding_run(binding, NULL));
    CHECK(result[0] == 0);
    maas_tensor *output = NULL;
    OK(maas_binding_output(binding, "y", &output));
    CHECK(floats(output) != result && is_distribution(floats(output)));
    OK(maas_tensor_close(output));
    OK(maas_binding_close(binding));
    OK(maas_session_close(session));
  }
}

/* A buffer takes outputs of every shape that fits. */
static void other_shapes(void) {
  maas_session *session = five();
  maas_binding *binding = bound(session);
  float result[30];
  run_unbound(session);
  OK(maas_binding_set_output_buffer(binding, "y", result, sizeof result));
  OK(maas_binding_run(binding, NULL));
  OK(maas_binding_set_input_buffer(binding, "x", MAAS_DTYPE_FLOAT, three_rows, 2, x, sizeof x));
  OK(maas_binding_run(binding, NULL));
  CHECK(memcmp(result, expected, sizeof result) == 0);
  maas_tensor *output = NULL;
  const int64_t *shape = NULL;
  OK(maas_binding_output(binding, "y", &output));
  OK(maas_tensor_shape(output, &shape, NULL));
  CHECK(shape[0] == 3 && shape[1] == 10);
  OK(maas_tensor_close(output));

  OK(maas_binding_set_output_buffer(binding, "y", result, sizeof result - 1));
  FAILS(maas_binding_run(binding, NULL), MAAS_BUFFER_TOO_SMALL, "120 bytes");
  OK(maas_binding_set_output_buffer(binding, "y", result, sizeof result));
  OK(maas_binding_run(binding, NULL));
  OK(maas_binding_close(binding));
  OK(maas_session_close(session));
}

static void inputs_refused(void) {
  maas_session *session = five();
  maas_binding *binding = bound(session);
  const int64_t wide[] = {1, 17}, flat[] = {16};
  double doubles[16] = {0};
  maas_tensor *wrong = borrowed(x, wide, 2);
  FAILS(maas_binding_set_input(binding, "x", wrong), MAAS_SHAPE_MISMATCH, "17]");
  FAILS(maas_binding_set_input(binding, "y", wrong), MAAS_NOT_FOUND, "'x'");
  FAILS(maas_binding_set_input_buffer(binding, "x", MAAS_DTYPE_FLOAT, flat, 1, x, sizeof x),
        MAAS_SHAPE_MISMATCH, "[16]");
  FAILS(maas_binding_set_input_buffer(binding, "x", MAAS_DTYPE_DOUBLE, one_row, 2, doubles, sizeof doubles),
        MAAS_TYPE_MISMATCH, "double");
  FAILS(maas_binding_set_input_buffer(binding, "x", MAAS_DTYPE_FLOAT, one_row, 2, x, 63),
        MAAS_BUFFER_TOO_SMALL, "64 bytes");
  FAILS(maas_binding_set_input_buffer(binding, "x", MAAS_DTYPE_FLOAT, one_row, 2, (char *)x + 2, 64),
        MAAS_INVALID_ARGUMENT, "aligned");
  FAILS(maas_binding_set_input_buffer(binding, "z", MAAS_DTYPE_FLOAT, one_row, 2, x, sizeof x),
        MAAS_NOT_FOUND, "'x'");
  OK(maas_binding_run(binding, NULL));
  OK(maas_binding_clear_inputs(binding));
  FAILS(maas_binding_run(binding, NULL), MAAS_MISSING_INPUT, "'x'");
  OK(maas_tensor_close(wrong));
  OK(maas_binding_close(binding));
  OK(maas_session_close(session));
}

static void outputs_refused(void) {
  maas_session *session = five();
  maas_binding *binding = bound(session);
  const int64_t eleven[] = {1, 11};
  maas_tensor *shape = NULL, *type = NULL, *rows = NULL, *output = untouched();
  OK(maas_tensor_create(MAAS_DTYPE_FLOAT, eleven, 2, &shape));
  OK(maas_tensor_create(MAAS_DTYPE_INT32, row_result, 2, &type));
  OK(maas_tensor_create(MAAS_DTYPE_FLOAT, three_results, 2, &rows));
  FAILS(maas_binding_set_output(binding, "y", shape), MAAS_SHAPE_MISMATCH, "11]");
  FAILS(maas_binding_set_output(binding, "y", type), MAAS_TYPE_MISMATCH, "int32");
  FAILS(maas_binding_set_output(binding, "x", rows), MAAS_NOT_FOUND, "'y'");
  FAILS(maas_binding_set_output_buffer(binding, "z", x, sizeof x), MAAS_NOT_FOUND, "'y'");
  OK(maas_binding_run(binding, NULL));
  /* Only the run tells how many rows there are. */
  OK(maas_binding_set_output(binding, "y", rows));
  FAILS(maas_binding_run(binding, NULL), MAAS_SHAPE_MISMATCH, "'y'");
  FAILS(maas_binding_output(binding, "z", &output), MAAS_NOT_FOUND, "'y'");
  CHECK(output == untouched());
  OK(maas_tensor_close(shape));
  OK(maas_tensor_close(type));
  OK(maas_tensor_close(rows));
  OK(maas_binding_close(binding));
  OK(maas_session_close(session));
}

/* A run that fails gives no output. */
static void no_output_of_a_failed_run(void) {
  maas_session *session = five();
  maas_binding *binding = bound(session);
  maas_run_options *options = NULL;
  maas_tensor *output = untouched();
  OK(maas_run_options_create(&options));
  OK(maas_run_options_cancel(options));
  FAILS(maas_binding_run(binding, options), MAAS_CANCELLED, "cancelled");
  FAILS(maas_binding_output(binding, "y", &output), MAAS_NOT_READY, "'y'");
  CHECK(output == untouched());
  OK(maas_run_options_reset(options));
  OK(maas_binding_run(binding, options));
  OK(maas_run_options_close(options));
  OK(maas_binding_output(binding, "y", &output));
  OK(maas_tensor_close(output));
  OK(maas_binding_close(binding));
  OK(maas_session_close(session));
}

static void null_arguments(void) {
  maas_session *session = five();
  maas_binding *binding = untouched();
  maas_tensor *tensor = borrowed(x, one_row, 2), *output = untouched();
  REFUSES_NULL(maas_binding_create(NULL, &binding), "session");
  REFUSES_NULL(maas_binding_create(session, NULL), "binding");
  CHECK(binding == untouched());
  OK(maas_binding_create(session, &binding));
  REFUSES_NULL(maas_binding_set_input(NULL, "x", tensor), "binding");
  REFUSES_NULL(maas_binding_set_input(binding, NULL, tensor), "name");
  REFUSES_NULL(maas_binding_set_input(binding, "x", NULL), "tensor");
  REFUSES_NULL(maas_binding_set_input_buffer(NULL, "x", MAAS_DTYPE_FLOAT, one_row, 2, x, sizeof x),
               "binding");
  REFUSES_NULL(maas_binding_set_input_buffer(binding, NULL, MAAS_DTYPE_FLOAT, one_row, 2, x, sizeof x),
               "name");
  REFUSES_NULL(maas_binding_set_input_buffer(binding, "x", MAAS_DTYPE_FLOAT, NULL, 2, x, sizeof x), "shape");
  REFUSES_NULL(maas_binding_set_input_buffer(binding, "x", MAAS_DTYPE_FLOAT, one_row, 2, NULL, 64), "data");
  REFUSES_NULL(maas_binding_set_output(NULL, "y", NULL), "binding");
  REFUSES_NULL(maas_binding_set_output(binding, NULL, NULL), "name");
  REFUSES_NULL(maas_binding_set_output_buffer(NULL, "y", x, 40), "binding");
  REFUSES_NULL(maas_binding_set_output_buffer(binding, NULL, x, 40), "name");
  REFUSES_NULL(maas_binding_set_output_buffer(binding, "y", NULL, 40), "data");
  REFUSES_NULL(maas_binding_clear_inputs(NULL), "binding");
  REFUSES_NULL(maas_binding_clear_outputs(NULL), "binding");
  REFUSES_NULL(maas_binding_run(NULL, NULL), "binding");
  REFUSES_NULL(maas_binding_output(NULL, "y", &output), "binding");
  REFUSES_NULL(maas_binding_output(binding, NULL, &output), "name");
  REFUSES_NULL(maas_binding_output(binding, "y", NULL), "tensor");
  CHECK(output == untouched());
  OK(maas_tensor_close(tensor));
  OK(maas_binding_close(NULL));
  OK(maas_binding_close(binding));
  OK(maas_session_close(session));
}

int main(int argc, char **argv) {
  static const struct check checks[] = {{"each run reads the bound input", each_run_reads_the_input},
                                        {"outputs in memory of maas", outputs_of_maas},
                                        {"outputs in tensors", tensors_as_outputs},
                                        {"outputs given back", outputs_given_back},
                                        {"other shapes", other_shapes},
                                        {"refused inputs of bindings", inputs_refused},
                                        {"refused outputs of bindings", outputs_refused},
                                        {"no output of a failed run", no_output_of_a_failed_run},
                                        {"bindings and NULL", null_arguments}};
  return run_checks(argc, argv, checks, COUNT(checks));
}
