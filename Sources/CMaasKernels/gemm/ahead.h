#ifndef MAAS_GEMM_AHEAD_H
#define MAAS_GEMM_AHEAD_H
/// The inner loop of a micro-kernel where memory is what is short: each row of B also fetches what is read later.
/// Included by micro.h.

/// How far ahead of what is multiplied a panel is fetched.
enum { bytes_ahead = 4096 };

/// Vectors of Y from which on that is done, and from which on the next panel is fetched. With fewer the processor
/// itself runs ahead as far, and the hardware fetches better alone.
enum { ahead_least = 12, share_least = 8 };

/// Lines that are soon read of this panel, and a share of the next one. One of a line or more, as few groups of rows
/// have, goes to the second-level cache, as this panel fills the first.
MAAS_INLINE void fetch(const int mr, const int nv, const real *b, maas_gemm_ahead next) {
  const int64_t bytes = nv * V_WIDTH * (int64_t)sizeof(real);
  for (int64_t at = 0; mr * nv >= ahead_least && at < bytes; at += line_bytes)
    __builtin_prefetch((const char *)b + at + bytes_ahead);
  if (mr * nv < share_least)
    return;
  if (next.step < line_bytes) {
    __builtin_prefetch(next.at);
    return;
  }
  __builtin_prefetch(next.at, 0, 2);
  for (int64_t at = line_bytes; at < bytes && at < next.step; at += line_bytes)
    __builtin_prefetch(next.at + at, 0, 2);
}

/// The tile of Y is fetched when so many rows of B are left, if a pass has at least so many: it is there when it is
/// wanted.
enum { rows_before_y = 64, least_before_y = 256 };
_Static_assert(least_before_y > rows_before_y, "a pass has rows before those");

/// To the second-level cache where the rows of A are so many that they fill the first.
MAAS_INLINE void fetch_y(const int mr, const int nv, maas_gemm_ahead next) {
  enum { rows_beside_y = 8 };
  const int64_t bytes = nv * V_WIDTH * (int64_t)sizeof(real);
#pragma clang loop unroll(disable)
  for (int64_t i = 0; i < mr; i++, next.y += next.y_row)
    for (int64_t at = 0; at < bytes; at += line_bytes)
      if (mr <= rows_beside_y)
        __builtin_prefetch((const char *)next.y + at);
      else
        __builtin_prefetch((const char *)next.y + at, 0, 2);
}

/// acc[mr][nv] = A[mr, k] B[k, NR].
MAAS_INLINE void multiply(const int mr, const int nv, vf acc[][MAAS_NV], int64_t k, maas_gemm_left a,
                          maas_gemm_right b, maas_gemm_ahead next) {
  MAAS_EACH (i, mr)
    MAAS_EACH (v, nv)
      acc[i][v] = v_set(0);
  bool fetches_y = !is_compact && mr * nv >= ahead_least && k >= least_before_y;
  int64_t p = 0;
  for (int64_t end = fetches_y ? k - rows_before_y : k;; end = k) {
    for (; p < end; p++, b.b += b.row, a.a += a.col, next.at += next.step) {
      vf columns[MAAS_NV];
      MAAS_EACH (v, nv)
        columns[v] = v_load(b.b + v * V_WIDTH);
      fetch(mr, nv, b.b, next);
      MAAS_EACH (i, mr) {
        vf row = v_set(a.a[i * a.row]);
        MAAS_EACH (v, nv)
          acc[i][v] = v_fma(row, columns[v], acc[i][v]);
      }
    }
    if (p == k)
      return;
    fetch_y(mr, nv, next);
  }
}

#endif
