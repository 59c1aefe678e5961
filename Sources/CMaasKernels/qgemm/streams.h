/// One row of bytes and several panels at once, as memory gives several streams sooner than one. Included by block.h.
#ifdef MAAS_STREAMS

/// sums[few_panels][NR]: the first of each panel's columns is at c[panel].base.
static __attribute__((noinline)) void multiply_streams(const maas_s8_block *k, const uint8_t *b,
                                                       const panel_columns *c, int32_t *sums) {
  const int64_t panel = maas_s8_panel(k->k, MAAS_NR);
  const uint8_t *row = k->a;
  vi acc[few_panels][MAAS_NV];
  MAAS_EACH (q, few_panels)
    MAAS_EACH (v, MAAS_NV)
      acc[q][v] = vi_load(c[q].base + v * V_WIDTH);
  for (const uint8_t *end = row + k->k; row < end; row += 4, b += 4 * MAAS_NR) {
    vi left = vi_set(load_word(row));
    MAAS_EACH (q, few_panels)
      MAAS_EACH (v, MAAS_NV) {
        const int32_t *quads = (const int32_t *)(const void *)(b + q * panel);
        acc[q][v] = vi_dot_quads(acc[q][v], left, vi_load(quads + v * V_WIDTH));
      }
  }
  MAAS_EACH (q, few_panels)
    MAAS_EACH (v, MAAS_NV)
      vi_store(sums + q * MAAS_NR + v * V_WIDTH, acc[q][v]);
}

/// Whether there is one row, and so many panels from column j on.
static bool streams_pay(const maas_s8_block *k, int64_t j) {
  return k->rows == 1 && !k->places && k->pieces == 1 && k->columns - j >= few_panels * MAAS_NR;
}

static void stream_panels(const maas_s8_block *k, int64_t j, const uint8_t *b) {
  panel_columns c[few_panels];
  int32_t sums[few_panels * MAAS_NR];
  for (int q = 0; q < few_panels; q++)
    load_columns(k, j + q * MAAS_NR, column_sums(k, b + q * maas_s8_panel(k->k, MAAS_NR)), &c[q]);
  multiply_streams(k, b, c, sums);
  for (int q = 0; q < few_panels; q++)
    (c[q].is_plain ? finish_plain_rows : finish_other_rows)(k, &c[q], 0, 1, j + q * MAAS_NR,
                                                            sums + q * MAAS_NR);
}

#else
static bool streams_pay(const maas_s8_block *k, int64_t j) { return (void)k, (void)j, false; }
static void stream_panels(const maas_s8_block *k, int64_t j, const uint8_t *b) { (void)k, (void)j, (void)b; }
#endif
