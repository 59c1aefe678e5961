/// The smallest and largest of many floats, for one instruction set. Included by body.h.

/// NaN is neither less nor greater than what was found before.
static inline vf lower_of(vf next, vf low) { return v_select(v_less(next, low), next, low); }
static inline vf higher_of(vf next, vf high) { return v_select(v_less(high, next), next, high); }

/// Of n floats and 0, without NaN.
static void range_of(const float *x, int64_t n, float *low, float *high) {
  enum { chains = 4 };
  vf lows[chains], highs[chains];
  for (int c = 0; c < chains; c++)
    lows[c] = highs[c] = v_set(0);
  int64_t i = 0;
  for (; i + chains * V_WIDTH <= n; i += chains * V_WIDTH)
    for (int c = 0; c < chains; c++) {
      vf next = v_load(x + i + c * V_WIDTH);
      lows[c] = lower_of(next, lows[c]);
      highs[c] = higher_of(next, highs[c]);
    }
  for (; i < n; i += V_WIDTH) {
    vf next = v_load_tail(x + i, n - i < V_WIDTH ? n - i : V_WIDTH);
    lows[0] = lower_of(next, lows[0]);
    highs[0] = higher_of(next, highs[0]);
  }
  for (int c = 1; c < chains; c++) {
    lows[0] = v_min(lows[c], lows[0]);
    highs[0] = v_max(highs[c], highs[0]);
  }
  *low = v_min_lane(lows[0]);
  *high = v_max_lane(highs[0]);
}

int32_t MAAS_F32_KERNEL(range)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_f32_range_params *g = step->params;
  for (int64_t b = begin; b < end; b++) {
    int64_t from = b * g->block, left = g->n - from;
    float *y = (float *)step->operands[1] + 2 * b;
    range_of((const float *)step->operands[0] + from, left < g->block ? left : g->block, y, y + 1);
  }
  return MAAS_STEP_OK;
}
