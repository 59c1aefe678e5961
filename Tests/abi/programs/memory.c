/* Whose memory it is, and that all of it is given back. */
#include "check.h"
#include <unistd.h>

static void count(void *context) { ++*(int *)context; }

static maas_session_options *options(int copy) {
  maas_session_options *options = NULL;
  OK(maas_session_options_create(&options));
  OK(maas_session_options_set_copy(options, copy));
  return options;
}

static void run_five(maas_session *session) {
  float x[16];
  fill(x, COUNT(x));
  const int64_t shape[] = {1, 16};
  maas_tensor *input = borrowed(x, shape, 2), *output = NULL;
  const maas_tensor *inputs[] = {input};
  OK(maas_session_run(session, NULL, NULL, inputs, 1, NULL, &output, 1));
  CHECK(floats(output)[0] > 0 && floats(output)[0] < 1);
  OK(maas_tensor_close(output));
  OK(maas_tensor_close(input));
}

/* Borrowed bytes are used until the last that needs them is closed. */
static void borrowed_models(void) {
  size_t size = 0;
  unsigned char *bytes = fixture_bytes("five.onnx", &size);
  int released = 0;
  maas_model *model = NULL;
  maas_session *session = NULL;
  OK(maas_model_open_memory(bytes, size, NULL, count, &released, &model));
  OK(maas_session_create(model, NULL, &session));
  OK(maas_model_close(model));
  CHECK(released == 0);
  run_five(session);
  OK(maas_session_close(session));
  CHECK(released == 1);

  OK(maas_session_open_memory(bytes, size, NULL, count, &released, &session));
  CHECK(released == 1);
  run_five(session);
  OK(maas_session_close(session));
  CHECK(released == 2);
  free(bytes);
}

/* A model without weights keeps none of the bytes, but gives them back all the same, once. */
static void bare_models(void) {
  size_t size = 0;
  unsigned char *bytes = fixture_bytes("values.onnx", &size);
  int released = 0;
  maas_model *model = NULL;
  maas_session *session = NULL;
  OK(maas_model_open_memory(bytes, size, NULL, count, &released, &model));
  OK(maas_model_close(model));
  CHECK(released == 1);
  OK(maas_session_open_memory(bytes, size, NULL, count, &released, &session));
  OK(maas_session_close(session));
  CHECK(released == 2);
  free(bytes);
}

/* Copied bytes are released, and may change, before the function returns. */
static void copied_models(void) {
  size_t size = 0;
  maas_session_options *copy = options(1);
  for (int with_session = 0; with_session < 2; with_session++) {
    unsigned char *bytes = fixture_bytes("five.onnx", &size);
    int released = 0;
    maas_model *model = NULL;
    maas_session *session = NULL;
    if (with_session) {
      OK(maas_session_open_memory(bytes, size, copy, count, &released, &session));
    } else {
      OK(maas_model_open_memory(bytes, size, copy, count, &released, &model));
    }
    CHECK(released == 1);
    memset(bytes, 0, size);
    free(bytes);
    if (!with_session)
      OK(maas_session_create(model, NULL, &session));
    run_five(session);
    OK(maas_session_close(session));
    OK(maas_model_close(model));
    CHECK(released == 1);
  }
  OK(maas_session_options_close(copy));
}

/* After a failure the bytes are still the caller's, also where only the session cannot be made. */
static void refused_models(void) {
  size_t size = 0;
  unsigned char *bytes = fixture_bytes("unplannable.onnx", &size);
  for (int copy = 0; copy < 2; copy++) {
    maas_session_options *how = options(copy);
    int released = 0;
    maas_model *model = untouched();
    maas_session *session = untouched();
    FAILS(maas_model_open_memory(bytes, size / 2, how, count, &released, &model), MAAS_INVALID_MODEL, "");
    FAILS(maas_session_open_memory(bytes, size / 2, how, count, &released, &session), MAAS_INVALID_MODEL, "");
    CHECK(model == untouched() && released == 0);
    OK(maas_model_open_memory(bytes, size, how, count, &released, &model));
    OK(maas_model_close(model));
    CHECK(released == 1);
    FAILS(maas_session_open_memory(bytes, size, how, count, &released, &session), MAAS_OUT_OF_RANGE, "index");
    CHECK(session == untouched() && released == 1);
    OK(maas_session_options_close(how));
  }
  free(bytes);
}

/* With the option `copy` a file may be overwritten while its model is open. */
static void copied_files(void) {
  size_t size = 0;
  unsigned char *bytes = fixture_bytes("five.onnx", &size);
  char path[] = "/tmp/maas-abi-XXXXXX";
  int file = mkstemp(path);
  maas_session_options *copy = options(1);
  maas_session *session = NULL;
  CHECK(file >= 0 && write(file, bytes, size) == (ssize_t)size);
  OK(maas_session_open(path, copy, &session));
  CHECK(ftruncate(file, 0) == 0);
  run_five(session);
  OK(maas_session_close(session));
  OK(maas_session_options_close(copy));
  close(file);
  unlink(path);
  free(bytes);
}

/* Pages of this process in memory, in kB; -1 where the system does not tell. */
static long resident(void) {
  long pages = -1, total;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%ld %ld", &total, &pages) != 2)
    pages = -1;
  if (file != NULL)
    fclose(file);
  return pages < 0 ? -1 : pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void cycle_five(void) {
  maas_session *session = open_session("five.onnx");
  run_five(session);
  OK(maas_session_close(session));
}

static void ten_thousand_cycles(void) {
  const char *given = getenv("MAAS_ABI_CYCLES");
  long cycles = given != NULL ? strtol(given, NULL, 10) : 10000;
  for (long i = 0; i < cycles / 10; i++)
    cycle_five();
  long before = resident();
  for (long i = 0; i < cycles; i++)
    cycle_five();
  long after = resident();
  fprintf(stderr, "%ld cycles: %ld kB before, %ld kB after\n", cycles, before, after);
  CHECK(before > 0 && after - before < 1000);
}

static void cycle_heavy(void) {
  static float x[8 * 2048];
  const int64_t shape[] = {8, 2048};
  maas_session *session = open_session("heavy.onnx");
  maas_tensor *input = borrowed(x, shape, 2), *output = NULL;
  const maas_tensor *inputs[] = {input};
  OK(maas_session_run(session, NULL, NULL, inputs, 1, NULL, &output, 1));
  OK(maas_tensor_close(output));
  OK(maas_tensor_close(input));
  OK(maas_session_close(session));
}

/* qemu keeps 64 bytes of its own for every page that was ever mapped, 256 kB for the weights of one round, and its
 * table of translated code becomes 2 MB larger at some moment. */
static long kept_by_emulator(int rounds) {
  return getenv("MAAS_ABI_EMULATED") != NULL ? 4000 + 260L * rounds : 0;
}

/* A model with 16 MB of weights leaves nothing behind. */
static void closing_gives_memory_back(void) {
  cycle_heavy();
  long before = resident();
  for (int i = 0; i < 4; i++) {
    cycle_heavy();
    long after = resident();
    fprintf(stderr, "%ld kB before, %ld kB after closing\n", before, after);
    CHECK(before > 0 && after - before < 1000 + kept_by_emulator(i + 1));
  }
}

int main(int argc, char **argv) {
  static const struct check checks[] = {{"borrowed models", borrowed_models},
                                        {"bare models", bare_models},
                                        {"copied models", copied_models},
                                        {"refused models in memory", refused_models},
                                        {"copied files", copied_files},
                                        {"ten thousand cycles", ten_thousand_cycles},
                                        {"closing gives memory back", closing_gives_memory_back}};
  return run_checks(argc, argv, checks, COUNT(checks));
}
