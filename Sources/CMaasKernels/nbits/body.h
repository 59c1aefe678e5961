/// Products with block-wise quantized B for one instruction set. A lane holds a column: a word of 32 bits has 32 / bits
/// neighbours along k, which come down one after the other. Few rows multiply the codes as they are unpacked; for more,
/// a pass over a panel is unpacked to floats and multiplied by gemm's micro-kernels.
#include "../gemm/layout.h"
#include "../gemm/left.h"
#include "maas_quant.h"

/// A loop that would only grow by unrolling.
#define MAAS_ROLLED _Pragma("clang loop unroll(disable) vectorize(disable)")

/// The lowest code of every lane.
MAAS_INLINE vf code_of(const int bits, vi word) {
  return bits == 4 ? v_nibble(word) : vi_to_float(vi_and(word, vi_set((1 << bits) - 1)));
}

typedef struct panel {
  const int32_t *codes;
  const float *scales, *zeros;
} panel;

static panel panel_at(const maas_f32_nbits_params *g, void *const *operands, int64_t j) {
  int64_t blocks = g->k / g->block;
  panel p = {.codes = (const int32_t *)operands[1] + j * (g->k * g->bits / 32),
             .scales = (const float *)operands[2] + j * blocks};
  if (operands[3])
    p.zeros = (const float *)operands[3] + j * blocks;
  return p;
}

/// to[count][NR] = (code - zero) scale, from place p of k on; a whole number of words.
MAAS_INLINE void unpack_words(const int bits, const maas_f32_nbits_params *g, const panel *from, int64_t p,
                              int64_t count, float *to) {
  const int per_word = 32 / bits;
  const int32_t *codes = from->codes + p / per_word * MAAS_NR;
  for (int64_t end = p + count; p < end; p += per_word, codes += MAAS_NR, to += per_word * MAAS_NR) {
    MAAS_EACH (v, MAAS_NV) {
      int64_t at = p / g->block * MAAS_NR + v * V_WIDTH;
      vf scale = v_load(from->scales + at), zero = from->zeros ? v_load(from->zeros + at) : v_set(g->zero);
      vi word = vi_load(codes + v * V_WIDTH);
      MAAS_ROLLED for (int i = 0; i < per_word; i++) {
        v_store(to + i * MAAS_NR + v * V_WIDTH, v_mul(v_sub(code_of(bits, word), zero), scale));
        word = next_code(bits, word);
      }
    }
  }
}

static __attribute__((noinline)) void unpack(const maas_f32_nbits_params *g, const panel *from, int64_t p,
                                             int64_t count, float *to) {
  if (g->bits == 2)
    unpack_words(2, g, from, p, count, to);
  else if (g->bits == 4)
    unpack_words(4, g, from, p, count, to);
  else
    unpack_words(8, g, from, p, count, to);
}

#if V_WIDTH > 1
/// `steps` words of one block: sums[row * chains + i % chains] += A[row, i] codes[i]. A single row has several sums, as
/// one would wait for itself.
MAAS_INLINE void add_words(const int bits, const int rows, const int chains, int64_t steps, const float *a,
                           int64_t a_row, const int32_t *codes, vf sums[][MAAS_NV]) {
  for (int64_t w = 0; w < steps; w++, codes += MAAS_NR, a += 32 / bits) {
    vi words[MAAS_NV];
    MAAS_EACH (v, MAAS_NV)
      words[v] = vi_load(codes + v * V_WIDTH);
    MAAS_ROLLED for (int i = 0; i < 32 / bits; i += chains) MAAS_EACH (s, chains) {
      vf code[MAAS_NV];
      MAAS_EACH (v, MAAS_NV) {
        code[v] = code_of(bits, words[v]);
        words[v] = next_code(bits, words[v]);
      }
      MAAS_EACH (r, rows) {
        vf left = v_set(a[r * a_row + i + s]);
        MAAS_EACH (v, MAAS_NV)
          sums[r * chains + s][v] = v_fma(left, code[v], sums[r * chains + s][v]);
      }
    }
  }
}

/// total[row] += scale (A[row] codes - sum of A[row] zero) for block `b`.
MAAS_INLINE void add_block(const int bits, const int rows, const maas_f32_nbits_params *g, const panel *p,
                           int64_t b, const float *a, const float *a_sums, vf total[][MAAS_NV]) {
  const int chains = rows == 1 ? 4 : 1;
  int64_t steps = g->block * bits / 32, blocks = g->k / g->block;
  vf sums[most_rows][MAAS_NV];
  MAAS_EACH (s, rows * chains)
    MAAS_EACH (v, MAAS_NV)
      sums[s][v] = v_set(0);
  add_words(bits, rows, chains, steps, a + b * g->block, g->k, p->codes + b * steps * MAAS_NR, sums);
  MAAS_EACH (v, MAAS_NV) {
    int64_t at = b * MAAS_NR + v * V_WIDTH;
    vf scale = v_load(p->scales + at), zero = p->zeros ? v_load(p->zeros + at) : v_set(g->zero);
    MAAS_EACH (r, rows) {
      vf dot = sums[r * chains][v];
      MAAS_EACH (s, chains - 1)
        dot = v_add(dot, sums[r * chains + s + 1][v]);
      dot = v_fma(v_set(-a_sums[r * blocks + b]), zero, dot);
      total[r][v] = v_fma(scale, dot, total[r][v]);
    }
  }
}

/// total = A[row] B with B unpacked word by word. The sum of products of codes, and that of the elements, can be
/// infinite where the result is not, and what one subtracts from the other then no number.
static __attribute__((noinline)) void dot_unpacked(const maas_f32_nbits_params *g, const panel *p,
                                                   const float *a, vf *total) {
  float b[32 / 4 * MAAS_NR];
  MAAS_EACH (v, MAAS_NV)
    total[v] = v_set(0);
  for (int64_t first = 0, count = 32 / g->bits; first < g->k; first += count) {
    unpack(g, p, first, count, b);
    for (int64_t i = 0; i < count; i++)
      MAAS_EACH (v, MAAS_NV)
        total[v] = v_fma(v_set(a[first + i]), v_load(b + i * MAAS_NR + v * V_WIDTH), total[v]);
  }
}

static inline bool are_finite(const vf *x) {
  vf zero = v_set(0);
  MAAS_EACH (v, MAAS_NV)
    zero = v_fma(x[v], v_set(0), zero);
  return v_sum(zero) == 0;
}

/// Rows i ... i + rows of the panel of columns that begins at j.
MAAS_INLINE void few_rows(const int bits, const int rows, const maas_f32_nbits_params *g,
                          void *const *operands, int64_t i, int64_t j) {
  int64_t blocks = g->k / g->block, width = maas_min64(MAAS_NR, g->n - j);
  panel p = panel_at(g, operands, j);
  const float *a = (const float *)operands[0] + i * g->k, *a_sums = (const float *)operands[4] + i * blocks;
  const float *bias = operands[5] ? (const float *)operands[5] + j : NULL;
  vf total[most_rows][MAAS_NV];
  MAAS_EACH (r, rows)
    MAAS_EACH (v, MAAS_NV)
      total[r][v] = v_set(0);
  for (int64_t b = 0; b < blocks; b++)
    add_block(bits, rows, g, &p, b, a, a_sums, total);
  MAAS_EACH (r, rows) {
    if (__builtin_expect(!are_finite(total[r]), 0))
      dot_unpacked(g, &p, a + r * g->k, total[r]);
    maas_nbits_store(total[r], MAAS_NV, bias, (float *)operands[6] + (i + r) * g->n + j, width);
  }
}

typedef void rows_function(const maas_f32_nbits_params *g, void *const *operands, int64_t i, int64_t j);

#define MAAS_FEW_ROWS(bits, rows)                                                                            \
  static __attribute__((noinline)) void few_rows_##bits##_##rows(                                            \
      const maas_f32_nbits_params *g, void *const *operands, int64_t i, int64_t j) {                         \
    few_rows(bits, rows, g, operands, i, j);                                                                 \
  }
MAAS_FEW_ROWS(4, 1)
MAAS_FEW_ROWS(4, 4)
MAAS_FEW_ROWS(8, 1)
MAAS_FEW_ROWS(8, 4)

static void few_rows_tile(const maas_f32_nbits_params *g, void *const *operands, int64_t j) {
  rows_function *one = g->bits == 4 ? few_rows_4_1 : few_rows_8_1;
  if (g->m == most_rows)
    (g->bits == 4 ? few_rows_4_4 : few_rows_8_4)(g, operands, 0, j);
  else
    for (int64_t i = 0; i < g->m; i++)
      one(g, operands, i, j);
}
#endif

/// A tile of Y: pass by pass over k, rows of A packed, then panel by panel.
static void many_rows_tile(const maas_f32_nbits_params *g, void *const *operands, int64_t i, int64_t j,
                           float *scratch) {
  int64_t rows = maas_min64(g->tile_m, g->m - i), columns = maas_min64(g->tile_n, g->n - j);
  float *slab = scratch + maas_round_up(g->tile_m, MAAS_MR) * g->pass;
  for (int64_t p = 0; p < g->k; p += g->pass) {
    int64_t length = maas_min64(g->pass, g->k - p);
    maas_gemm_left a = {(const float *)operands[0] + i * g->k + p, g->k, 1};
    pack_a(rows, MAAS_MR, length, a, scratch);
    for (int64_t c = 0; c < columns; c += MAAS_NR) {
      panel from = panel_at(g, operands, j + c);
      unpack(g, &from, p, length, slab);
      maas_gemm_pass pass = {.rows = rows,
                             .columns = maas_min64(MAAS_NR, columns - c),
                             .k = length,
                             .a = {scratch, 1, MAAS_MR},
                             .group = MAAS_MR * length,
                             .b = slab};
      maas_gemm_finish finish = {.y = (float *)operands[6] + i * g->n + j + c,
                                 .y_row = g->n,
                                 .c = operands[5] && p == 0 ? (const float *)operands[5] + j + c : NULL,
                                 .c_col = 1,
                                 .alpha = 1,
                                 .beta = 1,
                                 .add = p > 0};
      MAAS_F32_SHARED(gemm_pass)(&pass, &finish);
    }
  }
}

int32_t MAAS_F32_KERNEL(nbits)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  const maas_f32_nbits_params *g = step->params;
  int64_t row_tiles = maas_ceil_div(g->m, g->tile_m);
  if (g->a_is_bytes) {
    MAAS_NBITS_BYTES(g, step->operands, begin, end);
    return MAAS_STEP_OK;
  }
  for (int64_t item = begin; item < end; item++) {
    int64_t i = item % row_tiles * g->tile_m, j = item / row_tiles * g->tile_n;
#if V_WIDTH > 1
    if (g->direct) {
      few_rows_tile(g, step->operands, j);
      continue;
    }
#endif
    many_rows_tile(g, step->operands, i, j, worker->scratch);
  }
  return MAAS_STEP_OK;
}
