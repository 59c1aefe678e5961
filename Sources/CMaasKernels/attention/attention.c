/// The rows of what attention needs besides the matrix product and softmax.
#include "../split.h"
#include "../table.h"

int32_t maas_f32_row_dots_16_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_row_dots_8_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_row_dots_4_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_row_dots_1_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel dots_rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_row_dots_16_avx512, MAAS_ISA_AVX512, 1, 16),
    MAAS_ROW(maas_f32_row_dots_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_row_dots_4_neon, MAAS_ISA_NEON, 1, 4),
#endif
    MAAS_ROW(maas_f32_row_dots_1_scalar, MAAS_ISA_SCALAR, 1, 1),
};
MAAS_ENTRY(maas_f32_row_dots, dots_rows)

int32_t maas_f32_row_sums_16_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_row_sums_8_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_row_sums_4_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_row_sums_1_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel sums_rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_row_sums_16_avx512, MAAS_ISA_AVX512, 1, 16),
    MAAS_ROW(maas_f32_row_sums_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_row_sums_4_neon, MAAS_ISA_NEON, 1, 4),
#endif
    MAAS_ROW(maas_f32_row_sums_1_scalar, MAAS_ISA_SCALAR, 1, 1),
};
MAAS_ENTRY(maas_f32_row_sums, sums_rows)

maas_split maas_f32_rows_split(const maas_f32_rows_params *g) {
  return maas_split_by_cost(g->rows, 20 + 0.1 * (double)g->n * (double)g->width, 0);
}

int32_t maas_f32_rotary_16_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_rotary_8_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_rotary_4_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_rotary_1_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rotary_rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_rotary_16_avx512, MAAS_ISA_AVX512, 1, 16),
    MAAS_ROW(maas_f32_rotary_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_rotary_4_neon, MAAS_ISA_NEON, 1, 4),
#endif
    MAAS_ROW(maas_f32_rotary_1_scalar, MAAS_ISA_SCALAR, 1, 1),
};
MAAS_ENTRY(maas_f32_rotary, rotary_rows)

maas_split maas_f32_rotary_split(const maas_f32_rotary_params *g) {
  return maas_split_by_cost(g->batch * g->places * g->heads, 2 + 0.15 * (double)g->size, 0);
}
