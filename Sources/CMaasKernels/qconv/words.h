/// Kernels of three columns and at most three rows with AVX2: what a row of outputs sees is spread to words first, so
/// that all weights stay in registers. Included by depthwise.h.

enum {
  word_outputs = 32,
  most_word_stride = 2,
  word_columns = (word_outputs - 1) * most_word_stride + 3,
  /// Of a column: the first and the third row of the kernel side by side, and the second one beside nothing, of 8
  /// channels and of 8 more.
  column_vectors = 2 * MAAS_NV
};

/// A column of x, or of the kernel's weights.
typedef vi word_column[column_vectors];

static bool takes_words(const maas_f32_conv_params *g) {
  return g->kernel[maas_depth] == 1 && g->kernel[maas_height] <= 3 && g->kernel[maas_width] == 3 &&
         g->dilation[maas_width] == 1 && g->stride[maas_width] <= most_word_stride;
}

static void load_word_weights(const uint8_t *weights, word_column *to) {
  MAAS_EACH (k, 3)
    MAAS_EACH (v, MAAS_NV) {
      vi quads = lanes_load(weights + (k * MAAS_NV + v) * 4 * V_WIDTH);
      to[k][v] = _mm256_srai_epi16(_mm256_slli_epi16(quads, 8), 8);
      to[k][MAAS_NV + v] = _mm256_srai_epi16(quads, 8);
    }
}

/// Three rows of pixels, and how far their columns lie apart.
typedef struct word_source {
  const uint8_t *rows[3];
  int64_t steps[3];
} word_source;

MAAS_INLINE void spread_columns(const bool whole, const depthwise_row *d, word_source s, int64_t count,
                                word_column *to) {
  __m128i flip = _mm_set1_epi8(d->flips ? INT8_MIN : 0);
  for (int64_t i = 0; i < count; i++) {
    __m128i x[3];
    MAAS_EACH (r, 3) {
      const __m128i *from = (const __m128i *)(const void *)s.rows[r];
      x[r] = _mm_xor_si128(whole ? _mm_loadu_si128(from) : vi_load_channels(s.rows[r], d->width), flip);
      s.rows[r] += s.steps[r];
    }
    to[i][0] = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(x[0], x[2]));
    to[i][1] = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(x[0], x[2]));
    to[i][2] = _mm256_cvtepu8_epi32(x[1]);
    to[i][3] = _mm256_cvtepu8_epi32(_mm_unpackhi_epi64(x[1], x[1]));
  }
}

static void spread_outside(const depthwise_row *d, int64_t count, word_column *to) {
  word_source s = {{d->outside, d->outside, d->outside}, {0}};
  spread_columns(true, d, s, count, to);
}

/// Columns from `left` on, which may be outside.
static void spread(const depthwise_row *d, int64_t left, int64_t count, word_column *to) {
  int64_t before = maas_min64(count, maas_max64(0, -left));
  int64_t inside = maas_max64(0, maas_min64(count, d->g->input[maas_width] - left) - before);
  word_source s;
  MAAS_EACH (r, 3) {
    s.rows[r] = d->rows[r] ? d->rows[r] + (left + before) * d->g->channels : d->outside;
    s.steps[r] = d->rows[r] ? d->g->channels : 0;
  }
  spread_outside(d, before, to);
  if (d->width >= MAAS_NR)
    spread_columns(true, d, s, inside, to + before);
  else
    spread_columns(false, d, s, inside, to + before);
  spread_outside(d, count - before - inside, to + before + inside);
}

MAAS_INLINE void multiply_words(const word_column *x, const word_column *weights, const int32_t *base,
                                vi *sums) {
  MAAS_EACH (v, MAAS_NV)
    sums[v] = vi_load(base + v * V_WIDTH);
  MAAS_EACH (k, 3)
    MAAS_EACH (v, column_vectors)
      sums[v % MAAS_NV] = vi_add(sums[v % MAAS_NV], vi_dot_pairs(x[k][v], weights[k][v]));
}

MAAS_INLINE void multiply_columns(const bool to_bytes, const depthwise_panel *p, const word_column *x,
                                  int64_t count, int32_t *sums, uint8_t *y) {
  word_column weights[3];
  int64_t stride = p->row.g->stride[maas_width], filters = p->row.g->filters;
  MAAS_EACH (k, 3)
    MAAS_EACH (v, column_vectors)
      weights[k][v] = p->words[k][v];
  for (int64_t i = 0; i < count; i++, x += stride) {
    vi sum[MAAS_NV];
    multiply_words(x, (const word_column *)weights, p->columns.base, sum);
    if (to_bytes)
      store_plain_bytes(MAAS_NV, &p->columns, sum, y + i * filters);
    else
      store_sums(MAAS_NV, sum, sums + i * MAAS_NR);
  }
}

static __attribute__((noinline)) void words_to_bytes(const depthwise_panel *p, const word_column *x,
                                                     int64_t count, uint8_t *y) {
  multiply_columns(true, p, x, count, NULL, y);
}
static __attribute__((noinline)) void words_to_sums(const depthwise_panel *p, const word_column *x,
                                                    int64_t count, int32_t *sums) {
  multiply_columns(false, p, x, count, sums, NULL);
}

/// Row `row` of all the slices of y, `is_plain` if outputs have nothing of their own.
static void word_row(depthwise_panel *p, int64_t row, bool is_plain) {
  const maas_f32_conv_params *g = p->row.g;
  bool to_bytes = is_plain && p->block.finish->y_type != MAAS_ELEMENT_F32;
  int64_t stride = g->stride[maas_width], width = g->output[maas_width], pad = g->pad[maas_width];
  p->block.y = row * width * g->filters;
  uint8_t *y = (uint8_t *)p->block.operands[MAAS_S8_Y] + p->block.y + p->first;
  word_column x[word_columns];
  int32_t sums[word_outputs * MAAS_NR];
  for (int64_t i = 0, count; i < width; i += count) {
    count = maas_min64(word_outputs, width - i);
    spread(&p->row, i * stride - pad, (count - 1) * stride + 3, x);
    if (to_bytes) {
      words_to_bytes(p, (const word_column *)x, count, y + i * g->filters);
      continue;
    }
    words_to_sums(p, (const word_column *)x, count, sums);
    (is_plain ? finish_plain_rows : finish_other_rows)(&p->block, &p->columns, i, count, p->first, sums);
  }
}
