/// The gradient of a convolution's weights for one instruction set. Included by files that defined MAAS_MR.
///
/// A tap is a place of the window in a channel. For each the element under it times dy is added up over the
/// positions: a product of taps x positions, which nothing need be copied for, and positions x filters.
#include "../../gemm/right.h"
#include "../../unroll.h"
#include "planes.h"

/// Some rows of positions of one image.
typedef struct weight_pass {
  const maas_f32_conv_params *g;
  maas_padded padded;
  int64_t first, rows;      ///< Of the output, counted through its slices.
  const float *const *taps; ///< The element under each tap for the image's first position.
  const float *dy;          ///< [positions, nr], or, for single filters, a row of positions.
  float *sums;              ///< [taps, nr]
} weight_pass;

/// Where output row `r` begins in a padded plane.
static inline int64_t weight_row(const weight_pass *p, int64_t r) {
  const maas_f32_conv_params *g = p->g;
  int64_t z = r / g->output[maas_height] * g->stride[maas_depth];
  int64_t y = r % g->output[maas_height] * g->stride[maas_height];
  return (z * p->padded.height + y) * p->padded.row;
}

typedef void weight_kernel(const weight_pass *p, int64_t tap);

/// mr taps from `tap` on, for nv vectors of filters.
MAAS_INLINE void weight_tile(const int mr, const int nv, const weight_pass *p, int64_t tap) {
  const float *taps[MAAS_MR], *b = p->dy;
  float *sums = p->sums + tap * nv * V_WIDTH;
  int64_t width = p->g->output[maas_width];
  vf acc[MAAS_MR][2];
  MAAS_EACH (i, mr)
    MAAS_EACH (v, nv)
      acc[i][v] = v_load(sums + (i * nv + v) * V_WIDTH);
  for (int64_t r = p->first; r < p->first + p->rows; r++) {
    int64_t at = weight_row(p, r);
    MAAS_EACH (i, mr)
      taps[i] = p->taps[tap + i] + at;
    for (int64_t x = 0; x < width; x++, b += nv * V_WIDTH)
      MAAS_EACH (i, mr)
        MAAS_EACH (v, nv)
          acc[i][v] = v_fma(v_set(taps[i][x]), v_load(b + v * V_WIDTH), acc[i][v]);
  }
  MAAS_EACH (i, mr)
    MAAS_EACH (v, nv)
      v_store(sums + (i * nv + v) * V_WIDTH, acc[i][v]);
}

/// mr taps from `tap` on, for a single filter: vectors hold positions.
MAAS_INLINE void weight_dots(const int mr, const weight_pass *p, int64_t tap) {
  int64_t width = p->g->output[maas_width];
  const float *dy = p->dy;
  vf acc[MAAS_MR];
  MAAS_EACH (i, mr)
    acc[i] = v_set(0);
  for (int64_t r = p->first; r < p->first + p->rows; r++, dy += width) {
    int64_t at = weight_row(p, r), x = 0;
    for (; x + V_WIDTH <= width; x += V_WIDTH)
      MAAS_EACH (i, mr)
        acc[i] = v_fma(v_load(dy + x), v_load(p->taps[tap + i] + at + x), acc[i]);
    for (; x < width; x += V_WIDTH)
      MAAS_EACH (i, mr)
        acc[i] =
            v_fma(v_load_tail(dy + x, width - x), v_load_tail(p->taps[tap + i] + at + x, width - x), acc[i]);
  }
  MAAS_EACH (i, mr)
    p->sums[tap + i] += v_sum(acc[i]);
}

#define MAAS_WEIGHTS(mr)                                                                                     \
  static __attribute__((noinline)) void weights_##mr##_0(const weight_pass *p, int64_t tap) {                \
    weight_dots(mr, p, tap);                                                                                 \
  }                                                                                                          \
  static __attribute__((noinline)) void weights_##mr##_1(const weight_pass *p, int64_t tap) {                \
    weight_tile(mr, 1, p, tap);                                                                              \
  }                                                                                                          \
  static __attribute__((noinline)) void weights_##mr##_2(const weight_pass *p, int64_t tap) {                \
    weight_tile(mr, 2, p, tap);                                                                              \
  }
#define MAAS_WEIGHTS_ROW(mr) {weights_##mr##_0, weights_##mr##_1, weights_##mr##_2},
MAAS_HEIGHTS(MAAS_MR, MAAS_WEIGHTS)
static weight_kernel *const weight_kernels[MAAS_MR][3] = {MAAS_HEIGHTS(MAAS_MR, MAAS_WEIGHTS_ROW)};

/// What an item works on.
typedef struct weight_item {
  int64_t group, first, filters; ///< The first filter of the panel within its group, and how many it has.
  float *sums;                   ///< [channels of the group, taps, nr]
  float *planes, *panel;         ///< Scratch.
  const float **taps;
} weight_item;

/// All taps of some channels, whose planes lie at `planes`, times dy of one image.
static void weight_channels(const maas_f32_conv_weights_params *w, const weight_item *item,
                            const float *planes, const float *dy, int64_t channels, float *sums) {
  const maas_f32_conv_params *g = &w->conv;
  weight_pass p = {.g = g, .padded = maas_padded_of(g), .taps = item->taps, .sums = sums};
  int64_t taps = channels * maas_window_volume(g->kernel), positions = maas_window_volume(g->output);
  int64_t height = maas_ceil_div(taps, maas_ceil_div(taps, MAAS_MR)), width = g->output[maas_width];
  int64_t rows = g->output[maas_depth] * g->output[maas_height];
  int64_t step = w->nr == 1 ? rows : maas_weight_rows(g);
  place_taps(g, &p.padded, planes, channels, item->taps);
  for (p.first = 0; p.first < rows; p.first += step) {
    p.rows = maas_min64(step, rows - p.first);
    p.dy = dy + p.first * width;
    if (w->nr > 1) {
      maas_gemm_plain plain = {(const loose *)p.dy, 1, positions, p.rows * width, item->filters};
      pack_b(&plain, w->nr, plain.k, item->panel);
      p.dy = item->panel;
    }
    for (int64_t tap = 0; tap < taps; tap += height)
      weight_kernels[maas_min64(height, taps - tap) - 1][w->nr / V_WIDTH * (w->nr > 1)](&p, tap);
  }
}

static void weight_image(const maas_f32_conv_weights_params *w, const weight_item *item, const float *x,
                         const float *dy) {
  const maas_f32_conv_params *g = &w->conv;
  maas_padded padded = maas_padded_of(g);
  int64_t channels = g->channels / g->groups;
  for (int64_t c = 0; c < channels; c += w->block) {
    int64_t count = maas_min64(w->block, channels - c);
    const float *planes = x + c * maas_window_volume(g->input);
    if (!padded.is_image) {
      pad_planes(g, &padded, planes, count, item->planes);
      planes = item->planes;
    }
    weight_channels(w, item, planes, dy, count, item->sums + c * maas_window_volume(g->kernel) * w->nr);
  }
}

/// Items: parts of the batch x groups x panels.
int32_t MAAS_F32_KERNEL(conv_weights)(const maas_step *step, int64_t begin, int64_t end,
                                      maas_worker *worker) {
  const maas_f32_conv_weights_params *w = step->params;
  const maas_f32_conv_params *g = &w->conv;
  int64_t channels = g->channels / g->groups, filters = g->filters / g->groups;
  int64_t panels = maas_ceil_div(filters, w->nr), input = maas_window_volume(g->input);
  int64_t positions = maas_window_volume(g->output), size = channels * maas_window_volume(g->kernel) * w->nr;
  for (int64_t i = begin; i < end; i++) {
    int64_t chunk = i / panels / g->groups;
    weight_item item = {.group = i / panels % g->groups,
                        .first = i % panels * w->nr,
                        .sums = (float *)step->operands[2] + i * size,
                        .taps = worker->scratch};
    item.filters = maas_min64(w->nr, filters - item.first);
    item.panel = (float *)worker->scratch + maas_weight_taps_floats(w);
    item.planes = item.panel + maas_weight_panel_floats(w);
    memset(item.sums, 0, (size_t)size * sizeof(float));
    for (int64_t image = g->batch * chunk / w->chunks; image < g->batch * (chunk + 1) / w->chunks; image++)
      weight_image(w, &item,
                   (const float *)step->operands[0] + (image * g->channels + item.group * channels) * input,
                   (const float *)step->operands[1] +
                       (image * g->filters + item.group * filters + item.first) * positions);
  }
  return MAAS_STEP_OK;
}
