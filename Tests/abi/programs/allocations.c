/* Runs of a binding allocate nothing. With --bench: prints how long one takes. */
#include "check.h"
#include <errno.h>
#include <stdatomic.h>
#include <time.h>

/* These stand before the C library's own in every library of the process. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

static atomic_long calls, bytes;

void *malloc(size_t size) {
  calls++;
  bytes += (long)size;
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  calls++;
  bytes += (long)(count * size);
  return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
  calls++;
  bytes += (long)size;
  return __libc_realloc(memory, size);
}

void free(void *memory) {
  calls++;
  __libc_free(memory);
}

void *aligned_alloc(size_t alignment, size_t size) {
  calls++;
  bytes += (long)size;
  return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size) { return aligned_alloc(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
  void *found = aligned_alloc(alignment, size);
  if (found != NULL)
    *memory = found;
  return found != NULL ? 0 : ENOMEM;
}

static float x[256 * 256], y[256 * 256];

static maas_binding *bound(maas_session *session, int64_t rows, int64_t columns, size_t result) {
  const int64_t shape[] = {rows, columns};
  maas_binding *binding = NULL;
  fill(x, COUNT(x));
  OK(maas_binding_create(session, &binding));
  OK(maas_binding_set_input_buffer(binding, "x", MAAS_DTYPE_FLOAT, shape, 2, x, sizeof x));
  OK(maas_binding_set_output_buffer(binding, "y", y, result));
  return binding;
}

static void close_both(maas_session *session, maas_binding *binding) {
  OK(maas_binding_close(binding));
  OK(maas_session_close(session));
}

/* The counting works: making and closing a binding allocates and frees. */
static void allocations_are_seen(void) {
  maas_session *session = open_session("five.onnx");
  long before = calls;
  maas_binding *binding = bound(session, 1, 16, 10 * sizeof *y);
  CHECK(calls > before);
  before = calls;
  OK(maas_binding_close(binding));
  CHECK(calls > before);
  OK(maas_session_close(session));
}

/* Calls of the allocator in so many runs, after the first ones. */
static long calls_of(int runs, maas_binding *binding, const maas_run_options *options) {
  for (int i = 0; i < 3; i++)
    OK(maas_binding_run(binding, options));
  long before = calls;
  for (int i = 0; i < runs; i++)
    if (maas_binding_run(binding, options) != MAAS_OK)
      return -1;
  return calls - before;
}

static long calls_of_runs(maas_binding *binding, const maas_run_options *options) {
  return calls_of(1000, binding, options);
}

static void small_model(void) {
  maas_session *session = open_session("five.onnx");
  maas_binding *binding = bound(session, 1, 16, 10 * sizeof *y);
  CHECK(calls_of_runs(binding, NULL) == 0);
  CHECK(y[0] > 0 && y[0] < 1);
  close_both(session, binding);
}

static void with_options(void) {
  maas_session *session = open_session("five.onnx");
  maas_binding *binding = bound(session, 1, 16, 10 * sizeof *y);
  maas_run_options *options = NULL;
  OK(maas_run_options_create(&options));
  OK(maas_run_options_set_deadline(options, INT64_C(3600000000000)));
  CHECK(calls_of_runs(binding, options) == 0);
  OK(maas_run_options_close(options));
  close_both(session, binding);
}

static void outputs_of_maas(void) {
  maas_session *session = open_session("five.onnx");
  maas_binding *binding = bound(session, 1, 16, 10 * sizeof *y);
  OK(maas_binding_clear_outputs(binding));
  CHECK(calls_of_runs(binding, NULL) == 0);
  close_both(session, binding);
}

/* An emulated machine would multiply for minutes. */
static void through_the_pool(void) {
  int runs = getenv("MAAS_ABI_EMULATED") != NULL ? 20 : 1000;
  maas_session *session = open_session_with("wide.onnx", "threads", "3");
  maas_binding *binding = bound(session, 256, 256, sizeof y);
  CHECK(calls_of(runs, binding, NULL) == 0);
  close_both(session, binding);
}

/* y = x, by an operator of the caller's that also asks for an attribute that is not there. */
static maas_status same_shape(void *context, maas_node *node) {
  const maas_value_info *info = NULL;
  int64_t sizes[2];
  const char *symbols[2];
  (void)context;
  OK(maas_node_input_info(node, 0, &info));
  for (size_t axis = 0; axis < 2; axis++)
    OK(maas_value_info_dim(info, axis, &sizes[axis], &symbols[axis]));
  return maas_node_set_shape(node, 0, MAAS_DTYPE_FLOAT, sizes, symbols, 2);
}

static maas_status same(void *context, maas_node *node) {
  const maas_tensor *input = NULL;
  maas_tensor *output = NULL;
  int64_t axis = 0;
  float factor = 0;
  (void)context;
  CHECK(maas_node_int(node, "an attribute that is not there", &axis) == MAAS_NOT_FOUND);
  OK(maas_node_float(node, "factor", &factor));
  OK(maas_node_input(node, 0, &input));
  OK(maas_node_output(node, 0, &output));
  return factor == 2.5f ? maas_node_set_output(node, 0, input) : MAAS_OUT_OF_RANGE;
}

static void operators_of_the_caller(void) {
  maas_operators *operators = NULL;
  maas_session_options *options = NULL;
  maas_session *session = NULL;
  maas_binding *binding = NULL;
  const int64_t shape[] = {8, 4};
  OK(maas_operators_create(&operators));
  OK(maas_operators_add(operators, "test.ops", "Scale", 1, same_shape, same, NULL, NULL));
  OK(maas_session_options_create(&options));
  OK(maas_session_options_set_operators(options, operators));
  OK(maas_session_open(fixture("custom-scale.onnx"), options, &session));
  OK(maas_session_options_close(options));
  OK(maas_operators_close(operators));
  OK(maas_binding_create(session, &binding));
  fill(x, COUNT(x));
  OK(maas_binding_set_input_buffer(binding, "x", MAAS_DTYPE_FLOAT, shape, 2, x, sizeof x));
  OK(maas_binding_set_output_buffer(binding, "y", y, sizeof y));
  CHECK(calls_of_runs(binding, NULL) == 0);
  for (size_t i = 0; i < 32; i++)
    CHECK(y[i] == (x[i] > 0 ? 2 * x[i] : 0));
  int64_t allocations = -1;
  OK(maas_session_statistic(session, MAAS_STATISTIC_ALLOCATIONS, &allocations));
  CHECK(allocations == 0);
  close_both(session, binding);
}

/* What a run of a model asks the allocator for. */
struct asked {
  long calls, bytes;
};

/* Runs a model with inputs `first` of rank 1 and the second, of this dtype and shape. */
static struct asked asked_by_run(const char *model, const char *first, const char *second, maas_dtype dtype,
                                 const int64_t *shape, size_t rank, const void *data, size_t size) {
  static const float start[] = {0.25f, -0.5f, 0.75f, -1};
  static const int64_t four = 4;
  maas_session *session = open_session(model);
  maas_binding *binding = NULL;
  struct asked asked = {0, 0};
  OK(maas_binding_create(session, &binding));
  OK(maas_binding_set_input_buffer(binding, first, MAAS_DTYPE_FLOAT, &four, 1, start, sizeof start));
  OK(maas_binding_set_input_buffer(binding, second, dtype, shape, rank, data, size));
  for (int i = 0; i < 4; i++) {
    asked = (struct asked){calls, bytes};
    OK(maas_binding_run(binding, NULL));
    asked = (struct asked){calls - asked.calls, bytes - asked.bytes};
  }
  close_both(session, binding);
  return asked;
}

static struct asked asked_by_trips(const char *model, int64_t trips) {
  return asked_by_run(model, "x", "trips", MAAS_DTYPE_INT64, NULL, 0, &trips, sizeof trips);
}

static struct asked asked_by_slices(int64_t slices) {
  const int64_t shape[] = {slices, 4};
  fill(x, COUNT(x));
  return asked_by_run("scan.onnx", "start", "x", MAAS_DTYPE_FLOAT, shape, 2, x,
                      (size_t)slices * 4 * sizeof *x);
}

/* However often a body runs. */
static void iterations_of_a_loop(void) {
  long few = asked_by_trips("loop.onnx", 10).calls;
  CHECK(few > 0);
  CHECK(asked_by_trips("loop.onnx", 1010).calls == few);
  CHECK(asked_by_trips("loop.onnx", 2010).calls == few);
}

static void iterations_of_a_scan(void) {
  long few = asked_by_slices(10).calls;
  CHECK(few > 0);
  CHECK(asked_by_slices(1010).calls == few);
  CHECK(asked_by_slices(2010).calls == few);
}

/* A sequence that was copied each time would ask for the square of its length. */
static void a_growing_sequence(void) {
  long one = asked_by_trips("growing.onnx", 1000).bytes, four = asked_by_trips("growing.onnx", 4000).bytes;
  CHECK(four > 3 * one && four < 5 * one);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void bench(void) {
  enum { samples = 1001, runs = 100 };
  static double times[samples];
  maas_session *session = open_session("five.onnx");
  maas_binding *binding = bound(session, 1, 16, 10 * sizeof *y);
  for (int i = 0; i < samples; i++) {
    int64_t start = now();
    for (int run = 0; run < runs; run++)
      OK(maas_binding_run(binding, NULL));
    times[i] = (double)(now() - start) / runs;
  }
  qsort(times, samples, sizeof *times, by_size);
  printf("five nodes, batch 1, bound: %.0f ns per run (median), %.0f (best)\n", times[samples / 2], times[0]);
  close_both(session, binding);
}

int main(int argc, char **argv) {
  static const struct check checks[] = {
      {"allocations are seen", allocations_are_seen},
      {"no allocation in a small model", small_model},
      {"no allocation with run options", with_options},
      {"no allocation for outputs of maas", outputs_of_maas},
      {"no allocation through the pool", through_the_pool},
      {"no allocation for operators of the caller", operators_of_the_caller},
      {"no allocation for the iterations of a loop", iterations_of_a_loop},
      {"no allocation for the iterations of a scan", iterations_of_a_scan},
      {"a sequence that a loop carries is not copied", a_growing_sequence}};
  static const struct check benchmarks[] = {{"--bench", bench}};
  if (argc == 3 && strcmp(argv[2], "--bench") == 0)
    return run_checks(argc, argv, benchmarks, 1);
  return run_checks(argc, argv, checks, COUNT(checks));
}
