/// enlarge: elements repeated along two neighbouring dimensions. A work item is a row of x.
#include <string.h>
#include "../split.h"

/// The elements of a row, each `times` times.
#define MAAS_ENLARGE_TYPE(type)                                                                              \
  typedef type loose_##type __attribute__((aligned(1), may_alias));                                          \
  static void repeat_##type(const loose_##type *x, loose_##type *restrict y, int64_t n, int64_t times) {     \
    if (times == 2)                                                                                          \
      for (int64_t i = 0; i < n; i++)                                                                        \
        y[2 * i] = y[2 * i + 1] = x[i];                                                                      \
    else                                                                                                     \
      for (int64_t i = 0; i < n; i++, y += times)                                                            \
        for (int64_t t = 0; t < times; t++)                                                                  \
          y[t] = x[i];                                                                                       \
  }
MAAS_ENLARGE_TYPE(uint8_t)
MAAS_ENLARGE_TYPE(uint16_t)
MAAS_ENLARGE_TYPE(uint32_t)
MAAS_ENLARGE_TYPE(uint64_t)

typedef uint32_t quad __attribute__((vector_size(16), aligned(4), may_alias));

/// Elements of four bytes in squares of two by two, as most models have it.
static void double_rows(const maas_enlarge_params *g, const loose_uint32_t *x, loose_uint32_t *y,
                        int64_t rows) {
  int64_t n = g->columns;
  for (int64_t row = 0; row < rows; row++, x += n, y += 4 * n) {
    loose_uint32_t *below = y + 2 * n;
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
      quad a = *(const quad *)(const void *)(x + i);
      quad low = __builtin_shufflevector(a, a, 0, 0, 1, 1), high = __builtin_shufflevector(a, a, 2, 2, 3, 3);
      *(quad *)(void *)(y + 2 * i) = *(quad *)(void *)(below + 2 * i) = low;
      *(quad *)(void *)(y + 2 * i + 4) = *(quad *)(void *)(below + 2 * i + 4) = high;
    }
    for (; i < n; i++)
      y[2 * i] = y[2 * i + 1] = below[2 * i] = below[2 * i + 1] = x[i];
  }
}

static void repeat_row(const maas_enlarge_params *g, const uint8_t *x, uint8_t *y) {
  int64_t n = g->columns, times = g->column_times;
  if (times == 1)
    memcpy(y, x, (size_t)(n * g->size));
  else if (g->size == 1)
    repeat_uint8_t(x, y, n, times);
  else if (g->size == 2)
    repeat_uint16_t((const void *)x, (void *)y, n, times);
  else if (g->size == 4)
    repeat_uint32_t((const void *)x, (void *)y, n, times);
  else if (g->size == 8)
    repeat_uint64_t((const void *)x, (void *)y, n, times);
  else
    for (int64_t i = 0; i < n; i++, x += g->size)
      for (int64_t t = 0; t < times; t++, y += g->size)
        memcpy(y, x, (size_t)g->size);
}

int32_t maas_enlarge(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_enlarge_params *g = step->params;
  int64_t x_row = g->columns * g->size, y_row = x_row * g->column_times;
  if (g->size == 4 && g->row_times == 2 && g->column_times == 2) {
    double_rows(g, (const loose_uint32_t *)step->operands[0] + begin * g->columns,
                (loose_uint32_t *)step->operands[1] + begin * g->columns * 4, end - begin);
    return MAAS_STEP_OK;
  }
  for (int64_t row = begin; row < end; row++) {
    uint8_t *y = (uint8_t *)step->operands[1] + row * g->row_times * y_row;
    repeat_row(g, (const uint8_t *)step->operands[0] + row * x_row, y);
    for (int64_t t = 1; t < g->row_times; t++)
      memcpy(y + t * y_row, y, (size_t)y_row);
  }
  return MAAS_STEP_OK;
}

maas_split maas_enlarge_split(const maas_enlarge_params *g) {
  return maas_split_by_cost(g->rows,
                            10 + 0.05 * (double)(g->columns * g->size * g->column_times * g->row_times), 0);
}
