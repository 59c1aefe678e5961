/// Floats to bytes with a scale for each block, for one instruction set. Included by body.h.

/// Puts the even ones of eight bytes before the odd ones.
static inline void split_eight(int8_t *bytes) {
  uint64_t all, halves[2];
  memcpy(&all, bytes, sizeof all);
  for (int i = 0; i < 2; i++) {
    uint64_t x = all >> 8 * i & 0x00ff00ff00ff00ff;
    x = (x | x >> 8) & 0x0000ffff0000ffff;
    halves[i] = (x | x >> 16) & 0xffffffff;
  }
  all = halves[0] | halves[1] << 32;
  memcpy(bytes, &all, sizeof all);
}

static void bytes_of_block(const float *x, int64_t n, bool splits, int8_t *restrict y, float *scale,
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
    for (int64_t i = 0; splits && i < count; i += 8)
      split_eight(y + from + i);
  }
  *scale = most / 127;
  *sum = *scale * (float)total;
}

int32_t MAAS_F32_KERNEL(block_bytes)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_block_bytes_params *g = step->params;
  for (int64_t b = begin; b < end; b++)
    bytes_of_block((const float *)step->operands[0] + b * g->block, g->block, g->bits == 4,
                   (int8_t *)step->operands[1] + b * g->block, (float *)step->operands[2] + b,
                   (float *)step->operands[3] + b);
  return MAAS_STEP_OK;
}
