/// The rows of the look-up of bytes in a table.
#include "maas_quant.h"
#include "../split.h"
#include "../table.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

int32_t maas_s8_table_64_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_s8_table_1_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_s8_table_64_avx512, MAAS_ISA_AVX512, 1, 64),
#endif
    MAAS_ROW(maas_s8_table_1_scalar, MAAS_ISA_SCALAR, 1, 1),
};
MAAS_ENTRY(maas_s8_table, rows)

maas_split maas_s8_table_split(int64_t n) {
  return maas_split_by_cost(n, maas_cpu_permutes_bytes() ? 0.03 : 0.4, 0);
}

int32_t maas_s8_table_1_scalar(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const uint8_t *x = step->operands[0], *table = step->operands[1];
  uint8_t *y = step->operands[2];
  for (int64_t i = begin; i < end; i++)
    y[i] = table[x[i]];
  return MAAS_STEP_OK;
}

#if defined(__x86_64__)
/// Whole vectors; returns how far it came.
__attribute__((target("avx512f,avx512bw,avx512vbmi"))) static int64_t
look_up(const uint8_t *x, const uint8_t *table, uint8_t *y, int64_t i, int64_t end) {
  __m512i first = _mm512_loadu_si512(table), second = _mm512_loadu_si512(table + 64),
          third = _mm512_loadu_si512(table + 128), fourth = _mm512_loadu_si512(table + 192);
  for (; i + 64 <= end; i += 64) {
    __m512i at = _mm512_loadu_si512(x + i);
    __m512i low = _mm512_permutex2var_epi8(first, at, second);
    __m512i high = _mm512_permutex2var_epi8(third, at, fourth);
    _mm512_storeu_si512(y + i, _mm512_mask_blend_epi8(_mm512_movepi8_mask(at), low, high));
  }
  return i;
}

int32_t maas_s8_table_64_avx512(MAAS_STEP_ARGUMENTS) {
  if (maas_cpu_permutes_bytes())
    begin = look_up(step->operands[0], step->operands[1], step->operands[2], begin, end);
  return maas_s8_table_1_scalar(step, begin, end, worker);
}
#endif
