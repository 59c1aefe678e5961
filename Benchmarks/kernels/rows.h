#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H
/// A case of a kernel table: parameters and operands as a model would give them.
#include <stddef.h>
#include "maas_kernel_tables.h"

enum { operand_limit = MAAS_S8_OPERANDS, note_limit = 64 };

typedef struct operand {
  size_t floats; ///< 0: NULL
  bool packed;   ///< By the row's own packing, from k x n floats.
} operand;

typedef struct kernel_case {
  const char *table;
  char note[note_limit];
  const void *params;
  size_t params_size;
  operand operands[operand_limit];
  double flops; ///< Of a run; 0: what counts is memory, the bytes of all operands.
  maas_split (*split)(const maas_kernel *row, void *params);
} kernel_case;

/// Times every row of the case's table that this CPU has.
void measure(const kernel_case *c);

void measure_products(void);
void measure_windows(void);
void measure_elementwise(void);
void measure_along(void);

#define SPLIT(family)                                                                                        \
  static maas_split family##_split(const maas_kernel *row, void *params) {                                   \
    (void)row;                                                                                               \
    return maas_f32_##family##_split(params);                                                                \
  }

#endif
