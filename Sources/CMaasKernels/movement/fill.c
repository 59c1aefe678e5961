/// fill: a work item is an element.
#include <string.h>
#include "../split.h"
#include "../table.h"

int32_t maas_any_fill_1_scalar(MAAS_STEP_ARGUMENTS);
static const maas_kernel rows[] = {MAAS_ROW(maas_any_fill_1_scalar, MAAS_ISA_SCALAR, 1, 1)};
MAAS_ENTRY(maas_fill, rows)

/// The pattern is doubled in place until it fills `bytes`.
static void repeat(uint8_t *y, const uint8_t *pattern, size_t size, size_t bytes) {
  enum { chunk = 4096 }; // Later copies read from the first-level cache.
  memcpy(y, pattern, size);
  for (size_t done = size; done < bytes;) {
    size_t source = done < chunk ? done : chunk / size * size;
    size_t count = bytes - done < source ? bytes - done : source;
    memcpy(y + done, y, count);
    done += count;
  }
}

int32_t maas_any_fill_1_scalar(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_fill_params *g = step->params;
  if (begin >= end)
    return MAAS_STEP_OK;
  uint8_t *y = (uint8_t *)step->operands[0] + begin * g->size;
  repeat(y, g->value, (size_t)g->size, (size_t)((end - begin) * g->size));
  return MAAS_STEP_OK;
}

maas_split maas_fill_split(const maas_fill_params *params) {
  return maas_split_by_cost(params->n, 0.1 * params->size, 0);
}
