/// The walk through trees for one element type: NUMBER, NODE, NAME and LANES come from the file that includes this.
///
/// A walk is a chain of loads, each waiting for the one before, so LANES of them go side by side and nothing branches.
/// That beats gathering with vector instructions, which load no faster.
#undef INLINE
#undef EACH_LANE
#define INLINE inline __attribute__((always_inline))
#define EACH_LANE _Pragma("clang loop unroll(full) vectorize(disable)") for (int l = 0; l < LANES; l++)

typedef struct NAME(forest) {
  const NODE *nodes;
  const maas_tree *trees;
  const NUMBER *weights;
  const int32_t *starts, *ids;
  const NUMBER *sets;
  const int32_t *set_starts;
} NAME(forest);

static bool NAME(is_member)(const NAME(forest) * f, int32_t set, NUMBER x) {
  int32_t low = f->set_starts[set], high = f->set_starts[set + 1];
  while (low < high) {
    int32_t middle = low + (high - low) / 2;
    if (f->sets[middle] == x)
      return true;
    if (f->sets[middle] < x)
      low = middle + 1;
    else
      high = middle;
  }
  return false;
}

static INLINE bool NAME(holds)(const NAME(forest) * f, const NODE *node, NUMBER x, maas_tree_kind kind) {
  bool result = x <= node->threshold;
  if (kind == MAAS_TREE_GENERAL && node->test & MAAS_TREE_EQUAL)
    result = x == node->threshold;
  if (kind == MAAS_TREE_GENERAL && node->test & MAAS_TREE_MEMBER)
    result = NAME(is_member)(f, node->index, x);
  if (kind != MAAS_TREE_PLAIN)
    result |= (x != x) & ((node->test & MAAS_TREE_NAN) != 0);
  return result;
}

/// Takes every lane from its root to its leaf. The row of a lane lies `stride` elements after that of the one
/// before. A child has a larger number than its parent, so the sum tells whether any lane moved.
static INLINE void NAME(walk)(const NAME(forest) * f, const NUMBER *x, int64_t stride, uint32_t *lanes,
                              int32_t height, maas_tree_kind kind) {
  uint32_t at[LANES];
  uint64_t sum = 0, before;
  EACH_LANE at[l] = lanes[l];
  for (int32_t d = 0; d < height; d++) {
    before = sum;
    sum = 0;
    EACH_LANE {
      const NODE *node = f->nodes + at[l];
      int64_t feature = kind == MAAS_TREE_PLAIN ? node->test : node->test & MAAS_TREE_FEATURE;
      at[l] = (uint32_t)node->child + NAME(holds)(f, node, x[l * stride + feature], kind);
      sum += at[l];
    }
    if (sum == before)
      break;
  }
  EACH_LANE lanes[l] = at[l];
}

/// As `walk` for tests of every kind, which are rare: little code counts more than speed.
static void NAME(walk_one_by_one)(const NAME(forest) * f, const NUMBER *x, int64_t stride, uint32_t *at) {
  for (int l = 0; l < LANES; l++)
    for (uint32_t before = UINT32_MAX; before != at[l];) {
      const NODE *node = f->nodes + at[l];
      before = at[l];
      at[l] = (uint32_t)node->child;
      if (at[l] != before)
        at[l] += NAME(holds)(f, node, x[l * stride + (node->test & MAAS_TREE_FEATURE)], MAAS_TREE_GENERAL);
    }
}

static __attribute__((noinline)) void NAME(descend)(const NAME(forest) * f, const NUMBER *x, int64_t stride,
                                                    uint32_t *at, int32_t height, maas_tree_kind kind) {
  if (kind == MAAS_TREE_PLAIN)
    NAME(walk)(f, x, stride, at, height, MAAS_TREE_PLAIN);
  else if (kind == MAAS_TREE_MISSING)
    NAME(walk)(f, x, stride, at, height, MAAS_TREE_MISSING);
  else
    NAME(walk_one_by_one)(f, x, stride, at);
}

static INLINE NUMBER NAME(joined)(NUMBER score, NUMBER weight, maas_tree_aggregate aggregate) {
  if (aggregate == MAAS_TREE_SUM)
    return score + weight;
  bool better = aggregate == MAAS_TREE_MIN ? weight < score : weight > score;
  return better || score != score ? weight : score;
}

/// Adds the one weight of each of the first `count` lanes to one score, which stays in a register.
static void NAME(add_up)(const NAME(forest) * f, const uint32_t *at, int64_t count, NUMBER *y) {
  NUMBER sum = *y;
  for (int64_t l = 0; l < count; l++)
    sum += f->weights[f->nodes[at[l]].index];
  *y = sum;
}

static void NAME(add_numbers)(const NUMBER *x, int64_t count, NUMBER *y) {
  NUMBER sum = *y;
  for (int64_t i = 0; i < count; i++)
    sum += x[i];
  *y = sum;
}

/// Adds the one weight of each lane to the score of its row.
static INLINE void NAME(add_each)(const NAME(forest) * f, const uint32_t *at, NUMBER *y) {
  EACH_LANE y[l] += f->weights[f->nodes[at[l]].index];
}

static INLINE bool NAME(has_one_sum)(const NAME(forest) * f, const maas_tree_params *p) {
  return !f->starts && p->targets == 1 && p->aggregate == MAAS_TREE_SUM;
}

/// Adds what the first `count` lanes came to; their scores lie `stride` elements apart.
static __attribute__((noinline)) void NAME(add)(const NAME(forest) * f, const maas_tree_params *p,
                                                const uint32_t *at, int64_t count, NUMBER *y,
                                                int64_t stride) {
  for (int64_t l = 0; l < count; l++, y += stride) {
    int64_t leaf = f->nodes[at[l]].index;
    const NUMBER *weights = f->weights + leaf * p->targets;
    if (!f->starts && p->aggregate == MAAS_TREE_SUM)
      for (int64_t t = 0; t < p->targets; t++)
        y[t] += weights[t];
    else if (!f->starts)
      for (int64_t t = 0; t < p->targets; t++)
        y[t] = NAME(joined)(y[t], weights[t], p->aggregate);
    else
      for (int32_t i = f->starts[leaf]; i < f->starts[leaf + 1]; i++)
        y[f->ids[i]] = NAME(joined)(y[f->ids[i]], f->weights[i], p->aggregate);
  }
}

/// Adds what the first `count` lanes came to, trees of one row.
static void NAME(add_to_row)(const NAME(forest) * f, const maas_tree_params *p, const uint32_t *at,
                             int64_t count, NUMBER *y) {
  if (NAME(has_one_sum)(f, p))
    NAME(add_up)(f, at, count, y);
  else
    NAME(add)(f, p, at, count, y, 0);
}

/// The leaves of one row in the trees from t on, one in each lane; those beyond the last tree walk the last one again.
static INLINE void NAME(leaves)(const NAME(forest) * f, const maas_tree_params *p, const NUMBER *x, int64_t t,
                                uint32_t *at) {
  int32_t height = 0;
  EACH_LANE {
    maas_tree tree = f->trees[maas_min64(t + l, p->trees - 1)];
    at[l] = (uint32_t)tree.root;
    height = tree.height > height ? tree.height : height;
  }
  NAME(descend)(f, x, 0, at, height, p->kind);
}

/// All trees for one row.
static void NAME(row)(const NAME(forest) * f, const maas_tree_params *p, const NUMBER *x, NUMBER *y) {
  for (int64_t t = 0; t < p->trees; t += LANES) {
    uint32_t at[LANES];
    NAME(leaves)(f, p, x, t, at);
    NAME(add_to_row)(f, p, at, maas_min64(LANES, p->trees - t), y);
  }
}

/// One tree for LANES rows.
static void NAME(tree)(const NAME(forest) * f, const maas_tree_params *p, maas_tree tree, const NUMBER *x,
                       NUMBER *y) {
  uint32_t at[LANES];
  EACH_LANE at[l] = (uint32_t)tree.root;
  NAME(descend)(f, x, p->features, at, tree.height, p->kind);
  if (NAME(has_one_sum)(f, p))
    NAME(add_each)(f, at, y);
  else
    NAME(add)(f, p, at, LANES, y, p->targets);
}

static void NAME(block)(const NAME(forest) * f, const maas_tree_params *p, const NUMBER *x, NUMBER *y,
                        int64_t rows) {
  int64_t whole = rows - rows % LANES;
  for (int64_t t = 0; t < p->trees && whole > 0; t++)
    for (int64_t r = 0; r < whole; r += LANES)
      NAME(tree)(f, p, f->trees[t], x + r * p->features, y + r * p->targets);
  for (int64_t r = whole; r < rows; r++)
    NAME(row)(f, p, x + r * p->features, y + r * p->targets);
}

static NAME(forest) NAME(forest_of)(void *const *operands) {
  return (NAME(forest)){operands[1], operands[2], operands[3], operands[4],
                        operands[5], operands[6], operands[7]};
}

/// What scores are before any leaf has spoken.
static void NAME(clear)(const maas_tree_params *p, NUMBER *y, int64_t rows) {
  NUMBER nothing = p->aggregate == MAAS_TREE_SUM ? (NUMBER)-0.0 : (NUMBER)NAN;
  for (int64_t j = 0; j < rows * p->targets; j++)
    y[j] = nothing;
}

/// Items are LANES trees of a row. Those that begin a row are added up at once; what the others came to waits for
/// `tree_rest`, as the sum before them is not known here: weights where there is one for each, leaves elsewhere. So
/// sums do not depend on where items are cut.
static void NAME(by_trees)(const NAME(forest) * f, const maas_tree_params *p, void *const *operands,
                           int64_t begin, int64_t end) {
  int64_t groups = maas_ceil_div(p->trees, LANES);
  bool has_sum = false;
  for (int64_t item = begin; item < end; item++) {
    int64_t row = item / groups, t = item % groups * LANES;
    NUMBER *y = (NUMBER *)operands[8] + row * p->targets, *waiting = (NUMBER *)operands[9] + item * LANES;
    uint32_t at[LANES];
    NAME(leaves)(f, p, (const NUMBER *)operands[0] + row * p->features, t, at);
    if (t == 0) {
      has_sum = true;
      NAME(clear)(p, y, 1);
    }
    if (has_sum) {
      NAME(add_to_row)(f, p, at, maas_min64(LANES, p->trees - t), y);
      ((int64_t *)operands[10])[row] = t + LANES;
    } else if (NAME(has_one_sum)(f, p)) {
      EACH_LANE waiting[l] = f->weights[f->nodes[at[l]].index];
    } else {
      memcpy(waiting, at, sizeof at);
    }
  }
}

int32_t NAME(trees_1_scalar)(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_tree_params *p = step->params;
  void *const *operands = step->operands;
  NAME(forest) f = NAME(forest_of)(operands);
  if (p->by_trees)
    return NAME(by_trees)(&f, p, operands, begin, end), MAAS_STEP_OK;
  for (int64_t first = begin; first < end; first += p->block) {
    int64_t rows = maas_min64(p->block, end - first);
    NUMBER *y = (NUMBER *)operands[8] + first * p->targets;
    NAME(clear)(p, y, rows);
    NAME(block)(&f, p, (const NUMBER *)operands[0] + first * p->features, y, rows);
  }
  return MAAS_STEP_OK;
}

int32_t NAME(tree_rest_1_scalar)(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_tree_params *p = step->params;
  NAME(forest) f = NAME(forest_of)(step->operands);
  int64_t pitch = maas_round_up(p->trees, LANES);
  for (int64_t row = begin; row < end; row++) {
    int64_t t = ((const int64_t *)step->operands[10])[row];
    const NUMBER *waiting = (const NUMBER *)step->operands[9] + row * pitch;
    NUMBER *y = (NUMBER *)step->operands[8] + row * p->targets;
    if (NAME(has_one_sum)(&f, p))
      NAME(add_numbers)(waiting + t, p->trees - t, y);
    else
      for (; t < p->trees; t += LANES)
        NAME(add)(&f, p, (const void *)(waiting + t), maas_min64(LANES, p->trees - t), y, 0);
  }
  return MAAS_STEP_OK;
}
