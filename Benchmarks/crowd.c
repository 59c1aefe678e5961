/// Callers that run sessions of their own at once: crowd MODEL ROWS WIDTH CALLERS THREADS. special.py compiles and
/// starts this; the input is named x and has the shape [ROWS, WIDTH]. Prints runs per second of all callers together,
/// the median, the 99th percentile and the greatest time of a run, and the CPU time that the process takes beside
/// its main thread in the 50 ms that begin 1 ms after the last run, all in seconds.
#include <pthread.h>
#include "program.h"

enum { most_callers = 64, most_runs = 1 << 20 };
static const double seconds = 0.4, warm_seconds = 0.05;

typedef struct caller {
  maas_session *session;
  maas_binding *binding;
  pthread_t thread;
  double *times;
  int runs;
} caller;

static pthread_barrier_t start;

static double run(caller *c) {
  double begin = now();
  check(maas_binding_run(c->binding, NULL));
  return now() - begin;
}

static void *call(void *context) {
  caller *c = context;
  for (double end = now() + warm_seconds; now() < end;)
    run(c);
  pthread_barrier_wait(&start);
  for (double end = now() + seconds; now() < end && c->runs < most_runs;)
    c->times[c->runs++] = run(c);
  return NULL;
}

static int compare(const void *a, const void *b) {
  return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/// Runs all callers and gives their times in order.
static double *measure(caller *callers, int count, int *runs) {
  pthread_barrier_init(&start, NULL, (unsigned)count);
  for (int i = 0; i < count; i++)
    if (pthread_create(&callers[i].thread, NULL, call, &callers[i]))
      exit(1);
  *runs = 0;
  double *all = malloc(sizeof(double) * most_runs * (size_t)count);
  for (int i = 0; i < count; i++) {
    pthread_join(callers[i].thread, NULL);
    for (int j = 0; all && j < callers[i].runs; j++)
      all[(*runs)++] = callers[i].times[j];
  }
  return all;
}

static double others(void) {
  return seconds_on(CLOCK_PROCESS_CPUTIME_ID) - seconds_on(CLOCK_THREAD_CPUTIME_ID);
}

static double idle(caller *c) {
  run(c);
  const struct timespec first = {0, 1000000}, then = {0, 50000000};
  nanosleep(&first, NULL);
  double before = others();
  nanosleep(&then, NULL);
  return others() - before;
}

int main(int count, char **words) {
  static caller callers[most_callers];
  int64_t shape[2] = {0};
  for (int i = 0; i < 2 && count == 6; i++)
    shape[i] = atoll(words[2 + i]);
  int sessions = count == 6 ? atoi(words[4]) : 0;
  float *x = calloc((size_t)(shape[0] * shape[1]), sizeof(float));
  if (sessions < 1 || sessions > most_callers || !x)
    return fprintf(stderr, "usage: crowd MODEL ROWS WIDTH CALLERS THREADS\n"), 2;
  check(maas_pool_set_threads((size_t)atoi(words[5])));
  for (int i = 0; i < sessions; i++) {
    caller *c = &callers[i];
    c->times = malloc(sizeof(double) * most_runs);
    check(maas_session_open(words[1], NULL, &c->session));
    check(maas_binding_create(c->session, &c->binding));
    check(maas_binding_set_input_buffer(c->binding, "x", MAAS_DTYPE_FLOAT, shape, 2, x,
                                        (size_t)(shape[0] * shape[1]) * sizeof(float)));
  }
  int runs;
  double *times = measure(callers, sessions, &runs), rest = idle(&callers[0]);
  if (!times || runs == 0)
    return 1;
  qsort(times, (size_t)runs, sizeof(double), compare);
  printf("%.3f %.9f %.9f %.9f %.9f\n", runs / seconds, times[runs / 2], times[(int)(0.99 * runs)],
         times[runs - 1], rest);
}
