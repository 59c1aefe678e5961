/// The rows of the slopes of unary functions, and how they are split.
#include "../../split.h"
#include "../rows.h"

MAAS_FAMILY(maas_f32_slope)

maas_split maas_f32_slope_split(const maas_f32_unary_params *params) {
  maas_unary op = params->function.op;
  double element_ns = op < MAAS_UNARY_EXP ? 0.5 : op < MAAS_UNARY_SIN ? 1.5 : 30;
  return maas_split_by_cost(params->n, element_ns, 0);
}
