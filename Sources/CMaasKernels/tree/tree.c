/// Trees: plain C only, see body.h.
#include <math.h>
#include <stddef.h>
#include "maas_tree.h"
#include "../split.h"
#include "../table.h"

#define NUMBER float
#define NODE maas_f32_tree_node
#define NAME(name) maas_f32_##name
#define LANES 16
#include "body.h"
#undef NUMBER
#undef NODE
#undef NAME
#undef LANES

// Nodes of doubles are larger, and half as many walks keep the loads busy.
#define NUMBER double
#define NODE maas_f64_tree_node
#define NAME(name) maas_f64_##name
#define LANES 8
#include "body.h"

static const maas_kernel f32_rows[] = {MAAS_ROW(maas_f32_trees_1_scalar, MAAS_ISA_SCALAR, 1, 16)};
static const maas_kernel f64_rows[] = {MAAS_ROW(maas_f64_trees_1_scalar, MAAS_ISA_SCALAR, 1, 8)};
MAAS_ENTRY(maas_f32_trees, f32_rows)
MAAS_ENTRY(maas_f64_trees, f64_rows)

/// Items are rows. A block is as many as stay in the nearest cache while a tree is walked for them, but leaves enough
/// blocks.
maas_split maas_trees_split(maas_tree_params *p) {
  int64_t fitting = 16384 / (4 * maas_max64(1, p->features));
  int64_t block = maas_min64(maas_min64(fitting, 256), p->rows / 8);
  p->block = maas_round_up(maas_max64(block, 1), 16);
  maas_split split = maas_split_by_cost(p->rows, 8 * (double)p->trees + (double)p->targets, 0);
  split.grain = maas_round_up(maas_min64(maas_max64(split.grain, 1), maas_max64(p->rows, 1)), p->block);
  return split;
}
