/// Products with a B of 16-bit elements for one instruction set. Included by body.h.

/// acc[mr][NV] = A[mr, k] B[k, NR] with 16-bit elements of B, widened in registers: nothing but B's own bytes
/// moves. Two sums in turn, so that none waits for itself.
MAAS_INLINE void multiply_halves(const int mr, const bool is_bfloat, vf acc[][MAAS_NV], int64_t k,
                                 maas_gemm_left a, const uint16_t *b) {
  vf sums[2][MAAS_FEW][MAAS_NV];
  MAAS_EACH (s, 2)
    MAAS_EACH (i, mr)
      MAAS_EACH (v, MAAS_NV)
        sums[s][i][v] = v_set(0);
  for (int64_t p = 0; p < k; p += 2)
    MAAS_EACH (s, 2) {
      if (p + s == k)
        break;
      MAAS_EACH (v, MAAS_NV) {
        vf column = is_bfloat ? v_load_bfloat(b + v * V_WIDTH) : v_load_half(b + v * V_WIDTH);
        MAAS_EACH (i, mr)
          sums[s][i][v] = v_fma(v_set(a.a[i * a.row]), column, sums[s][i][v]);
      }
      a.a += a.col;
      b += MAAS_NR;
    }
  MAAS_EACH (i, mr)
    MAAS_EACH (v, MAAS_NV)
      acc[i][v] = v_add(sums[0][i][v], sums[1][i][v]);
}

typedef void halves_kernel(const maas_gemm_pass *pass, const uint16_t *b, bool is_bfloat,
                           const maas_gemm_finish *f);

/// The only tile of a pass of at most MAAS_NR columns.
#define MAAS_HALVES(rows)                                                                                    \
  static __attribute__((noinline)) void halves_##rows(const maas_gemm_pass *pass, const uint16_t *b,         \
                                                      bool is_bfloat, const maas_gemm_finish *f) {           \
    vf acc[MAAS_MR][MAAS_NV];                                                                                \
    if (is_bfloat)                                                                                           \
      multiply_halves(rows, true, acc, pass->k, pass->a, b);                                                 \
    else                                                                                                     \
      multiply_halves(rows, false, acc, pass->k, pass->a, b);                                                \
    finish_tile(rows, MAAS_NV, acc, pass->columns, f, 0, 0);                                                 \
  }
MAAS_HALVES(1)
MAAS_HALVES(2)
MAAS_HALVES(3)
MAAS_HALVES(4)
static halves_kernel *const halves_micros[MAAS_FEW] = {halves_1, halves_2, halves_3, halves_4};

static bool has_halves(const maas_f32_gemm_params *g) {
  return g->b_form == MAAS_GEMM_B_PACKED_F16 || g->b_form == MAAS_GEMM_B_PACKED_BF16;
}

/// Panels of 16-bit elements, to floats. What comes next is fetched, so that memory works on while these are used.
static void widen(const char *from, bool is_bfloat, int64_t count, float *to) {
  enum { ahead = 8192 };
  const uint16_t *halves = (const uint16_t *)(const void *)from;
  for (int64_t i = 0; i < count; i += MAAS_NR) {
    __builtin_prefetch((const char *)(halves + i) + ahead);
    MAAS_EACH (v, MAAS_NV) {
      const uint16_t *one = halves + i + v * V_WIDTH;
      v_store(to + i + v * V_WIDTH, is_bfloat ? v_load_bfloat(one) : v_load_half(one));
    }
  }
}

/// Rows that read 16-bit panels themselves, a second time from the cache; more of them share a copy in floats.
enum { halves_rows = 2 * MAAS_FEW };

/// A product of few rows with a B of 16-bit elements.
static __attribute__((noinline)) void halves_tile(const maas_f32_gemm_params *g, const gemm_item *item,
                                                  const maas_gemm_finish *f) {
  for (int64_t j = 0; j < item->columns; j += MAAS_NR)
    for (int64_t i = 0; i < item->rows; i += MAAS_FEW) {
      maas_gemm_pass pass = {.columns = maas_min64(MAAS_NR, item->columns - j),
                             .k = g->k,
                             .a = {item->a + i * g->a_row, g->a_row, g->a_col}};
      maas_gemm_finish finish = finish_at(f, i, j);
      const uint16_t *b = (const uint16_t *)(const void *)item->b + j * g->k;
      halves_kernel *kernel = halves_micros[maas_min64(MAAS_FEW, item->rows - i) - 1];
      kernel(&pass, b, g->b_form == MAAS_GEMM_B_PACKED_BF16, &finish);
    }
}
