/// Compares every row of the kernel tables with the exact result, on any machine: kernel-rows [family...]
/// KernelTests does so in Swift, with more cases; this runs where Swift's own tests cannot.
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "rows.h"

static int passed, failed;
static const char *running = "", *running_note = "";

/// One run's memory.
typedef struct memory {
  fenced operands[operand_limit];
} memory;

static size_t element_size(role r) { return r == INDICES ? 8 : 4; }

static float drawn(const operand *o, size_t i, uint64_t *random) {
  if (o->role == SPECIAL && (i == 2 || i == 5))
    return i == 2 ? NAN : INFINITY;
  uint32_t bits = (uint32_t)random_bits(random);
  float value = random_float(random, o->low, o->high);
  if (o->role == BITS && i < o->count / 2)
    memcpy(&value, &bits, sizeof value);
  return value;
}

static fenced filled(const operand *o, uint64_t seed, bool at_end) {
  if (o->role == ABSENT)
    return (fenced){0};
  fenced made = fence(o->count * element_size(o->role), at_end);
  for (size_t i = 0; i < o->count; i++)
    switch (o->role) {
    case COUNTS:
      ((int32_t *)(void *)made.bytes)[i] = (int32_t)i + 1;
      break;
    case INDICES:
      ((int64_t *)(void *)made.bytes)[i] = -1;
      break;
    default:
      ((float *)(void *)made.bytes)[i] = drawn(o, i, &seed);
    }
  return made;
}

static memory prepared(const kernel_case *c, const maas_kernel *row, bool at_end) {
  memory m = {0};
  for (int i = 0; i < operand_limit; i++) {
    m.operands[i] = filled(&c->operands[i], (uint64_t)i, at_end);
    if (c->operands[i].role == PACKED && row) {
      fenced packed = c->pack(c, row, &m.operands[i]);
      unfence(&m.operands[i]);
      m.operands[i] = packed;
    }
  }
  return m;
}

static void released(memory *m) {
  for (int i = 0; i < operand_limit; i++)
    unfence(&m->operands[i]);
}

static int first_written(const kernel_case *c) {
  int i = 0;
  while (!c->operands[i].written)
    i++;
  return i;
}

static bool fences_whole(const memory *m) {
  for (int i = 0; i < operand_limit; i++)
    if (m->operands[i].bytes && !fence_whole(&m->operands[i]))
      return false;
  return true;
}

/// Runs items [0, items) in `pieces` pieces. `onto` names an operand that shares the written one's memory.
static int32_t run(const kernel_case *c, const maas_kernel *row, memory *m, int pieces, int onto) {
  uint64_t params[128] __attribute__((aligned(64))); // As the plan aligns them.
  memcpy(params, c->params, c->params_size);
  maas_split split = c->split(row, params);
  fenced scratch = fence(((size_t)split.scratch + 63) / 64 * 64, true);
  maas_worker worker = {.scratch = scratch.bytes};
  void *operands[operand_limit];
  for (int i = 0; i < operand_limit; i++)
    operands[i] = m->operands[i].bytes;
  if (onto >= 0)
    operands[first_written(c)] = operands[onto];
  maas_step step = {.run = row->run, .operands = operands, .params = params, .items = split.items};
  int32_t status = 0;
  for (int64_t p = 0; p < pieces && status == 0; p++) {
    int64_t begin = split.items * p / pieces, end = split.items * (p + 1) / pieces;
    if (begin < end)
      status = row->run(&step, begin, end, &worker);
  }
  unfence(&scratch);
  return status;
}

static bool same_bits(const kernel_case *c, const memory *a, const memory *b) {
  for (int i = 0; i < operand_limit; i++)
    if (c->operands[i].written && a->operands[i].bytes &&
        memcmp(a->operands[i].bytes, b->operands[i].bytes, a->operands[i].size) != 0)
      return false;
  return true;
}

/// The first element of operand `i` that is too far off, or -1.
static ptrdiff_t wrong(const float *found, const double *expected, const double *allowed, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!(isnan(found[i]) && isnan(expected[i])) && (double)found[i] != expected[i] &&
        (float)expected[i] != found[i] && !(fabs(found[i] - expected[i]) <= allowed[i]))
      return (ptrdiff_t)i;
  return -1;
}

/// What a written operand should hold; NULL where there is none.
typedef struct truth {
  double *expected, *allowed;
} truth;

static truth portable_truth(const kernel_case *c, const memory *portable, int i) {
  size_t count = c->operands[i].count;
  truth t = {malloc((count + 1) * sizeof(double)), malloc((count + 1) * sizeof(double))};
  for (size_t j = 0; j < count; j++) {
    t.expected[j] = ((float *)(void *)portable->operands[i].bytes)[j];
    t.allowed[j] = c->tolerance * fmax(c->scale, fabs(t.expected[j]));
  }
  return t;
}

/// Of floats: indices are the portable row's.
static bool has_truth(const operand *o) { return o->written && o->role != ABSENT && o->role != INDICES; }

/// Found once for all rows: where machines are emulated it takes longer than the rows.
static void find_truths(const kernel_case *c, const memory *portable, truth *truths) {
  for (int i = 0; i < operand_limit; i++)
    truths[i] = has_truth(&c->operands[i]) ? portable_truth(c, portable, i) : (truth){0};
  int y = first_written(c);
  if (c->exact == NULL || !truths[y].expected)
    return;
  memory plain = prepared(c, NULL, true);
  void *operands[operand_limit];
  for (int j = 0; j < operand_limit; j++)
    operands[j] = plain.operands[j].bytes;
  c->exact(c, operands, truths[y].expected, truths[y].allowed);
  released(&plain);
}

static void forget_truths(truth *truths) {
  for (int i = 0; i < operand_limit; i++) {
    free(truths[i].expected);
    free(truths[i].allowed);
  }
}

/// NULL, or what is wrong with the outputs.
static const char *far_off(const kernel_case *c, const memory *found, const memory *portable,
                           const truth *truths) {
  static char text[160];
  for (int i = 0; i < operand_limit; i++) {
    const operand *o = &c->operands[i];
    const fenced *own = &found->operands[i];
    if (o->written && o->role == INDICES && memcmp(own->bytes, portable->operands[i].bytes, own->size) != 0)
      return "other indices than the portable row";
    if (!truths[i].expected)
      continue;
    const float *values = (float *)(void *)own->bytes;
    ptrdiff_t at = wrong(values, truths[i].expected, truths[i].allowed, o->count);
    if (at < 0)
      continue;
    snprintf(text, sizeof text, "operand %d [%td] is %.9g, expected %.9g, off by %.3g", i, at, values[at],
             truths[i].expected[at], values[at] - truths[i].expected[at]);
    return text;
  }
  return NULL;
}

static const char *in_place_problem(const kernel_case *c, const maas_kernel *row, const memory *whole,
                                    bool at_end) {
  memory m = prepared(c, row, at_end);
  int y = first_written(c);
  run(c, row, &m, 1, c->onto);
  bool equal = memcmp(m.operands[c->onto].bytes, whole->operands[y].bytes, whole->operands[y].size) == 0;
  released(&m);
  return equal ? NULL : "in place gives other bits";
}

static const char *row_problem(const kernel_case *c, const maas_kernel *row, const memory *portable,
                               const truth *truths, bool at_end) {
  memory whole = prepared(c, row, at_end), pieces = prepared(c, row, at_end);
  const char *problem = NULL;
  if (run(c, row, &whole, 1, -1) != 0 || run(c, row, &pieces, 5, -1) != 0)
    problem = "refused its data";
  else if (!fences_whole(&whole) || !fences_whole(&pieces))
    problem = "wrote outside its operands";
  else if (!same_bits(c, &whole, &pieces))
    problem = "the split changed a bit";
  else
    problem = far_off(c, &whole, portable, truths);
  if (!problem && c->onto >= 0)
    problem = in_place_problem(c, row, &whole, at_end);
  released(&whole);
  released(&pieces);
  return problem;
}

void count(const char *row, const char *note, const char *problem) {
  if (problem)
    printf("FAIL %s, %s: %s\n", row, note, problem);
  *(problem ? &failed : &passed) += 1;
}

const maas_kernel_table *table_named(const char *name) {
  for (int32_t i = 0; i < maas_kernel_table_count(); i++)
    if (strcmp(maas_kernel_table_at(i)->family, name) == 0)
      return maas_kernel_table_at(i);
  fprintf(stderr, "kernel-rows: no table %s\n", name);
  exit(1);
}

void check(const kernel_case *c) {
  const maas_kernel_table *table = table_named(c->table);
  const maas_kernel *last = &table->rows[table->count - 1];
  memory portable = prepared(c, last, true);
  run(c, last, &portable, 1, -1);
  truth truths[operand_limit];
  find_truths(c, &portable, truths);
  for (int32_t r = 0; r < table->count; r++) {
    const maas_kernel *row = &table->rows[r];
    running = row->name, running_note = c->note;
    if (!maas_isa_supported(row->isa))
      continue;
    for (int at_end = 0; at_end < 2; at_end++)
      count(row->name, c->note, row_problem(c, row, &portable, truths, at_end));
  }
  forget_truths(truths);
  released(&portable);
}

static void outside(int signal) {
  fprintf(stderr, "FAIL %s, %s: signal %d: read or wrote outside its operands\n", running, running_note,
          signal);
  _exit(1);
}

int main(void) {
  signal(SIGSEGV, outside);
  check_elementwise();
  check_products();
  check_doubles();
#ifndef ROWS_OF_CORE
  check_panels();
#endif
  check_windows();
  check_along();
  check_integers();
  check_quantizers();
  check_blocks();
  check_nhwc();
  check_byte_convolutions();
  check_training();
  check_updates();
  check_packing();
  printf("kernel rows of %s and below: %d passed, %d failed\n", maas_isa_name(), passed, failed);
  return failed > 0 || passed == 0;
}
