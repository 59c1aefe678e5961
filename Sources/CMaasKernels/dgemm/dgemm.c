/// The rows of the product of doubles, which share gemm's body and are cut into tiles as its rows are.
#include "../table.h"

int32_t maas_f64_gemm_8x24_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f64_gemm_6x8_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f64_gemm_8x4_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f64_gemm_2x4_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f64_gemm_8x24_avx512, MAAS_ISA_AVX512, 8, 24),
    MAAS_ROW(maas_f64_gemm_6x8_avx2, MAAS_ISA_AVX2, 6, 8),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f64_gemm_8x4_neon, MAAS_ISA_NEON, 8, 4),
#endif
    MAAS_ROW(maas_f64_gemm_2x4_scalar, MAAS_ISA_SCALAR, 2, 4),
};
MAAS_ENTRY(maas_f64_gemm, rows)

maas_split maas_f64_gemm_split_for(const maas_kernel *kernel, maas_f32_gemm_params *params) {
  maas_split split = maas_f32_gemm_split_for(kernel, params);
  split.scratch *= (int64_t)(sizeof(double) / sizeof(float));
  return split;
}

maas_split maas_f64_gemm_split(maas_f32_gemm_params *params) {
  return maas_f64_gemm_split_for(maas_kernel_selected(&maas_f64_gemm_table), params);
}
