/// The rows of the gradients of normalisations, and how they are split.
#include "norms.h"
#include "../../split.h"
#include "../rows.h"

MAAS_FAMILY(maas_f32_layer_norm_slope)
MAAS_FAMILY(maas_f32_layer_norm_sums)
MAAS_FAMILY(maas_f32_channel_norm_slope)

maas_split maas_f32_layer_norm_slope_split(const maas_f32_layer_norm_params *g) {
  return maas_split_by_cost(g->n == 0 ? 0 : g->rows, 40 + 1.2 * (double)g->n, 0);
}

maas_split maas_f32_layer_norm_sums_split(const maas_f32_layer_norm_params *g) {
  return maas_split_by_cost(maas_ceil_div(g->n, maas_norm_columns), 100 + 30 * (double)g->rows, 0);
}

maas_split maas_f32_channel_norm_slope_split(const maas_f32_channel_norm_params *g) {
  double elements = (double)g->outer * (double)g->inner;
  return maas_split_by_cost(elements > 0 ? g->channels : 0, 100 + 1.5 * elements, 0);
}
