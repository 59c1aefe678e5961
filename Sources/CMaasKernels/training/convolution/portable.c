/// The end of the gradient of weights, and their packing. Bound by memory, so one portable kernel serves every CPU.
#include "padded.h"
#include "../../gemm/right.h"
#include "../../table.h"

int32_t maas_f32_conv_weights_finish_1_scalar(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_conv_direct_pack_1_scalar(MAAS_STEP_ARGUMENTS);

/// Items: filters.
int32_t maas_f32_conv_weights_finish_1_scalar(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_f32_conv_weights_params *w = step->params;
  const maas_f32_conv_params *g = &w->conv;
  int64_t filters = g->filters / g->groups, panels = maas_ceil_div(filters, w->nr);
  int64_t taps = g->channels / g->groups * maas_window_volume(g->kernel),
          chunk = g->groups * panels * taps * w->nr;
  for (int64_t f = begin; f < end; f++) {
    int64_t own = f % filters;
    const float *sums =
        (const float *)step->operands[0] + (f / filters * panels + own / w->nr) * taps * w->nr + own % w->nr;
    float *dw = (float *)step->operands[1] + f * taps;
    for (int64_t t = 0; t < taps; t++) {
      float total = sums[t * w->nr];
      for (int64_t c = 1; c < w->chunks; c++)
        total += sums[c * chunk + t * w->nr];
      dw[t] = total;
    }
  }
  return MAAS_STEP_OK;
}

maas_split maas_f32_conv_weights_finish_split(const maas_f32_conv_weights_params *w) {
  const maas_f32_conv_params *g = &w->conv;
  double elements =
      (double)(g->channels / g->groups) * (double)maas_window_volume(g->kernel) * (double)w->chunks;
  return maas_split_by_cost(g->filters, 10 + 1.5 * elements, 0);
}

/// Items: panels.
int32_t maas_f32_conv_direct_pack_1_scalar(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_f32_conv_direct_params *d = step->params;
  const maas_f32_conv_params *g = &d->conv;
  int64_t filters = g->filters / g->groups, panels = maas_ceil_div(filters, d->nr);
  int64_t depth = g->channels / g->groups * maas_window_volume(g->kernel);
  for (int64_t i = begin; i < end; i++) {
    int64_t first = i % panels * d->nr;
    const loose *w = (const loose *)step->operands[1] + (i / panels * filters + first) * depth;
    maas_gemm_plain plain = {w, 1, depth, depth, maas_min64(d->nr, filters - first)};
    pack_b(&plain, d->nr, depth, (float *)step->operands[0] + i * depth * d->nr);
  }
  return MAAS_STEP_OK;
}

maas_split maas_f32_conv_direct_pack_split(const maas_f32_conv_direct_params *d) {
  const maas_f32_conv_params *g = &d->conv;
  double depth = (double)(g->channels / g->groups) * (double)maas_window_volume(g->kernel);
  return maas_split_by_cost(g->groups * maas_ceil_div(g->filters / g->groups, d->nr),
                            20 + depth * (double)d->nr, 0);
}
