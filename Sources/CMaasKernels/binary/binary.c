/// The rows of binary. A work item is an element of y.
#include "../split.h"
#include "../table.h"
#include "../walk.h"

int32_t maas_f32_binary_16_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_binary_8_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_binary_4_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_binary_1_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_binary_16_avx512, MAAS_ISA_AVX512, 1, 16),
    MAAS_ROW(maas_f32_binary_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_binary_4_neon, MAAS_ISA_NEON, 1, 4),
#endif
    MAAS_ROW(maas_f32_binary_1_scalar, MAAS_ISA_SCALAR, 1, 1),
};
MAAS_ENTRY(maas_f32_binary, rows)

maas_split maas_f32_binary_split(maas_f32_binary_params *params) {
  params->rank = maas_collapse(params->rank, params->dims, params->a_strides, params->b_strides);
  int64_t inner = params->dims[params->rank - 1];
  double element_ns = (params->op == MAAS_BINARY_POW ? 10 : 0.4) + 5.0 / (double)maas_max64(inner, 1);
  return maas_split_by_cost(maas_element_count(params->rank, params->dims), element_ns, 0);
}
