#ifndef MAAS_NORM_SUMS_H
#define MAAS_NORM_SUMS_H
/// The statistics of a row. Included after simd/math.h.
/// The sum of (x - mean) or of its square, on four sums.
static inline __attribute__((always_inline)) float row_sum(const float *x, int64_t n, float mean,
                                                           const bool square) {
  vf sum[4] = {v_set(0), v_set(0), v_set(0), v_set(0)}, m = v_set(mean);
  int64_t i = 0;
  for (; i + 4 * V_WIDTH <= n; i += 4 * V_WIDTH)
    for (int s = 0; s < 4; s++) {
      vf d = v_sub(v_load(x + i + s * V_WIDTH), m);
      sum[s] = square ? v_fma(d, d, sum[s]) : v_add(sum[s], d);
    }
  for (; i < n; i += V_WIDTH) {
    int64_t count = n - i < V_WIDTH ? n - i : V_WIDTH;
    vf d = v_first(v_sub(v_load_tail(x + i, count), m), count);
    sum[0] = square ? v_fma(d, d, sum[0]) : v_add(sum[0], d);
  }
  return v_sum(v_add(v_add(sum[0], sum[1]), v_add(sum[2], sum[3])));
}

/// The second sum, of the differences from the first mean, takes back the first one's rounding.
static float row_mean(const float *x, int64_t n) {
  float mean = row_sum(x, n, 0, false) / (float)n;
  return mean + row_sum(x, n, mean, false) / (float)n;
}
#endif
