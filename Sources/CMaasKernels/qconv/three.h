/// Kernels of three columns and at most three rows: neighbouring outputs share the taps that they load. Included by
/// depthwise.h.

/// MAAS_MR neighbouring outputs of a kernel of three columns: they share what they load. `nv` vectors have all
/// channels.
MAAS_INLINE void sum_three(const int nv, const depthwise_row *d, int64_t left, const int stride,
                           const bool at_edge, const depthwise_target *to) {
  vi sum[MAAS_MR][MAAS_NV], taps[MAAS_NV];
  const uint8_t *const rows[] = {d->rows[0], d->rows[1], d->rows[2], NULL};
  MAAS_EACH (i, MAAS_MR)
    MAAS_EACH (v, nv)
      sum[i][v] = vi_set(0);
  MAAS_EACH (x, (MAAS_MR - 1) * stride + 3) {
    load_taps(d, rows, left + x, 3, at_edge, taps);
    MAAS_EACH (k, 3)
      if (x >= k && (x - k) % stride == 0 && (x - k) / stride < MAAS_MR)
        add_taps(nv, taps, d->weights + k * 4 * MAAS_NR, sum[(x - k) / stride]);
  }
  MAAS_EACH (i, MAAS_MR)
    add_base(nv, d->base, sum[i]);
  if (!finishes_sums || !to->bytes) {
    MAAS_EACH (i, MAAS_MR)
      store_sums(nv, sum[i], to->sums + i * MAAS_NR);
    return;
  }
  MAAS_EACH (i, MAAS_MR)
    if (i < to->count)
      store_plain_bytes(nv, true, to->bytes, sum[i], to->y + i * to->y_row);
}

/// Whether the outputs see x only.
static bool sees_inside(const depthwise_row *d, int64_t left) {
  int64_t last = left + (MAAS_MR - 1) * d->g->stride[maas_width] + 2;
  return left >= 0 && last < d->g->input[maas_width] && d->rows[0] && d->rows[1] && d->rows[2];
}

#define SUM_THREE(name, nv, stride, at_edge)                                                                 \
  static __attribute__((noinline)) void name(const depthwise_row *d, int64_t left,                           \
                                             const depthwise_target *to) {                                   \
    sum_three(nv, d, left, stride, at_edge, to);                                                             \
  }
enum { half_nv = (MAAS_NV + 1) / 2 };
SUM_THREE(sum_whole_1, MAAS_NV, 1, false)
SUM_THREE(sum_whole_2, MAAS_NV, 2, false)
SUM_THREE(sum_half_1, half_nv, 1, false)
SUM_THREE(sum_half_2, half_nv, 2, false)
SUM_THREE(sum_at_edge_1, MAAS_NV, 1, true)
SUM_THREE(sum_at_edge_2, MAAS_NV, 2, true)

/// A panel that is half empty costs half.
static void sum_three_1(const depthwise_row *d, int64_t left, const depthwise_target *to) {
  bool is_half = d->width <= half_nv * V_WIDTH;
  (!sees_inside(d, left) ? sum_at_edge_1 : is_half ? sum_half_1 : sum_whole_1)(d, left, to);
}
static void sum_three_2(const depthwise_row *d, int64_t left, const depthwise_target *to) {
  bool is_half = d->width <= half_nv * V_WIDTH;
  (!sees_inside(d, left) ? sum_at_edge_2 : is_half ? sum_half_2 : sum_whole_2)(d, left, to);
}

static sum_function *sum_function_of(const maas_f32_conv_params *g) {
  int64_t stride = g->stride[maas_width];
  if (g->kernel[maas_depth] != 1 || g->kernel[maas_height] > 3 || g->kernel[maas_width] != 3 ||
      g->dilation[maas_width] != 1 || stride > 2)
    return sum_each;
  return stride == 1 ? sum_three_1 : sum_three_2;
}
