/// Gradients of pools. Bound by memory, so one portable kernel serves every CPU.
#include <string.h>
#include "../../split.h"
#include "../../window/strip.h"
#include "../rows.h"

MAAS_PORTABLE_FAMILY(maas_f32_pool_slope)

/// The elements of a window along one dimension, [begin, end) by `step`, and how many count in an average's divisor.
typedef struct reach {
  int64_t begin, end, step, count;
} reach;

static reach reach_at(const maas_f32_pool_params *g, int d, int64_t at) {
  int64_t first = at * g->stride[d] - g->pad_begin[d], step = g->dilation[d];
  int64_t last = first + g->kernel[d] * step; // Behind the last tap.
  int64_t limit = g->input[d] + (g->count_include_pad ? g->pad_end[d] : 0);
  int64_t begin = first >= 0 ? first : first + maas_ceil_div(-first, step) * step;
  int64_t from = g->count_include_pad ? first : begin;
  return (reach){begin, maas_min64(last, g->input[d]), step,
                 maas_max64(0, maas_ceil_div(maas_min64(last, limit) - from, step))};
}

/// The first of the largest elements; the last element where all are NaN.
static void pass_to_largest(const maas_f32_pool_params *g, const reach *r, const float *x, float y, float dy,
                            float *dx) {
  int64_t place = -1;
  for (int64_t i = r[0].begin; i < r[0].end; i += r[0].step)
    for (int64_t j = r[1].begin; j < r[1].end; j += r[1].step)
      for (int64_t k = r[2].begin; k < r[2].end; k += r[2].step) {
        place = (i * g->input[1] + j) * g->input[2] + k;
        if (x[place] == y) {
          dx[place] += dy;
          return;
        }
      }
  if (place >= 0)
    dx[place] += dy;
}

static void pass_to_all(const maas_f32_pool_params *g, const reach *r, float dy, float *dx) {
  int64_t count = r[0].count * r[1].count * r[2].count;
  float share = g->op == MAAS_POOL_AVERAGE && count > 0 ? dy / (float)count : dy;
  for (int64_t i = r[0].begin; i < r[0].end; i += r[0].step)
    for (int64_t j = r[1].begin; j < r[1].end; j += r[1].step)
      for (int64_t k = r[2].begin; k < r[2].end; k += r[2].step)
        dx[(i * g->input[1] + j) * g->input[2] + k] += share;
}

static void pool_slope_plane(const maas_f32_pool_params *g, const float *x, const float *y, const float *dy,
                             float *dx) {
  int64_t output = 0;
  for (int64_t i = 0; i < g->output[0]; i++)
    for (int64_t j = 0; j < g->output[1]; j++)
      for (int64_t k = 0; k < g->output[2]; k++, output++) {
        reach r[] = {reach_at(g, 0, i), reach_at(g, 1, j), reach_at(g, 2, k)};
        if (g->op == MAAS_POOL_MAX)
          pass_to_largest(g, r, x, y[output], dy[output], dx);
        else
          pass_to_all(g, r, dy[output], dx);
      }
}

/// Windows of 2 x 2 side by side inside an image.
static bool is_quarter(const maas_f32_pool_params *g) {
  bool flat = g->kernel[0] == 1 && g->stride[0] == 1 && g->pad_begin[0] == 0 && g->input[0] == g->output[0];
  for (int d = maas_height; d <= maas_width; d++)
    flat = flat && g->kernel[d] == 2 && g->stride[d] == 2 && g->dilation[d] == 1 && g->pad_begin[d] == 0 &&
           2 * g->output[d] <= g->input[d];
  return flat && g->op == MAAS_POOL_MAX;
}

/// The same as pool_slope_plane for two rows of x that one of y comes from.
static void quarter_rows(const float *x, int64_t width, const float *y, const float *dy, float *dx,
                         int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    float most = y[i], g = dy[i];
    bool a = x[2 * i] == most, b = !a && x[2 * i + 1] == most;
    bool c = !a && !b && x[width + 2 * i] == most;
    dx[2 * i] = a ? g : 0;
    dx[2 * i + 1] = b ? g : 0;
    dx[width + 2 * i] = c ? g : 0;
    dx[width + 2 * i + 1] = a || b || c ? 0 : g;
  }
}

/// Items: planes.
int32_t maas_f32_pool_slope_1_scalar(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_f32_pool_params *g = step->params;
  const float *x = step->operands[0], *y = step->operands[1], *dy = step->operands[2];
  float *dx = step->operands[3];
  int64_t input = maas_window_volume(g->input), output = maas_window_volume(g->output);
  bool quarter = is_quarter(g);
  for (int64_t p = begin; p < end; p++) {
    memset(dx + p * input, 0, (size_t)input * sizeof(float));
    if (!quarter) {
      pool_slope_plane(g, x ? x + p * input : NULL, y ? y + p * output : NULL, dy + p * output,
                       dx + p * input);
      continue;
    }
    for (int64_t r = 0; r < g->output[0] * g->output[1]; r++) {
      int64_t row = (r / g->output[1] * g->input[1] + r % g->output[1] * 2) * g->input[2] + p * input;
      int64_t at = p * output + r * g->output[2];
      quarter_rows(x + row, g->input[2], y + at, dy + at, dx + row, g->output[2]);
    }
  }
  return MAAS_STEP_OK;
}

maas_split maas_f32_pool_slope_split(const maas_f32_pool_params *g) {
  double taps = (double)maas_window_volume(g->kernel), output = (double)maas_window_volume(g->output);
  double plane = 0.3 * (double)maas_window_volume(g->input) + output * (is_quarter(g) ? 2 : 10 + 2 * taps);
  return maas_split_by_cost(maas_window_volume(g->input) == 0 ? 0 : g->planes, 20 + plane, 0);
}
