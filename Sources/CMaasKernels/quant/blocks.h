/// Floats to bytes with a scale for each block, for one instruction set. Included by body.h.

/// Puts sixteen bytes in the order in which they meet codes of so many bits: those that meet the lowest code of four
/// bytes, then those that meet the next one.
static inline void order_sixteen(int bits, int8_t *bytes) {
  typedef int8_t sixteen __attribute__((vector_size(16)));
  sixteen all;
  memcpy(&all, bytes, sizeof all);
  if (bits == 4)
    all = __builtin_shufflevector(all, all, 0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15);
  else
    all = __builtin_shufflevector(all, all, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  memcpy(bytes, &all, sizeof all);
}

static void bytes_of_block(const float *x, int64_t n, int bits, int8_t *restrict y, float *scale,
                           float *sum) {
  float most = 0, whole[stretch];
  int32_t total = 0;
  for (int64_t i = 0; i < n; i++)
    most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
  float inverse = most > 0 ? 127 / most : 0;
  for (int64_t from = 0; from < n; from += stretch) {
    int64_t count = n - from < stretch ? n - from : stretch;
    for (int64_t i = 0; i < count; i++) {
      whole[i] = rounded(x[from + i] * inverse, -127, 127);
      total += (int32_t)whole[i];
    }
    for (int64_t i = 0; i < count; i++)
      y[from + i] = (int8_t)whole[i];
    for (int64_t i = 0; bits < 8 && i < count; i += 16)
      order_sixteen(bits, y + from + i);
  }
  *scale = most / 127;
  *sum = *scale * (float)total;
}

int32_t MAAS_F32_KERNEL(block_bytes)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_block_bytes_params *g = step->params;
  for (int64_t b = begin; b < end; b++)
    bytes_of_block((const float *)step->operands[0] + b * g->block, g->block, g->bits,
                   (int8_t *)step->operands[1] + b * g->block, (float *)step->operands[2] + b,
                   (float *)step->operands[3] + b);
  return MAAS_STEP_OK;
}
