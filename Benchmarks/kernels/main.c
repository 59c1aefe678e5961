/// Times the rows of the kernel tables on one thread: kernels [TEXT]
/// Prints, for cases whose "table note" contains TEXT, tab-separated: row, case, seconds, rate, unit.
#include "../clock.h"
#include "rows.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { bursts = 9 };
static const double burst_seconds = 2e-3;
static const char *wanted = "";

static void *allocated(size_t bytes) {
  void *memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
  if (memory == NULL) {
    fprintf(stderr, "kernels: no memory\n");
    exit(1);
  }
  return memory;
}

static float *drawn(size_t count) {
  float *values = allocated(count * sizeof(float));
  uint32_t state = 1;
  for (size_t i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u;
    values[i] = (float)(state >> 8) * 0x1p-23f - 1;
  }
  return values;
}

static void *packed(const maas_kernel *row, const void *params) {
  const maas_f32_gemm_params *gemm = params;
  maas_f32_gemm_pack_params p = {
      .k = gemm->k, .n = gemm->n, .b_row = gemm->n, .b_col = 1, .batch_rank = 1, .batch = {1}};
  maas_split split = maas_f32_gemm_pack_split_for(row, &p);
  float *plain = drawn((size_t)(p.k * p.n));
  void *operands[] = {allocated((size_t)maas_f32_gemm_packed_bytes_for(row, p.k, p.n)), plain};
  maas_step step = {.operands = operands, .params = &p, .items = split.items};
  maas_f32_gemm_pack(&step, 0, split.items, &(maas_worker){0});
  free(plain);
  return operands[0];
}

static void *packed_bytes(const maas_kernel *row, const void *params) {
  const maas_s8_gemm_params *g = params;
  maas_s8_pack_params p = {.is_signed = true, .k = g->k, .n = g->n, .count = 1, .b_row = g->n, .b_col = 1};
  maas_split split = maas_s8_pack_split_for(row, &p);
  uint8_t *plain = allocated((size_t)(p.k * p.n));
  for (int64_t i = 0; i < p.k * p.n; i++)
    plain[i] = (uint8_t)(i * 7 + i / 251);
  void *operands[] = {allocated((size_t)maas_s8_packed_bytes_for(row, p.k, p.n)), plain};
  maas_step step = {.operands = operands, .params = &p, .items = split.items};
  maas_s8_pack(&step, 0, split.items, &(maas_worker){0});
  free(plain);
  return operands[0];
}

static bool of_bytes(const kernel_case *c) { return strcmp(c->table, "maas_s8_gemm") == 0; }

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/// The seconds of a run: as many runs as fill a burst.
static double burst(const maas_step *step, maas_worker *worker) {
  int runs = 0;
  double start = now(), end;
  do {
    step->run(step, 0, step->items, worker);
    runs++;
    end = now();
  } while (end - start < burst_seconds);
  return (end - start) / runs;
}

static double median(const maas_step *step, maas_worker *worker) {
  double times[bursts];
  burst(step, worker);
  for (int i = 0; i < bursts; i++)
    times[i] = burst(step, worker);
  qsort(times, bursts, sizeof times[0], by_size);
  return times[bursts / 2];
}

static void measure_row(const kernel_case *c, const maas_kernel *row) {
  void *params = allocated(c->params_size), *operands[operand_limit] = {0};
  memcpy(params, c->params, c->params_size);
  maas_split split = c->split(row, params);
  double bytes = 0;
  for (int i = 0; i < operand_limit; i++) {
    const operand *o = &c->operands[i];
    bytes += 4 * (double)o->floats;
    operands[i] = o->packed   ? (of_bytes(c) ? packed_bytes : packed)(row, params)
                  : o->floats ? drawn(o->floats)
                              : NULL;
  }
  maas_worker worker = {.scratch = allocated((size_t)split.scratch + 64)};
  maas_step step = {.run = row->run, .operands = operands, .params = params, .items = split.items};
  double seconds = median(&step, &worker);
  double rate = (c->flops > 0 ? c->flops : bytes) / seconds / 1e9;
  printf("%s\t%s\t%.9f\t%.2f\t%s\n", row->name, c->note, seconds, rate,
         of_bytes(c)    ? "GOP/s"
         : c->flops > 0 ? "GFLOP/s"
                        : "GB/s");
  for (int i = 0; i < operand_limit; i++)
    free(operands[i]);
  free(worker.scratch);
  free(params);
}

static const maas_kernel_table *table_named(const char *name) {
  for (int32_t i = 0; i < maas_kernel_table_count(); i++)
    if (strcmp(maas_kernel_table_at(i)->family, name) == 0)
      return maas_kernel_table_at(i);
  fprintf(stderr, "kernels: no table %s\n", name);
  exit(1);
}

void measure(const kernel_case *c) {
  char title[2 * note_limit];
  snprintf(title, sizeof title, "%s %s", c->table, c->note);
  if (strstr(title, wanted) == NULL)
    return;
  const maas_kernel_table *table = table_named(c->table);
  for (int32_t r = 0; r < table->count; r++)
    if (maas_isa_supported(table->rows[r].isa))
      measure_row(c, &table->rows[r]);
}

int main(int count, char **words) {
  wanted = count > 1 ? words[1] : "";
  setvbuf(stdout, NULL, _IOLBF, 0);
  measure_products();
  measure_windows();
  measure_elementwise();
  measure_along();
  return 0;
}
