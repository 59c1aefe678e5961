/// Kernels of three columns and at most three rows with AVX2: what a row of outputs sees of x is copied, with what is
/// outside, so that all columns lie a cache line apart and rows stay near for the row below. Bytes become pairs of
/// words: the first and the third row of a column, and the second row of two columns, the even one first. Included by
/// depthwise.h.

/// Outputs whose sums are finished together; sums are made of four outputs.
enum { word_outputs = 32, line_step = maas_s8_conv_line };

typedef vi word_pair[MAAS_NV];

/// Pairs of weights: the outer rows of each column, and the middle row of outputs that begin with the first column of
/// a pair and with the second one.
enum { even_pairs = 3, odd_pairs = 5 };

static void load_word_weights(const uint8_t *weights, word_pair *to) {
  MAAS_EACH (v, MAAS_NV) {
    vi middle[3];
    MAAS_EACH (k, 3) {
      vi quads = lanes_load(weights + (k * MAAS_NV + v) * 4 * V_WIDTH);
      to[k][v] = _mm256_srai_epi16(_mm256_slli_epi16(quads, 8), 8);
      middle[k] = _mm256_and_si256(_mm256_srai_epi16(quads, 8), vi_set(UINT16_MAX));
    }
    to[even_pairs][v] = vi_or(middle[0], vi_shift_left(middle[1], 16));
    to[even_pairs + 1][v] = middle[2];
    to[odd_pairs][v] = vi_shift_left(middle[0], 16);
    to[odd_pairs + 1][v] = vi_or(middle[1], vi_shift_left(middle[2], 16));
  }
}

// Lines

/// Three lines of a group of channels.
typedef struct kept_lines {
  const maas_f32_conv_params *g;
  uint8_t outside;
  uint8_t *lines[3];
  const uint8_t *rows[3]; ///< The rows of x that they are copies of; NULL is outside.
  int64_t left, columns;  ///< Their first column of x, and how many they have.
} kept_lines;

static void forget_lines(kept_lines *k) {
  MAAS_EACH (i, 3)
    k->rows[i] = k->lines[0];
}

static kept_lines lines_in(const maas_f32_conv_params *g, uint8_t outside, uint8_t *scratch) {
  kept_lines k = {.g = g, .outside = outside, .columns = maas_s8_conv_line_columns(g)};
  MAAS_EACH (i, 3)
    k.lines[i] = scratch + i * k.columns * line_step;
  forget_lines(&k);
  return k;
}

MAAS_INLINE void copy_pieces(const int64_t size, const uint8_t *from, int64_t step, int64_t count,
                             uint8_t *to) {
#pragma clang loop unroll(disable) vectorize(disable)
  for (int64_t i = 0; i < count; i++, from += step, to += line_step)
    memcpy(to, from, (size_t)size);
}

/// The first `width` bytes of pixels.
static void copy_channels(const uint8_t *from, int64_t step, int64_t count, int64_t width, uint8_t *to) {
  if (width == line_step) {
    copy_pieces(line_step, from, step, count, to);
    return;
  }
  int64_t done = 0;
  for (; done + 16 <= width; done += 16)
    copy_pieces(16, from + done, step, count, to + done);
  for (int64_t i = 0; done < width && i < count; i++)
    memcpy(to + i * line_step + done, from + i * step + done, (size_t)(width - done));
}

/// `row` as the kernel sees it; NULL is outside.
static __attribute__((noinline)) void copy_line(const kept_lines *k, const uint8_t *row, int64_t width,
                                                bool flips, uint8_t *to) {
  int64_t channels = k->g->channels, before = maas_max64(0, maas_min64(k->columns, -k->left));
  int64_t inside = maas_max64(0, maas_min64(k->columns, k->g->input[maas_width] - k->left) - before);
  if (!row)
    before = k->columns, inside = 0;
  memset(to, k->outside, (size_t)(before * line_step));
  if (inside > 0)
    copy_channels(row + (k->left + before) * channels, channels, inside, width, to + before * line_step);
  memset(to + (before + inside) * line_step, k->outside,
         (size_t)((k->columns - before - inside) * line_step));
#pragma clang loop unroll(disable)
  for (int64_t i = 0; flips && i < k->columns * line_step; i += 32)
    lanes_store(to + i, vi_xor(lanes_load(to + i), vi_set((int32_t)0x80808080)));
}

/// The line of one of the three rows, which takes the place of one that they do not have.
static const uint8_t *keep_line(kept_lines *k, const uint8_t *const *rows, int of, int64_t width,
                                bool flips) {
  for (int i = 0; i < 3; i++)
    if (k->rows[i] == rows[of])
      return k->lines[i];
  int i = 0;
  while (k->rows[i] == rows[0] || k->rows[i] == rows[1] || k->rows[i] == rows[2])
    i++;
  k->rows[i] = rows[of];
  copy_line(k, rows[of], width, flips, k->lines[i]);
  return k->lines[i];
}

// Sums

MAAS_INLINE void load_pair(const uint8_t *first, const uint8_t *second, vi *to) {
  __m128i a = _mm_loadu_si128((const __m128i *)(const void *)first),
          b = _mm_loadu_si128((const __m128i *)(const void *)second);
  to[0] = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b));
  to[1] = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b));
}

/// One output: three columns of outer rows, two pairs of the middle one.
MAAS_INLINE void sum_pairs(const depthwise_panel *p, const word_pair *outer, const word_pair *middle,
                           const int pairs, int32_t *sums) {
  MAAS_EACH (v, MAAS_NV) {
    vi sum = vi_load(p->columns.base + v * V_WIDTH);
    MAAS_EACH (k, 3)
      sum = vi_add(sum, vi_dot_pairs(outer[k][v], p->words[k][v]));
    MAAS_EACH (k, 2)
      sum = vi_add(sum, vi_dot_pairs(middle[k][v], p->words[pairs + k][v]));
    vi_store(sums + v * V_WIDTH, sum);
  }
}

/// Outputs of three lines at a panel's first channel, two columns further with every step.
MAAS_INLINE void sum_lines(const int stride, const depthwise_panel *p, const uint8_t *const *lines,
                           int64_t count, int32_t *sums) {
  const uint8_t *first = lines[0], *second = lines[1], *third = lines[2];
  const int known = 3 - stride, each = 2 / stride;
  word_pair outer[4], middle[2];
  MAAS_EACH (x, known)
    load_pair(first + x * line_step, third + x * line_step, outer[x]);
  load_pair(second, second + line_step, middle[0]);
  for (int64_t i = 0; i < count; i += 2 * each) {
    MAAS_EACH (step, 2) {
      first += 2 * line_step, second += 2 * line_step, third += 2 * line_step;
      MAAS_EACH (x, 2)
        load_pair(first + (x + known - 2) * line_step, third + (x + known - 2) * line_step, outer[x + known]);
      load_pair(second, second + line_step, middle[1]);
      sum_pairs(p, outer, middle, even_pairs, sums);
      if (stride == 1)
        sum_pairs(p, outer + 1, middle, odd_pairs, sums + MAAS_NR);
      sums += each * MAAS_NR;
      MAAS_EACH (v, MAAS_NV) {
        MAAS_EACH (x, known)
          outer[x][v] = outer[x + 2][v];
        middle[0][v] = middle[1][v];
      }
    }
  }
}

static __attribute__((noinline)) void sum_lines_1(const depthwise_panel *p, const uint8_t *const *lines,
                                                  int64_t count, int32_t *sums) {
  sum_lines(1, p, lines, count, sums);
}
static __attribute__((noinline)) void sum_lines_2(const depthwise_panel *p, const uint8_t *const *lines,
                                                  int64_t count, int32_t *sums) {
  sum_lines(2, p, lines, count, sums);
}

/// Outputs from x on of row `row` of all the slices of y, as many as the lines have.
static void line_outputs(depthwise_panel *p, const uint8_t *const *lines, int64_t row, int64_t x) {
  const maas_f32_conv_params *g = p->row.g;
  int64_t stride = g->stride[maas_width], width = g->output[maas_width];
  int64_t end = maas_min64(width, x + maas_s8_conv_line_outputs);
  finish_function *finish = finish_of(&p->columns);
  int32_t sums[word_outputs * MAAS_NR];
  const uint8_t *at[] = {lines[0], lines[1], lines[2]};
  p->block.y = row * width * g->filters;
  for (int64_t count; x < end; x += count) {
    count = maas_min64(word_outputs, end - x);
    (stride == 1 ? sum_lines_1 : sum_lines_2)(p, at, count, sums);
    finish(&p->block, &p->columns, x, count, p->first, sums);
    MAAS_EACH (i, 3)
      at[i] += word_outputs * stride * line_step;
  }
}

static void word_rows(depthwise_group *group, const depthwise_item *item, kept_lines *k) {
  const maas_f32_conv_params *g = k->g;
  int64_t channels = maas_min64(line_step, g->channels - group->first);
  const uint8_t *rows[4], *lines[3];
  find_rows(g, item->x, item->z, item->y, rows);
  for (int64_t x = 0; x < g->output[maas_width]; x += maas_s8_conv_line_outputs) {
    int64_t left = x * g->stride[maas_width] - g->pad[maas_width];
    if (left != k->left)
      forget_lines(k);
    k->left = left;
    MAAS_EACH (i, 3)
      lines[i] = keep_line(k, rows, i, channels, group->panels->row.flips);
    for (int64_t i = 0; i < group->count; i++) {
      line_outputs(&group->panels[i], lines, item->row, x);
      MAAS_EACH (r, 3)
        lines[r] += MAAS_NR;
    }
  }
}
