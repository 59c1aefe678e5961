#ifndef MAAS_BENCHMARK_CLOCK_H
#define MAAS_BENCHMARK_CLOCK_H
#include <time.h>

static inline double seconds_on(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline double now(void) { return seconds_on(CLOCK_MONOTONIC); }

#endif
