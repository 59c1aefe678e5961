/// The rows of dropout.
#include "maas_random.h"
#include "../../split.h"
#include "../../table.h"

int32_t maas_f32_dropout_16_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_dropout_8_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_dropout_4_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_dropout_1_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_dropout_16_avx512, MAAS_ISA_AVX512, 1, 16),
    MAAS_ROW(maas_f32_dropout_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_dropout_4_neon, MAAS_ISA_NEON, 1, 4),
#endif
    MAAS_ROW(maas_f32_dropout_1_scalar, MAAS_ISA_SCALAR, 1, 1),
};
MAAS_ENTRY(maas_f32_dropout, rows)

maas_split maas_f32_dropout_split(const maas_f32_dropout_params *params) {
  return maas_split_by_cost(maas_ceil_div(params->n, 64), 50, 0);
}
