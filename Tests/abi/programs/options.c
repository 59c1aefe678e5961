/* Session options and run options. */
#include "check.h"

static maas_session_options *fresh(void) {
  maas_session_options *options = NULL;
  OK(maas_session_options_create(&options));
  CHECK(options != NULL);
  return options;
}

static void expect(const maas_session_options *options, const char *name, const char *value) {
  const char *found = NULL;
  OK(maas_session_options_get(options, name, &found));
  CHECK(strcmp(found, value) == 0);
}

static void defaults(void) {
  maas_session_options *options = fresh();
  expect(options, "threads", "0");
  expect(options, "optimization", "all");
  expect(options, "memory_limit", "0");
  expect(options, "plan_cache_limit", "268435456");
  expect(options, "copy", "false");
  expect(options, "external_data_folder", "");
  expect(options, "rebuild", "false");
  OK(maas_session_options_close(options));
}

static void by_name(void) {
  static const struct {
    const char *name, *value;
  } good[] = {{"threads", "2"},          {"threads", "256"},
              {"optimization", "none"},  {"copy", "true"},
              {"plan_cache_limit", "0"}, {"memory_limit", "9223372036854775807"},
              {"optimization", "basic"}, {"external_data_folder", "/tmp/ä b"},
              {"rebuild", "true"}};
  maas_session_options *options = fresh();
  for (size_t i = 0; i < COUNT(good); i++) {
    OK(maas_session_options_set(options, good[i].name, good[i].value));
    expect(options, good[i].name, good[i].value);
  }
  OK(maas_session_options_close(options));
}

static void bad_values(void) {
  static const struct {
    const char *name, *value, *expected;
  } bad[] = {{"threads", "-1", "0..256"},          {"threads", "257", "0..256"},
             {"threads", "two", "0..256"},         {"threads", "", "0..256"},
             {"optimization", "most", "all"},      {"copy", "yes", "true or false"},
             {"memory_limit", "-5", "bytes"},      {"memory_limit", "99999999999999999999", "bytes"},
             {"plan_cache_limit", "1.5", "bytes"}, {"rebuild", "1", "true or false"}};
  maas_session_options *options = fresh();
  OK(maas_session_options_set(options, "threads", "2"));
  for (size_t i = 0; i < COUNT(bad); i++) {
    FAILS(maas_session_options_set(options, bad[i].name, bad[i].value), MAAS_INVALID_ARGUMENT,
          bad[i].expected);
    CHECK(strstr(maas_error_message(), bad[i].name) != NULL);
  }
  expect(options, "threads", "2");
  OK(maas_session_options_close(options));
}

static void unknown_names(void) {
  maas_session_options *options = fresh();
  const char *value = untouched();
  FAILS(maas_session_options_set(options, "thread", "2"), MAAS_NOT_FOUND, "threads");
  FAILS(maas_session_options_get(options, "optimisation", &value), MAAS_NOT_FOUND, "optimization");
  FAILS(maas_session_options_set(options, "", "2"), MAAS_NOT_FOUND, "''");
  CHECK(value == untouched());
  OK(maas_session_options_close(options));
}

static void typed(void) {
  maas_session_options *options = fresh();
  OK(maas_session_options_set_threads(options, 5));
  expect(options, "threads", "5");
  FAILS(maas_session_options_set_threads(options, 257), MAAS_INVALID_ARGUMENT, "257");
  FAILS(maas_session_options_set_threads(options, SIZE_MAX), MAAS_INVALID_ARGUMENT, "0..256");
  OK(maas_session_options_set_optimization(options, MAAS_OPTIMIZATION_BASIC));
  expect(options, "optimization", "basic");
  FAILS(maas_session_options_set_optimization(options, (maas_optimization)3), MAAS_INVALID_ARGUMENT, "0..2");
  OK(maas_session_options_set_memory_limit(options, 12345));
  expect(options, "memory_limit", "12345");
  OK(maas_session_options_set_memory_limit(options, UINT64_MAX));
  OK(maas_session_options_set_copy(options, -1));
  expect(options, "copy", "true");
  OK(maas_session_options_set_copy(options, 0));
  expect(options, "copy", "false");
  expect(options, "threads", "5");
  OK(maas_session_options_close(options));
}

static void null_arguments(void) {
  maas_session_options *options = fresh();
  const char *value = untouched();
  REFUSES_NULL(maas_session_options_create(NULL), "options");
  REFUSES_NULL(maas_session_options_set(NULL, "threads", "1"), "options");
  REFUSES_NULL(maas_session_options_set(options, NULL, "1"), "name");
  REFUSES_NULL(maas_session_options_set(options, "threads", NULL), "value");
  REFUSES_NULL(maas_session_options_get(NULL, "threads", &value), "options");
  REFUSES_NULL(maas_session_options_get(options, NULL, &value), "name");
  REFUSES_NULL(maas_session_options_get(options, "threads", NULL), "value");
  REFUSES_NULL(maas_session_options_set_threads(NULL, 1), "options");
  REFUSES_NULL(maas_session_options_set_optimization(NULL, MAAS_OPTIMIZATION_ALL), "options");
  REFUSES_NULL(maas_session_options_set_memory_limit(NULL, 1), "options");
  REFUSES_NULL(maas_session_options_set_copy(NULL, 1), "options");
  CHECK(value == untouched());
  OK(maas_session_options_close(NULL));
  OK(maas_session_options_close(options));
}

/* Options are read when they are passed: each session keeps what it was made with. */
static void read_once(void) {
  maas_session_options *options = fresh();
  maas_session *limited = NULL, *free = NULL;
  OK(maas_session_options_set_memory_limit(options, 1));
  OK(maas_session_open(fixture("wide.onnx"), options, &limited));
  OK(maas_session_options_set_memory_limit(options, 0));
  OK(maas_session_open(fixture("wide.onnx"), options, &free));
  OK(maas_session_options_set_memory_limit(options, 1));
  OK(maas_session_options_close(options));

  static float x[64 * 256];
  const int64_t shape[] = {64, 256};
  maas_tensor *input = borrowed(x, shape, 2), *output = NULL;
  const maas_tensor *inputs[] = {input};
  FAILS(maas_session_run(limited, NULL, NULL, inputs, 1, NULL, &output, 1), MAAS_LIMIT_EXCEEDED, "wide.onnx");
  CHECK(output == NULL);
  OK(maas_session_run(free, NULL, NULL, inputs, 1, NULL, &output, 1));
  OK(maas_tensor_close(output));
  OK(maas_tensor_close(input));
  OK(maas_session_close(free));
  OK(maas_session_close(limited));
}

static void run_options(void) {
  maas_run_options *options = NULL;
  OK(maas_run_options_create(&options));
  OK(maas_run_options_set_deadline(options, 0));
  OK(maas_run_options_set_deadline(options, INT64_MAX));
  FAILS(maas_run_options_set_deadline(options, -1), MAAS_INVALID_ARGUMENT, "-1");
  OK(maas_run_options_cancel(options));
  OK(maas_run_options_cancel(options));
  OK(maas_run_options_reset(options));
  REFUSES_NULL(maas_run_options_create(NULL), "options");
  REFUSES_NULL(maas_run_options_set_deadline(NULL, 1), "options");
  REFUSES_NULL(maas_run_options_cancel(NULL), "options");
  REFUSES_NULL(maas_run_options_reset(NULL), "options");
  OK(maas_run_options_close(NULL));
  OK(maas_run_options_close(options));
}

int main(int argc, char **argv) {
  static const struct check checks[] = {{"option defaults", defaults},
                                        {"options by name", by_name},
                                        {"bad option values", bad_values},
                                        {"unknown option names", unknown_names},
                                        {"typed options", typed},
                                        {"options and NULL", null_arguments},
                                        {"options are read once", read_once},
                                        {"run options", run_options}};
  return run_checks(argc, argv, checks, COUNT(checks));
}
