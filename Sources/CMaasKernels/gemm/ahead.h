#ifndef MAAS_GEMM_AHEAD_H
#define MAAS_GEMM_AHEAD_H
/// The inner loop of a micro-kernel where memory is what is short: each row of B also fetches what is read later.
/// Included by micro.h.

/// Bytes of a panel to fetch ahead. With few rows the processor itself runs ahead as far, and the hardware
/// fetches better alone.
#define MAAS_AHEAD 4096
#define MAAS_AHEAD_LEAST 12

/// What this tile soon reads of its panel, and a line more.
MAAS_INLINE void fetch(const int mr, const int nv, const real *b, const char *at) {
  if (mr * nv < MAAS_AHEAD_LEAST)
    return;
  for (int64_t line = 0; line < nv * V_WIDTH * (int64_t)sizeof(real); line += 64)
    __builtin_prefetch((const char *)b + line + MAAS_AHEAD);
  __builtin_prefetch(at);
}

/// acc[mr][nv] = A[mr, k] B[k, NR].
MAAS_INLINE void multiply(const int mr, const int nv, vf acc[][MAAS_NV], int64_t k, maas_gemm_left a,
                          maas_gemm_right b, maas_gemm_ahead ahead) {
  MAAS_EACH (i, mr)
    MAAS_EACH (v, nv)
      acc[i][v] = v_set(0);
  for (int64_t p = 0; p < k; p++, b.b += b.row, a.a += a.col, ahead.at += ahead.step) {
    vf columns[MAAS_NV];
    MAAS_EACH (v, nv)
      columns[v] = v_load(b.b + v * V_WIDTH);
    fetch(mr, nv, b.b, ahead.at);
    MAAS_EACH (i, mr) {
      vf row = v_set(a.a[i * a.row]);
      MAAS_EACH (v, nv)
        acc[i][v] = v_fma(row, columns[v], acc[i][v]);
    }
  }
}

#endif
