/* Many threads, one session; runs that are stopped. */
#include "check.h"
#include <pthread.h>
#include <sched.h>

enum { threads = 8, rounds = 40, largest = 5 };

static float inputs[threads][largest * 256], expected[threads][largest * 256];

/* Thread i runs batches of its own size with its own numbers, so that they use different plans, too. */
static int64_t rows(int i) { return 1 + i % largest; }

static maas_status run_wide(maas_session *session, int i, float *result) {
  const int64_t shape[] = {rows(i), 256};
  maas_tensor *input = borrowed(inputs[i], shape, 2), *output = borrowed(result, shape, 2);
  const maas_tensor *given[] = {input};
  maas_status status = maas_session_run(session, NULL, NULL, given, 1, NULL, &output, 1);
  OK(maas_tensor_close(output));
  OK(maas_tensor_close(input));
  return status;
}

struct job {
  maas_session *session;
  int index;
};

static void *work(void *context) {
  const struct job *job = context;
  float *result = malloc(largest * 256 * sizeof *result);
  CHECK(result != NULL);
  char message[64];
  for (int round = 0; round < rounds; round++) {
    OK(run_wide(job->session, job->index, result));
    CHECK(memcmp(result, expected[job->index], (size_t)rows(job->index) * 256 * sizeof *result) == 0);
    /* Every thread has a message of its own. */
    snprintf(message, sizeof message, "no-output-%d", job->index);
    const char *names[] = {message};
    maas_tensor *output = NULL;
    FAILS(maas_session_run(job->session, NULL, NULL, NULL, 0, names, &output, 1), MAAS_NOT_FOUND, message);
  }
  free(result);
  return NULL;
}

static void one_session(const char *pool_threads) {
  maas_session *session = open_session_with("wide.onnx", "threads", "1");
  for (int i = 0; i < threads; i++) {
    fill(inputs[i], COUNT(inputs[i]));
    inputs[i][i] += 1;
    OK(run_wide(session, i, expected[i]));
  }
  OK(maas_session_close(session));

  session = open_session_with("wide.onnx", "threads", pool_threads);
  pthread_t started[threads];
  struct job jobs[threads];
  for (int i = 0; i < threads; i++) {
    jobs[i] = (struct job){session, i};
    CHECK(pthread_create(&started[i], NULL, work, &jobs[i]) == 0);
  }
  for (int i = 0; i < threads; i++)
    CHECK(pthread_join(started[i], NULL) == 0);
  int64_t runs = 0;
  OK(maas_session_statistic(session, MAAS_STATISTIC_RUNS, &runs));
  CHECK(runs == threads * rounds);
  OK(maas_session_close(session));
}

static void eight_threads(void) { one_session("1"); }
static void eight_threads_and_the_pool(void) { one_session("3"); }

static float square[512 * 512];
static const int64_t square_shape[] = {512, 512};

struct run {
  maas_session *session;
  maas_binding *binding;
  maas_run_options *options;
  maas_status status;
};

/* Runs until the other side does not hold the binding. */
static void *run_binding(void *context) {
  struct run *run = context;
  do
    run->status = maas_binding_run(run->binding, run->options);
  while (run->status == MAAS_BUSY);
  return NULL;
}

static void busy(void) {
  struct run run = {NULL, NULL, NULL, MAAS_OK};
  maas_run_options *cancelled = NULL;
  run.session = open_session("slow.onnx");
  OK(maas_run_options_create(&run.options));
  OK(maas_run_options_create(&cancelled));
  OK(maas_run_options_cancel(cancelled));
  OK(maas_binding_create(run.session, &run.binding));
  OK(maas_binding_set_input_buffer(run.binding, "x0", MAAS_DTYPE_FLOAT, square_shape, 2, square,
                                   sizeof square));
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, run_binding, &run) == 0);

  /* Until the thread is inside, these runs end at once. */
  maas_status status;
  while ((status = maas_binding_run(run.binding, cancelled)) == MAAS_CANCELLED)
    sched_yield();
  FAILS(status, MAAS_BUSY, "another thread");
  FAILS(maas_binding_clear_inputs(run.binding), MAAS_BUSY, "another thread");
  maas_tensor *output = untouched();
  FAILS(maas_binding_output(run.binding, "x4000", &output), MAAS_BUSY, "another thread");
  CHECK(output == untouched());

  OK(maas_run_options_cancel(run.options));
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(run.status == MAAS_CANCELLED);
  OK(maas_binding_clear_inputs(run.binding));
  OK(maas_binding_close(run.binding));
  OK(maas_run_options_close(run.options));
  OK(maas_run_options_close(cancelled));
  OK(maas_session_close(run.session));
}

static maas_status run_slow(maas_session *session, const maas_run_options *options) {
  maas_tensor *input = borrowed(square, square_shape, 2), *output = NULL;
  const maas_tensor *given[] = {input};
  maas_status status = maas_session_run(session, options, NULL, given, 1, NULL, &output, 1);
  CHECK((output == NULL) == (status != MAAS_OK));
  OK(maas_tensor_close(output));
  OK(maas_tensor_close(input));
  return status;
}

static void *run_session(void *context) {
  struct run *run = context;
  run->status = run_slow(run->session, run->options);
  return NULL;
}

static void cancelled_from_another_thread(void) {
  struct run run = {open_session("slow.onnx"), NULL, NULL, MAAS_OK};
  OK(maas_run_options_create(&run.options));
  pthread_t started[2];
  for (int i = 0; i < 2; i++)
    CHECK(pthread_create(&started[i], NULL, run_session, &run) == 0);
  OK(maas_run_options_cancel(run.options));
  for (int i = 0; i < 2; i++)
    CHECK(pthread_join(started[i], NULL) == 0);
  CHECK(run.status == MAAS_CANCELLED);
  FAILS(run_slow(run.session, run.options), MAAS_CANCELLED, "slow.onnx");
  OK(maas_run_options_close(run.options));
  OK(maas_session_close(run.session));
}

static void deadline(void) {
  maas_session *session = open_session("slow.onnx");
  maas_run_options *options = NULL;
  OK(maas_run_options_create(&options));
  OK(maas_run_options_set_deadline(options, 1000000));
  FAILS(run_slow(session, options), MAAS_DEADLINE_EXCEEDED, "slow.onnx");
  OK(maas_run_options_close(options));
  OK(maas_session_close(session));
}

/* Options serve on after a reset, and without their deadline. */
static void reset(void) {
  maas_session *session = open_session("five.onnx");
  maas_run_options *options = NULL;
  static float x[16];
  const int64_t shape[] = {1, 16};
  maas_tensor *input = borrowed(x, shape, 2), *output = NULL;
  const maas_tensor *given[] = {input};
  OK(maas_run_options_create(&options));
  OK(maas_run_options_set_deadline(options, 1));
  FAILS(maas_session_run(session, options, NULL, given, 1, NULL, &output, 1), MAAS_DEADLINE_EXCEEDED, "five");
  OK(maas_run_options_set_deadline(options, 0));
  OK(maas_run_options_cancel(options));
  FAILS(maas_session_run(session, options, NULL, given, 1, NULL, &output, 1), MAAS_CANCELLED, "five");
  OK(maas_run_options_reset(options));
  OK(maas_session_run(session, options, NULL, given, 1, NULL, &output, 1));
  OK(maas_run_options_close(options));
  OK(maas_tensor_close(output));
  OK(maas_tensor_close(input));
  OK(maas_session_close(session));
}

int main(int argc, char **argv) {
  static const struct check checks[] = {{"eight threads, one session", eight_threads},
                                        {"eight threads and the pool", eight_threads_and_the_pool},
                                        {"busy binding", busy},
                                        {"cancelled from another thread", cancelled_from_another_thread},
                                        {"deadline", deadline},
                                        {"reset", reset}};
  return run_checks(argc, argv, checks, COUNT(checks));
}
