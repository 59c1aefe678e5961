/// The rows of dropout.
#include "maas_random.h"
#include "../../split.h"
#include "../rows.h"

MAAS_FAMILY(maas_f32_dropout)

maas_split maas_f32_dropout_split(const maas_f32_dropout_params *params) {
  return maas_split_by_cost(maas_ceil_div(params->n, 64), 50, 0);
}
