/// One row of bytes and several panels at once: the second-level cache gives several streams sooner than one. Included
/// by block.h.

enum { panels_of_row = 4 };

/// The row's sums of so many panels.
static __attribute__((noinline)) void multiply_panels(const maas_s8_block *k, const uint8_t *b,
                                                      const panel_columns *c, int32_t *sums) {
  const int64_t panel = maas_s8_panel(k->k, MAAS_NR);
  vi acc[panels_of_row * MAAS_NV];
  MAAS_EACH (v, panels_of_row * MAAS_NV)
    acc[v] = vi_load(c[v / MAAS_NV].base + v % MAAS_NV * V_WIDTH);
  for (int64_t at = 0; at < k->k; at += 4, b += 4 * MAAS_NR) {
    vi row = vi_set(load_word(k->a + at));
    MAAS_EACH (v, panels_of_row * MAAS_NV) {
      const uint8_t *quads = b + v / MAAS_NV * panel + v % MAAS_NV * 4 * V_WIDTH;
      acc[v] = vi_dot_quads(acc[v], row, vi_load((const int32_t *)(const void *)quads));
    }
  }
  MAAS_EACH (v, panels_of_row * MAAS_NV)
    vi_store(sums + v * V_WIDTH, acc[v]);
}

/// Groups of panels, of which the last may have fewer columns; returns where the first column is that has no group.
static int64_t multiply_row(const maas_s8_block *k) {
  const int64_t panel = maas_s8_panel(k->k, MAAS_NR);
  const uint8_t *b = k->b;
  int64_t j = 0;
  for (; k->columns - j > (panels_of_row - 1) * MAAS_NR;
       j += panels_of_row * MAAS_NR, b += panels_of_row * panel) {
    panel_columns c[panels_of_row];
    int32_t sums[panels_of_row * MAAS_NR];
    for (int64_t q = 0; q < panels_of_row; q++)
      load_columns(k, j + q * MAAS_NR, column_sums(k, b + q * panel), &c[q]);
    multiply_panels(k, b, c, sums);
    for (int64_t q = 0; q < panels_of_row; q++)
      finish_some(k, &c[q], 0, 1, j + q * MAAS_NR, sums + q * MAAS_NR);
  }
  return j;
}
