/// What several families' checks need: rows to run, memory with random numbers in it, and how to read that.
#include "rows.h"

int32_t run_row(maas_step_run row, const void *params, void *const *operands, maas_split split) {
  maas_step step = {.run = row, .operands = operands, .params = params, .items = split.items};
  fenced scratch = fence(((size_t)split.scratch + 63) / 64 * 64, true); // As the runtime aligns it.
  maas_worker worker = {.scratch = scratch.bytes};
  int64_t half = split.items / 2;
  int32_t status = row(&step, 0, half, &worker) | row(&step, half, split.items, &worker);
  unfence(&scratch);
  return status;
}

void each_row(const char *family, void (*body)(const maas_kernel *row)) {
  const maas_kernel_table *table = table_named(family);
  for (int32_t r = 0; r < table->count; r++)
    if (maas_isa_supported(table->rows[r].isa))
      body(&table->rows[r]);
}

fenced random_bytes(size_t size, uint64_t *random) {
  fenced made = fence(size, true);
  for (size_t i = 0; i < size; i++)
    made.bytes[i] = (unsigned char)random_bits(random);
  return made;
}

fenced random_floats(size_t count, float low, float high, uint64_t *random) {
  fenced made = fence(count * sizeof(float), true);
  for (size_t i = 0; i < count; i++)
    ((float *)(void *)made.bytes)[i] = random_float(random, low, high);
  return made;
}

fenced random_integers(size_t count, uint64_t *random) {
  fenced made = fence(count * sizeof(int32_t), true);
  for (size_t i = 0; i < count; i++)
    ((int32_t *)(void *)made.bytes)[i] = (int32_t)(random_bits(random) % 20001) - 10000;
  return made;
}

int number(const fenced *bytes, int64_t i, bool is_signed) {
  return is_signed ? (int8_t)bytes->bytes[i] : bytes->bytes[i];
}

double real(const fenced *floats, int64_t i) { return ((const float *)(const void *)floats->bytes)[i]; }
