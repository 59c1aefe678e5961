/// The rows of unary. A work item is an element.
#include "../split.h"
#include "../table.h"

int32_t maas_f32_unary_16_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_unary_8_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_unary_4_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_unary_1_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_unary_16_avx512, MAAS_ISA_AVX512, 1, 16),
    MAAS_ROW(maas_f32_unary_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_unary_4_neon, MAAS_ISA_NEON, 1, 4),
#endif
    MAAS_ROW(maas_f32_unary_1_scalar, MAAS_ISA_SCALAR, 1, 1),
};
MAAS_ENTRY(maas_f32_unary, rows)

maas_split maas_f32_unary_split(const maas_f32_unary_params *params) {
  maas_unary op = params->function.op;
  double element_ns = op < MAAS_UNARY_EXP ? 0.4 : op < MAAS_UNARY_SIN ? 1.5 : 10;
  return maas_split_by_cost(params->n, element_ns, 0);
}
