/// Floats to bytes with a scale for each block, for one instruction set. Included by body.h.

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
      y[from + (splits ? i / 8 * 8 + i % 2 * 4 + i % 8 / 2 : i)] = (int8_t)whole[i];
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
