/* Versions, names, messages, the log and the pool. */
#include "check.h"
#include <pthread.h>
#include <signal.h>

static void versions(void) {
  CHECK(strcmp(maas_version(), MAAS_VERSION) == 0);
  CHECK(maas_abi_version() == MAAS_ABI_VERSION);
}

static void statuses(void) {
#define ENTRY(name, number, text)                                                                            \
  CHECK((int)name == number);                                                                                \
  CHECK(strcmp(maas_status_name(name), #name) == 0);                                                         \
  CHECK(strcmp(maas_status_text(name), text) == 0);
  MAAS_STATUS_LIST(ENTRY)
#undef ENTRY
  const int unknown[] = {-1, 999, 0x7fffffff};
  for (size_t i = 0; i < COUNT(unknown); i++) {
    CHECK(strcmp(maas_status_name((maas_status)unknown[i]), "MAAS_UNKNOWN_STATUS") == 0);
    CHECK(strlen(maas_status_text((maas_status)unknown[i])) > 0);
  }
}

/* Names and numbers are those of ONNX's TensorProto.DataType. */
static void dtypes(void) {
  static const struct {
    const char *name;
    size_t bits;
  } known[] = {
      {"undefined", 0},      {"float", 32},    {"uint8", 8},        {"int8", 8},           {"uint16", 16},
      {"int16", 16},         {"int32", 32},    {"int64", 64},       {"string", 0},         {"bool", 8},
      {"float16", 16},       {"double", 64},   {"uint32", 32},      {"uint64", 64},        {"complex64", 64},
      {"complex128", 128},   {"bfloat16", 16}, {"float8e4m3fn", 8}, {"float8e4m3fnuz", 8}, {"float8e5m2", 8},
      {"float8e5m2fnuz", 8}, {"uint4", 4},     {"int4", 4},         {"float4e2m1", 4},     {"float8e8m0", 8},
      {"uint2", 2},          {"int2", 2}};
  for (size_t i = 0; i < COUNT(known); i++) {
    CHECK(strcmp(maas_dtype_name((maas_dtype)i), known[i].name) == 0);
    CHECK(maas_dtype_bits((maas_dtype)i) == known[i].bits);
  }
  const int unknown[] = {-1, (int)COUNT(known), 12345};
  for (size_t i = 0; i < COUNT(unknown); i++) {
    CHECK(strcmp(maas_dtype_name((maas_dtype)unknown[i]), "undefined") == 0);
    CHECK(maas_dtype_bits((maas_dtype)unknown[i]) == 0);
  }
}

static void *message_of_fresh_thread(void *context) {
  (void)context;
  return (void *)(uintptr_t)strlen(maas_error_message());
}

static void messages(void) {
  size_t threads = 0;
  CHECK(strcmp(maas_error_message(), "") == 0);
  REFUSES_NULL(maas_pool_threads(NULL), "threads");
  OK(maas_pool_threads(&threads));
  CHECK(strstr(maas_error_message(), "'threads'") != NULL);

  pthread_t thread;
  void *length = untouched();
  CHECK(pthread_create(&thread, NULL, message_of_fresh_thread, NULL) == 0);
  CHECK(pthread_join(thread, &length) == 0);
  CHECK(length == NULL);
}

/* A name of 100,000 bytes, not all of them UTF-8, in a message. */
static void long_messages(void) {
  static char name[100001];
  memset(name, 0xc3, 100000);
  maas_session *session = untouched();
  CHECK(maas_session_open(name, NULL, &session) != MAAS_OK);
  CHECK(session == untouched());
  CHECK(strlen(maas_error_message()) > 0);
  maas_text_free(NULL);
}

struct line {
  int count;
  maas_log_level level;
  char text[256];
};

static void keep(void *context, maas_log_level level, const char *text) {
  struct line *line = context;
  line->count++;
  line->level = level;
  snprintf(line->text, sizeof line->text, "%s", text);
}

static void log_lines(void) {
  struct line errors = {0, MAAS_LOG_DEBUG, ""}, lines = {0, MAAS_LOG_DEBUG, ""};
  OK(maas_log_set_callback(MAAS_LOG_ERROR, keep, &errors));
  FAILS(maas_pool_set_threads(100000), MAAS_INVALID_ARGUMENT, "100000");
  CHECK(errors.count == 1 && errors.level == MAAS_LOG_ERROR);
  CHECK(strcmp(errors.text, maas_error_message()) == 0);
  maas_session_close(open_session("five.onnx"));
  CHECK(errors.count == 1);

  OK(maas_log_set_callback(MAAS_LOG_INFO, keep, &lines));
  maas_session_close(open_session("five.onnx"));
  CHECK(lines.count >= 2 && lines.level == MAAS_LOG_INFO && strstr(lines.text, "five.onnx") != NULL);

  FAILS(maas_log_set_callback((maas_log_level)4, keep, &errors), MAAS_INVALID_ARGUMENT, "log level");
  FAILS(maas_log_set_callback((maas_log_level)-1, keep, &errors), MAAS_INVALID_ARGUMENT, "log level");
  OK(maas_log_set_callback(MAAS_LOG_DEBUG, NULL, NULL));
  int before = lines.count;
  REFUSES_NULL(maas_pool_threads(NULL), "threads");
  CHECK(lines.count == before && errors.count == 1);
}

static void pool(void) {
  size_t cpus = 0, threads = 0;
  OK(maas_pool_threads(&cpus));
  CHECK(cpus >= 1 && cpus <= MAAS_MAXIMUM_THREADS);
  OK(maas_pool_set_threads(3));
  OK(maas_pool_threads(&threads));
  CHECK(threads == 3);
  FAILS(maas_pool_set_threads(MAAS_MAXIMUM_THREADS + 1), MAAS_INVALID_ARGUMENT, "257");
  FAILS(maas_pool_set_threads(SIZE_MAX), MAAS_INVALID_ARGUMENT, "0..256");
  OK(maas_pool_threads(&threads));
  CHECK(threads == 3);
  OK(maas_pool_set_threads(MAAS_MAXIMUM_THREADS));
  OK(maas_pool_set_threads(0));
  OK(maas_pool_threads(&threads));
  CHECK(threads == cpus);
}

static void expect_no_handlers(void) {
  for (int signal = 1; signal <= 64; signal++) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    if (sigaction(signal, NULL, &action) != 0)
      continue; /* one of the C library's own */
    CHECK(!(action.sa_flags & SA_SIGINFO));
    CHECK(action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN);
  }
}

/* This program sets none itself, so whatever is there is the library's. */
static void signal_handlers(void) {
  expect_no_handlers();
  maas_session *session = open_session_with("wide.onnx", "threads", "3");
  static float x[64 * 256];
  const int64_t shape[] = {64, 256};
  maas_tensor *input = borrowed(x, shape, 2), *output = NULL;
  const maas_tensor *inputs[] = {input};
  OK(maas_session_run(session, NULL, NULL, inputs, 1, NULL, &output, 1));
  expect_no_handlers();
  OK(maas_tensor_close(output));
  OK(maas_tensor_close(input));
  OK(maas_session_close(session));
  expect_no_handlers();
}

int main(int argc, char **argv) {
  static const struct check checks[] = {{"versions", versions},
                                        {"statuses", statuses},
                                        {"dtypes", dtypes},
                                        {"messages", messages},
                                        {"long messages", long_messages},
                                        {"log", log_lines},
                                        {"pool threads", pool},
                                        {"no signal handlers", signal_handlers}};
  return run_checks(argc, argv, checks, COUNT(checks));
}
