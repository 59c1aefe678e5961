#ifndef MAAS_TRAINING_ROWS_H
#define MAAS_TRAINING_ROWS_H
/// The tables of the kernels that only training has.
#include "../table.h"
#include "maas_training.h"

#if defined(__x86_64__)
#define MAAS_VECTOR_ROWS(family)                                                                             \
  MAAS_ROW(family##_16_avx512, MAAS_ISA_AVX512, 1, 16), MAAS_ROW(family##_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
#define MAAS_VECTOR_ROWS(family) MAAS_ROW(family##_4_neon, MAAS_ISA_NEON, 1, 4),
#else
#define MAAS_VECTOR_ROWS(family)
#endif

#define MAAS_FAMILY(family)                                                                                  \
  int32_t family##_16_avx512(MAAS_STEP_ARGUMENTS);                                                           \
  int32_t family##_8_avx2(MAAS_STEP_ARGUMENTS);                                                              \
  int32_t family##_4_neon(MAAS_STEP_ARGUMENTS);                                                              \
  int32_t family##_1_scalar(MAAS_STEP_ARGUMENTS);                                                            \
  static const maas_kernel family##_rows[] = {MAAS_VECTOR_ROWS(family)                                       \
                                                  MAAS_ROW(family##_1_scalar, MAAS_ISA_SCALAR, 1, 1)};       \
  MAAS_ENTRY(family, family##_rows)

/// Kernels that wait for memory have one row for every CPU.
#define MAAS_PORTABLE_FAMILY(family)                                                                         \
  int32_t family##_1_scalar(MAAS_STEP_ARGUMENTS);                                                            \
  static const maas_kernel family##_rows[] = {MAAS_ROW(family##_1_scalar, MAAS_ISA_SCALAR, 1, 1)};           \
  MAAS_ENTRY(family, family##_rows)

#endif
