/// The rows of the gradient of a convolution's weights and of convolution with weights that change, and how they are
/// split.
#include "padded.h"
#include "../rows.h"

MAAS_PORTABLE_FAMILY(maas_f32_conv_weights_finish)
MAAS_PORTABLE_FAMILY(maas_f32_conv_direct_pack)
MAAS_FAMILY(maas_f32_conv_direct)
MAAS_FAMILY(maas_f32_conv_weights)

enum { wanted_items = 16, padded_floats = 1 << 15, few_filters = 4 };

maas_split maas_f32_conv_weights_split_for(const maas_kernel *kernel, maas_f32_conv_weights_params *w) {
  maas_f32_conv_params *g = &w->conv;
  int64_t filters = g->filters / g->groups, channels = g->channels / g->groups;
  int64_t lanes = kernel->nr;
  w->nr = filters <= few_filters ? 1 : filters <= lanes ? lanes : 2 * lanes;
  int64_t parts = g->groups * maas_ceil_div(filters, w->nr);
  w->chunks = maas_max64(1, maas_min64(g->batch, maas_ceil_div(wanted_items, maas_max64(1, parts))));
  maas_padded padded = maas_padded_of(g);
  int64_t plane = maas_max64(1, maas_padded_plane(&padded));
  w->block = maas_max64(1, maas_min64(channels, padded_floats / plane));
  double macs = (double)g->batch / (double)w->chunks * (double)maas_window_volume(g->output) *
                (double)channels * (double)maas_window_volume(g->kernel) * (double)w->nr;
  int64_t scratch =
      maas_weight_taps_floats(w) + maas_weight_panel_floats(w) + (padded.is_image ? 0 : w->block * plane);
  return maas_split_by_cost(w->chunks * parts, 100 + macs / 25, scratch * (int64_t)sizeof(float));
}

maas_split maas_f32_conv_weights_split(maas_f32_conv_weights_params *params) {
  return maas_f32_conv_weights_split_for(maas_kernel_selected(&maas_f32_conv_weights_table), params);
}

/// `size` times the elements of the weights, with whole panels of nr filters; -1 if those bytes do not fit an int64_t.
static int64_t panel_floats(const maas_f32_conv_params *g, int64_t nr, int64_t size) {
  int64_t bytes;
  const int64_t factors[] = {g->groups,    maas_ceil_div(g->filters / g->groups, nr),
                             nr,           g->channels / g->groups,
                             g->kernel[0], g->kernel[1],
                             g->kernel[2]};
  for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++)
    if (__builtin_mul_overflow(size, factors[i], &size))
      return -1;
  return __builtin_mul_overflow(size, (int64_t)sizeof(float), &bytes) ? -1 : size;
}

int64_t maas_f32_conv_weights_sums(const maas_f32_conv_weights_params *w) {
  return panel_floats(&w->conv, w->nr, w->chunks);
}

enum { strip_floats = 1 << 15 };

bool maas_f32_conv_direct_pays(const maas_f32_conv_params *g) {
  int64_t depth = g->channels / g->groups * maas_window_volume(g->kernel);
  return maas_window_volume(g->kernel) > 1 && depth >= 64 && g->filters / g->groups > few_filters;
}

maas_split maas_f32_conv_direct_split_for(const maas_kernel *kernel, maas_f32_conv_direct_params *d) {
  const maas_f32_conv_params *g = &d->conv;
  int64_t channels = g->channels / g->groups, filters = g->filters / g->groups;
  d->nr = filters <= kernel->nr ? kernel->nr : 2 * kernel->nr;
  maas_f32_conv_params strip = *g;
  strip.output[maas_depth] = 1;
  for (d->rows = g->output[maas_height];; d->rows = maas_ceil_div(d->rows, 2)) {
    strip.output[maas_height] = d->rows;
    maas_padded padded = maas_padded_strip_of(&strip);
    int64_t items =
        g->batch * g->groups * g->output[maas_depth] * maas_ceil_div(g->output[maas_height], d->rows);
    int64_t floats = channels * maas_padded_plane(&padded);
    if (d->rows > 1 && (floats > strip_floats || items < wanted_items))
      continue;
    double macs = (double)(d->rows * g->output[maas_width]) * (double)maas_window_volume(g->kernel) *
                  (double)channels * (double)filters;
    return maas_split_by_cost(items, 100 + (double)floats / 4 + macs / 40,
                              (maas_direct_taps_floats(g) + floats) * (int64_t)sizeof(float));
  }
}

maas_split maas_f32_conv_direct_split(maas_f32_conv_direct_params *params) {
  return maas_f32_conv_direct_split_for(maas_kernel_selected(&maas_f32_conv_direct_table), params);
}

int64_t maas_f32_conv_direct_packed(const maas_f32_conv_direct_params *d) {
  return panel_floats(&d->conv, d->nr, 1);
}
