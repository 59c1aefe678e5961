/// The rows of lstm.
#include "../split.h"
#include "../table.h"

int32_t maas_f32_lstm_32_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_lstm_16_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_lstm_12_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_lstm_8_scalar(MAAS_STEP_ARGUMENTS);

/// Columns are those of gemm's rows, whose panels these read.
static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_lstm_32_avx512, MAAS_ISA_AVX512, 1, 32),
    MAAS_ROW(maas_f32_lstm_16_avx2, MAAS_ISA_AVX2, 1, 16),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_lstm_12_neon, MAAS_ISA_NEON, 1, 12),
#endif
    MAAS_ROW(maas_f32_lstm_8_scalar, MAAS_ISA_SCALAR, 1, 8),
};
MAAS_ENTRY(maas_f32_lstm, rows)

maas_split maas_f32_lstm_split_for(const maas_kernel *kernel, const maas_f32_lstm_params *g) {
  double element = 8 + 0.1 * (double)g->k;
  return maas_split_by_cost(maas_ceil_div(g->units, kernel->nr), (double)(g->rows * kernel->nr) * element, 0);
}

maas_split maas_f32_lstm_split(const maas_f32_lstm_params *params) {
  return maas_f32_lstm_split_for(maas_kernel_selected(&maas_f32_lstm_table), params);
}
