#ifndef MAAS_BENCHMARK_PROGRAM_H
#define MAAS_BENCHMARK_PROGRAM_H
/// What the programs that special.py starts have in common.
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include "clock.h"
#include "maas.h"

/// Ends the program with what libmaas says.
static inline void check(maas_status status) {
  if (status)
    errx(1, "%s", maas_error_message());
}

#endif
