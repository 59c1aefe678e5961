/// The rows of the slope of softmax.
#include "../rows.h"

MAAS_FAMILY(maas_f32_softmax_slope)

maas_split maas_f32_softmax_slope_split(const maas_f32_softmax_params *params) {
  return maas_f32_softmax_split(params);
}
