/// Convolution with weights that change with every run, for one instruction set.
///
/// Vectors hold filters, and each element of the image under a tap is broadcast to them: no patch is copied, and of the
/// weights nothing but panels of filters side by side.
#include "../../gemm/quad.h"
#include "../../row.h"
#include "../../unroll.h"
#include "planes.h"

/// A strip of output rows of one image's group.
typedef struct direct_strip {
  const maas_f32_conv_params *g;
  const float *const *taps; ///< Of all channels: the element under each for the strip's first position.
  int64_t depth;            ///< Products of a sum.
  int64_t row;              ///< Elements between the taps of neighbouring output rows.
  const float *weights, *bias;
  int64_t filters; ///< Of the panel.
  float *y;        ///< Of the panel's first filter and the strip's first position.
} direct_strip;

typedef void direct_kernel(const direct_strip *s, int64_t at, const float *weights, float *tile);

/// mr neighbouring positions, `at` elements behind the taps' first ones, for nv vectors of filters.
MAAS_INLINE void direct_tile(const int mr, const int nv, const direct_strip *s, int64_t at,
                             const float *weights, float *tile) {
  vf acc[MAAS_MR][2];
  MAAS_EACH (i, mr)
    MAAS_EACH (v, nv)
      acc[i][v] = v_set(0);
  for (int64_t p = 0; p < s->depth; p++, weights += nv * V_WIDTH) {
    const float *x = s->taps[p] + at;
    MAAS_EACH (i, mr)
      MAAS_EACH (v, nv)
        acc[i][v] = v_fma(v_set(x[i]), v_load(weights + v * V_WIDTH), acc[i][v]);
  }
  MAAS_EACH (i, mr)
    MAAS_EACH (v, nv)
      v_store(tile + (i * nv + v) * V_WIDTH, acc[i][v]);
}

#define MAAS_DIRECT(mr)                                                                                      \
  static __attribute__((noinline)) void direct_##mr##_1(const direct_strip *s, int64_t at, const float *w,   \
                                                        float *tile) {                                       \
    direct_tile(mr, 1, s, at, w, tile);                                                                      \
  }                                                                                                          \
  static __attribute__((noinline)) void direct_##mr##_2(const direct_strip *s, int64_t at, const float *w,   \
                                                        float *tile) {                                       \
    direct_tile(mr, 2, s, at, w, tile);                                                                      \
  }
#define MAAS_DIRECT_ROW(mr) {direct_##mr##_1, direct_##mr##_2},
MAAS_HEIGHTS(MAAS_MR, MAAS_DIRECT)
static direct_kernel *const direct_kernels[MAAS_MR][2] = {MAAS_HEIGHTS(MAAS_MR, MAAS_DIRECT_ROW)};

/// A tile [positions, nr] to rows of y, with the bias.
static void direct_store(const direct_strip *s, float *tile, int64_t positions, int64_t nr, float *y) {
  int64_t plane = maas_window_volume(s->g->output), quads = positions / 4 * 4;
  if (s->bias) {
    for (int64_t i = 0; i < positions; i++)
      for (int64_t f = 0; f < s->filters; f += V_WIDTH) {
        vf bias = v_load_tail(s->bias + f, maas_min64(V_WIDTH, s->filters - f));
        v_store(tile + i * nr + f, v_add(v_load(tile + i * nr + f), bias));
      }
  }
  int64_t f = 0;
  for (; f + 4 <= s->filters; f += 4) {
    for (int64_t i = 0; i < quads; i += 4)
      transpose4((const loose *)tile + i * nr + f, nr, y + f * plane + i, plane);
    for (int64_t i = quads; i < positions; i++)
      for (int64_t l = f; l < f + 4; l++)
        y[l * plane + i] = tile[i * nr + l];
  }
  for (; f < s->filters; f++)
    for (int64_t i = 0; i < positions; i++)
      y[f * plane + i] = tile[i * nr + f];
}

/// `rows` output rows for the filters of one panel.
static void direct_rows(const direct_strip *s, int64_t rows, int64_t nr) {
  float tile[MAAS_MR * 2 * V_WIDTH];
  int64_t width = s->g->output[maas_width], height = maas_ceil_div(width, maas_ceil_div(width, MAAS_MR));
  const maas_f32_activation *a = &s->g->activation;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t x = 0; x < width; x += height) {
      int64_t count = maas_min64(height, width - x);
      direct_kernels[count - 1][nr / V_WIDTH - 1](s, r * s->row + x, s->weights, tile);
      direct_store(s, tile, count, nr, s->y + r * width + x);
    }
  int64_t plane = maas_window_volume(s->g->output);
  for (int64_t f = 0; f < s->filters && a->op != MAAS_UNARY_IDENTITY; f++)
    MAAS_F32_SHARED(unary_rows)[a->op](s->y + f * plane, s->y + f * plane, rows * width, a->alpha, a->beta);
}

/// Items: images x groups x output slices x strips.
int32_t MAAS_F32_KERNEL(conv_direct)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  const maas_f32_conv_direct_params *d = step->params;
  const maas_f32_conv_params *g = &d->conv;
  int64_t strips = maas_ceil_div(g->output[maas_height], d->rows), channels = g->channels / g->groups;
  int64_t filters = g->filters / g->groups, depth = channels * maas_window_volume(g->kernel);
  const float **taps = worker->scratch;
  float *planes = (float *)worker->scratch + maas_direct_taps_floats(g);
  const float *bias = step->operands[2];
  for (int64_t i = begin; i < end; i++) {
    int64_t first = i % strips * d->rows, z = i / strips % g->output[maas_depth];
    int64_t group = i / strips / g->output[maas_depth] % g->groups,
            image = i / strips / g->output[maas_depth] / g->groups;
    int64_t rows = maas_min64(d->rows, g->output[maas_height] - first);
    // The strip as an image of its own.
    maas_f32_conv_params own = *g;
    own.output[maas_depth] = 1;
    own.output[maas_height] = rows;
    own.pad[maas_depth] = g->pad[maas_depth] - z * g->stride[maas_depth];
    own.pad[maas_height] = g->pad[maas_height] - first * g->stride[maas_height];
    maas_padded padded = maas_padded_strip_of(&own);
    const float *x = (const float *)step->operands[0] +
                     (image * g->channels + group * channels) * maas_window_volume(g->input);
    pad_planes(&own, &padded, x, channels, planes);
    place_taps(&own, &padded, planes, channels, taps);
    direct_strip s = {.g = g, .taps = taps, .depth = depth, .row = padded.row * g->stride[maas_height]};
    for (int64_t f = 0; f < filters; f += d->nr) {
      int64_t filter = group * filters + f;
      s.filters = maas_min64(d->nr, filters - f);
      s.weights = (const float *)step->operands[1] +
                  (group * maas_ceil_div(filters, d->nr) + f / d->nr) * depth * d->nr;
      s.bias = bias ? bias + filter : NULL;
      s.y = (float *)step->operands[3] + (image * g->filters + filter) * maas_window_volume(g->output) +
            (z * g->output[maas_height] + first) * g->output[maas_width];
      direct_rows(&s, rows, d->nr);
    }
  }
  return MAAS_STEP_OK;
}
