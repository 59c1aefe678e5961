#include "check.h"
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *folder, *at_hand;

void use_folder(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s FOLDER [check…]\n", argv[0]);
    exit(2);
  }
  folder = argv[1];
}

const char *check_at_hand(void) { return at_hand; }

void fail(const char *file, int line, const char *text) {
  fprintf(stderr, "%s:%d: %s\n", file, line, text);
  exit(1);
}

void expect_ok(maas_status status, const char *call, const char *file, int line) {
  if (status == MAAS_OK)
    return;
  fprintf(stderr, "%s: %s\n", maas_status_name(status), maas_error_message());
  fail(file, line, call);
}

void expect_failure(maas_status status, maas_status expected, const char *word, const char *call,
                    const char *file, int line) {
  const char *message = maas_error_message();
  if (status == expected && strstr(message, word) != NULL && strchr(message, '\n') == NULL)
    return;
  fprintf(stderr, "expected %s with '%s', found %s: %s\n", maas_status_name(expected), word,
          maas_status_name(status), message);
  fail(file, line, call);
}

void *untouched(void) {
  static char mark;
  return &mark;
}

const char *fixture(const char *name) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

unsigned char *fixture_bytes(const char *name, size_t *size) {
  FILE *file = fopen(fixture(name), "rb");
  CHECK(file != NULL);
  CHECK(fseek(file, 0, SEEK_END) == 0);
  *size = (size_t)ftell(file);
  rewind(file);
  unsigned char *bytes = malloc(*size + 1);
  CHECK(bytes != NULL && fread(bytes, 1, *size, file) == *size);
  fclose(file);
  return bytes;
}

maas_session *open_session(const char *name) {
  maas_session *session = NULL;
  OK(maas_session_open(fixture(name), NULL, &session));
  return session;
}

maas_session *open_session_with(const char *name, const char *option, const char *value) {
  maas_session_options *options = NULL;
  maas_session *session = NULL;
  OK(maas_session_options_create(&options));
  OK(maas_session_options_set(options, option, value));
  OK(maas_session_open(fixture(name), options, &session));
  OK(maas_session_options_close(options));
  return session;
}

maas_model *open_model(const char *name) {
  maas_model *model = NULL;
  OK(maas_model_open(fixture(name), NULL, &model));
  return model;
}

maas_tensor *borrowed(float *data, const int64_t *shape, size_t rank) {
  size_t bytes = sizeof *data;
  for (size_t i = 0; i < rank; i++)
    bytes *= (size_t)shape[i];
  maas_tensor *tensor = NULL;
  OK(maas_tensor_borrow(MAAS_DTYPE_FLOAT, shape, rank, data, bytes, NULL, NULL, &tensor));
  return tensor;
}

float *floats(const maas_tensor *tensor) {
  void *data = NULL;
  OK(maas_tensor_data(tensor, &data, NULL));
  return data;
}

void fill(float *numbers, size_t count) {
  uint32_t state = 1;
  for (size_t i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u;
    numbers[i] = (float)(state >> 8) / 8388608.0f - 1;
  }
}

/* Runs a check in a child, so that it starts with a fresh library and a crash is its own. */
static int passes(const struct check *check) {
  at_hand = check->name;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    check->run();
    exit(0);
  }
  int status = -1;
  if (child < 0 || waitpid(child, &status, 0) != child)
    return 0;
  if (WIFSIGNALED(status))
    fprintf(stderr, "ended by signal %d\n", WTERMSIG(status));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int wanted(int argc, char **argv, const char *name) {
  for (int i = 2; i < argc; i++)
    if (strcmp(argv[i], name) == 0)
      return 1;
  return argc <= 2;
}

int run_checks(int argc, char **argv, const struct check *checks, size_t count) {
  int failed = 0;
  use_folder(argc, argv);
  for (size_t i = 0; i < count; i++) {
    if (!wanted(argc, argv, checks[i].name))
      continue;
    int passed = passes(&checks[i]);
    printf("%s %s\n", passed ? "ok" : "FAIL", checks[i].name);
    failed += !passed;
  }
  return failed != 0;
}
