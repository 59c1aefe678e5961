/// fill: a work item is an element.
#include <string.h>
#include "../split.h"
#include "../table.h"
#include "repeat.h"

int32_t maas_any_fill_1_scalar(MAAS_STEP_ARGUMENTS);
static const maas_kernel rows[] = {MAAS_ROW(maas_any_fill_1_scalar, MAAS_ISA_SCALAR, 1, 1)};
MAAS_ENTRY(maas_fill, rows)

int32_t maas_any_fill_1_scalar(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_fill_params *g = step->params;
  if (begin >= end)
    return MAAS_STEP_OK;
  uint8_t *y = (uint8_t *)step->operands[0] + begin * g->size;
  maas_repeat(y, g->value, (size_t)g->size, (size_t)((end - begin) * g->size));
  return MAAS_STEP_OK;
}

maas_split maas_fill_split(const maas_fill_params *params) {
  return maas_split_by_cost(params->n, 0.1 * params->size, 0);
}
