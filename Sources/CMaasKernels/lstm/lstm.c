/// The rows of lstm.
#include "../split.h"
#include "../table.h"

int32_t maas_f32_lstm_16_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_lstm_8_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_lstm_4_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_lstm_1_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_lstm_16_avx512, MAAS_ISA_AVX512, 1, 16),
    MAAS_ROW(maas_f32_lstm_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_lstm_4_neon, MAAS_ISA_NEON, 1, 4),
#endif
    MAAS_ROW(maas_f32_lstm_1_scalar, MAAS_ISA_SCALAR, 1, 1),
};
MAAS_ENTRY(maas_f32_lstm, rows)

maas_split maas_f32_lstm_split(const maas_f32_lstm_params *g) {
  return maas_split_by_cost(g->rows, 30 + 8.0 * (double)g->units, 0);
}
