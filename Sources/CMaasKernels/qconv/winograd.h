/// Winograd's minimal filtering F(4x4, 3x3) of bytes (Lavin, Gray 2015: "Fast algorithms for convolutional neural
/// networks") in whole numbers, where the widest product that nothing saturates in is that of words: 36 products in
/// place of 144 for a tile of 4 x 4 outputs, for the points 0, +-1, +-2 and infinity. Transformed pixels are at most
/// 100 * 255, transformed weights 49 * 128, so both are words. What comes out is 576 times the outputs, modulo 2^32:
/// the odd part of 576 has an inverse there, and the rest is exact as long as an output fits 26 bits, which those of
/// maas_s8_tile_most_channels do. Included by patches.h.
#include "tiles.h"

enum { word_lanes = 16, pair_stretch = 4, line_sums = maas_tile_side * MAAS_NR };
static const uint32_t inverse_of_9 = 954437177;

/// A loop whose body is long enough.
#define MAAS_ROLLED _Pragma("clang loop unroll(disable)")
/// Keeps sums from being put together in another order, for which registers do not suffice.
#define MAAS_IN_ORDER(sum) __asm__("" : "+x"(sum))

/// The pixels that a tile sees, each of all channels.
static void find_pixels(const maas_f32_conv_params *g, const uint8_t *x, maas_tile tile,
                        const uint8_t *outside, const uint8_t **pixels) {
  int64_t height = g->input[maas_height], width = g->input[maas_width];
  for (int64_t i = 0; i < maas_tile_reach; i++)
    for (int64_t j = 0; j < maas_tile_reach; j++) {
      int64_t row = tile.y - g->pad[maas_height] + i, column = tile.x - g->pad[maas_width] + j;
      bool inside = row >= 0 && row < height && column >= 0 && column < width;
      *pixels++ = inside ? x + ((tile.plane * height + row) * width + column) * g->channels : outside;
    }
}

/// B' d along one dimension; the results lie `step` apart.
MAAS_INLINE void transform_words(const __m256i *d, __m256i *to, const int step) {
  __m256i even = _mm256_sub_epi16(d[4], _mm256_slli_epi16(d[2], 2));
  __m256i odd = _mm256_sub_epi16(d[3], _mm256_slli_epi16(d[1], 2));
  __m256i middle = _mm256_sub_epi16(d[4], d[2]), outer = _mm256_slli_epi16(_mm256_sub_epi16(d[3], d[1]), 1);
  to[0] = _mm256_add_epi16(_mm256_slli_epi16(_mm256_sub_epi16(d[0], d[2]), 2), middle);
  to[step] = _mm256_add_epi16(even, odd);
  to[2 * step] = _mm256_sub_epi16(even, odd);
  to[3 * step] = _mm256_add_epi16(middle, outer);
  to[4 * step] = _mm256_sub_epi16(middle, outer);
  to[5 * step] = _mm256_sub_epi16(_mm256_sub_epi16(d[5], d[3]), _mm256_slli_epi16(outer, 1));
}

/// The transformed pixels from channel c on; product e at to[e * product]. Bytes are unsigned once `flip` is turned.
/// Their zero point is in one of the results only, -6 times in each dimension.
MAAS_INLINE void scatter_pixels(const uint8_t *const *pixels, int64_t c, __m128i flip, __m256i zeros,
                                int64_t product, int16_t *to) {
  enum { reach = maas_tile_reach };
  __m256i half[reach * reach];
  MAAS_ROLLED for (int j = 0; j < reach; j++) {
    __m256i d[reach];
    MAAS_EACH (i, reach) {
      __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(pixels[i * reach + j] + c));
      d[i] = _mm256_cvtepu8_epi16(_mm_xor_si128(bytes, flip));
    }
    transform_words(d, half + j, reach);
  }
  MAAS_ROLLED for (int i = 0; i < reach; i++, to += reach * product) {
    __m256i row[reach];
    transform_words(half + i * reach, row, 1);
    if (i == 1)
      row[1] = _mm256_sub_epi16(row[1], zeros);
    MAAS_EACH (j, reach)
      _mm256_storeu_si256((__m256i *)(void *)(to + j * product + c), row[j]);
  }
}

static void scatter_tiles(const maas_s8_conv_params *p, void *const *operands, int64_t first, int64_t count,
                          uint8_t *outside, int16_t *to) {
  const maas_f32_conv_params *g = &p->conv;
  const maas_s8_finish *f = &p->finish;
  uint8_t padding = f->a_zeros ? *(const uint8_t *)operands[MAAS_S8_A_ZERO] : (uint8_t)f->a_zero;
  __m128i flip = _mm_set1_epi8(f->a_is_signed ? INT8_MIN : 0);
  __m256i zeros = _mm256_set1_epi16((int16_t)(36 * maas_s8_a_zero(f, operands, 0)));
  memset(outside, padding, (size_t)g->channels);
  for (int64_t t = 0; t < count; t++, to += maas_s8_tile_pitch(g)) {
    const uint8_t *pixels[maas_tile_products];
    find_pixels(g, operands[MAAS_S8_A], maas_tile_at(g, first + t), outside, pixels);
    for (int64_t c = 0; c < g->channels; c += word_lanes)
      scatter_pixels(pixels, c, flip, zeros, maas_s8_tile_words(g), to);
  }
}

/// sums[mr][MAAS_NR] = rows of k words, `pitch` apart, times a panel of pairs of words.
MAAS_INLINE void multiply_pairs(const int mr, int64_t k, const int16_t *a, int64_t pitch, const int16_t *b,
                                int32_t *sums) {
  __m256i acc[maas_s8_tile_rows][MAAS_NV];
  const int16_t *rows[maas_s8_tile_rows];
  MAAS_EACH (i, mr) {
    rows[i] = a + i * pitch;
    __asm__("" : "+r"(rows[i]));
    MAAS_EACH (v, MAAS_NV)
      acc[i][v] = _mm256_setzero_si256();
  }
  for (int64_t p = 0; p < k; p += 2 * pair_stretch, b += 2 * pair_stretch * MAAS_NR)
    MAAS_EACH (s, pair_stretch) {
      __m256i columns[MAAS_NV];
      MAAS_EACH (v, MAAS_NV)
        columns[v] = vi_load((const int32_t *)(const void *)(b + (s * MAAS_NV + v) * word_lanes));
      MAAS_EACH (i, mr) {
        __m256i row = vi_set(plain_word((const uint8_t *)(rows[i] + p + 2 * s)));
        MAAS_EACH (v, MAAS_NV) {
          acc[i][v] = vi_add(acc[i][v], vi_dot_pairs(row, columns[v]));
          MAAS_IN_ORDER(acc[i][v]);
        }
      }
    }
  MAAS_EACH (i, mr)
    MAAS_EACH (v, MAAS_NV)
      vi_store(sums + i * MAAS_NR + v * V_WIDTH, acc[i][v]);
}

typedef void pairs_kernel(int64_t k, const int16_t *a, int64_t pitch, const int16_t *b, int32_t *sums);
#define PAIRS_NAME(mr) pairs_##mr
#define PAIRS(mr)                                                                                            \
  static __attribute__((noinline)) void PAIRS_NAME(mr)(int64_t k, const int16_t *a, int64_t pitch,           \
                                                       const int16_t *b, int32_t *sums) {                    \
    multiply_pairs(mr, k, a, pitch, b, sums);                                                                \
  }
#define PAIRS_ROW(mr) PAIRS_NAME(mr),
MAAS_HEIGHTS(6, PAIRS)

/// For 1 ... maas_s8_tile_rows rows.
static pairs_kernel *const pairs_kernels[maas_s8_tile_rows] = {MAAS_HEIGHTS(6, PAIRS_ROW)};

/// The 36 products of k channels of `count` tiles with a panel. Groups of rows are of even heights.
static void multiply_tiles(const maas_f32_conv_params *g, const int16_t *a, int64_t k, int64_t count,
                           const int16_t *b, int32_t *sums) {
  int64_t pitch = maas_s8_tile_pitch(g);
  int64_t height = maas_ceil_div(count, maas_ceil_div(count, maas_s8_tile_rows));
  for (int e = 0; e < maas_tile_products; e++, b += k * MAAS_NR)
    for (int64_t t = 0; t < count; t += height)
      pairs_kernels[maas_min64(height, count - t) - 1](k, a + e * maas_s8_tile_words(g) + t * pitch, pitch, b,
                                                       sums + e * maas_s8_tile_sums(g) + t * MAAS_NR);
}

/// A' m along one dimension, 24 times; the results lie `step` apart.
MAAS_INLINE void transform_sums(const vi *m, vi *to, const int step) {
  vi p = vi_add(m[1], m[2]), n = vi_sub(m[1], m[2]), q = vi_add(m[3], m[4]), o = vi_sub(m[3], m[4]);
  to[0] = vi_add(vi_sub(m[0], vi_shift_left(p, 2)), q);
  to[step] = vi_shift_left(vi_sub(o, vi_shift_left(n, 1)), 1);
  to[2 * step] = vi_shift_left(vi_sub(q, p), 2);
  to[3 * step] = vi_shift_left(vi_add(vi_sub(vi_shift_left(o, 1), n), m[5]), 2);
}

/// Adds the outputs of a tile to its lines, for a vector of columns.
static __attribute__((noinline)) void gather_outputs(const int32_t *from, int64_t product, int32_t *lines,
                                                     int64_t line) {
  enum { side = maas_tile_side, reach = maas_tile_reach };
  vi half[side * reach], inverse = vi_set((int32_t)inverse_of_9);
  MAAS_ROLLED for (int j = 0; j < reach; j++) {
    vi m[reach];
    MAAS_EACH (i, reach)
      m[i] = vi_load(from + (i * reach + j) * product);
    transform_sums(m, half + j, reach);
  }
  MAAS_ROLLED for (int i = 0; i < side; i++, lines += line) {
    vi row[side];
    transform_sums(half + i * reach, row, 1);
    MAAS_EACH (j, side) {
      vi output = vi_shift_right(vi_mul(row[j], inverse), 6);
      vi_store(lines + j * MAAS_NR, vi_add(vi_load(lines + j * MAAS_NR), output));
    }
  }
}

/// Tiles of a block from tile t on that lie beside each other.
static int64_t run_of_tiles(const maas_f32_conv_params *g, int64_t first, int64_t t, int64_t count) {
  int64_t across = maas_tiles_across(g);
  return maas_min64(count - t, across - (first + t) % across);
}

static void gather_tiles(const maas_f32_conv_params *g, int64_t first, int64_t count, const int32_t *sums,
                         int32_t *lines) {
  for (int64_t t = 0, run; t < count; t += run) {
    run = run_of_tiles(g, first, t, count);
    for (int64_t i = 0; i < run; i++, lines += line_sums)
      MAAS_EACH (v, MAAS_NV)
        gather_outputs(sums + (t + i) * MAAS_NR + v * V_WIDTH, maas_s8_tile_sums(g), lines + v * V_WIDTH,
                       run * line_sums);
    lines += (maas_tile_side - 1) * run * line_sums;
  }
}

static void finish_tiles(const maas_s8_block *k, const maas_f32_conv_params *g, const panel_columns *c,
                         int64_t first, int64_t count, int64_t j, const int32_t *lines) {
  int64_t width = g->output[maas_width], height = g->output[maas_height];
  finish_function *finish = finish_of(c);
  for (int64_t t = 0, run; t < count; t += run) {
    run = run_of_tiles(g, first, t, count);
    maas_tile tile = maas_tile_at(g, first + t);
    int64_t outputs = maas_min64(run * maas_tile_side, width - tile.x);
    for (int64_t i = 0; i < maas_tile_side; i++, lines += run * line_sums)
      if (tile.y + i < height)
        finish(k, c, (tile.plane * height + tile.y + i) * width + tile.x, outputs, j, lines);
  }
}

static void fill_lines(const panel_columns *c, int64_t count, int32_t *lines) {
  for (int64_t i = 0; i < count; i++)
    memcpy(lines + i * MAAS_NR, c->base, sizeof c->base);
}

/// A block of tile_m tiles and a tile of filters.
static void winograd_item(const maas_s8_conv_params *p, void *const *operands, int64_t index,
                          uint8_t *scratch) {
  static const int32_t no_sums[MAAS_NR];
  const maas_f32_conv_params *g = &p->conv;
  int64_t filter_tiles = maas_ceil_div(g->filters, g->tile_n), channels = maas_s8_tile_channels(g);
  int64_t first = index / filter_tiles * g->tile_m, begin = index % filter_tiles * g->tile_n;
  int64_t count = maas_min64(g->tile_m, maas_s8_all_tiles(g) - first);
  maas_s8_block block = {.columns = maas_min64(g->filters, begin + g->tile_n),
                         .k = g->channels * maas_window_volume(g->kernel),
                         .y_row = g->filters,
                         .finish = &p->finish,
                         .operands = operands};
  int32_t *sums = (int32_t *)(void *)scratch, *lines = sums + maas_tile_products * maas_s8_tile_sums(g);
  int16_t *words = (int16_t *)(void *)(lines + maas_s8_tile_lines(g));
  const int16_t *b = (const int16_t *)operands[MAAS_S8_B] + maas_tile_products * g->channels * begin;
  scatter_tiles(p, operands, first, count, (uint8_t *)(words + maas_tile_products * maas_s8_tile_words(g)),
                words);
  for (int64_t j = begin; j < block.columns; j += MAAS_NR) {
    panel_columns c;
    load_columns(&block, j, no_sums, &c);
    fill_lines(&c, count * maas_tile_side * maas_tile_side, lines);
    for (int64_t from = 0, k; from < g->channels; from += k, b += maas_tile_products * k * MAAS_NR) {
      k = maas_min64(channels, g->channels - from);
      multiply_tiles(g, words + from, k, count, b, sums);
      gather_tiles(g, first, count, sums, lines);
    }
    finish_tiles(&block, g, &c, first, count, j, lines);
  }
}

static void winograd_items(const maas_s8_conv_params *p, void *const *operands, int64_t begin, int64_t end,
                           uint8_t *scratch) {
  for (int64_t i = begin; i < end; i++)
    winograd_item(p, operands, i, scratch);
}
