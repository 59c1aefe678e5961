/// The update rules for one instruction set. The last vector of a piece is a partial one through the same code, so a
/// value never depends on its place.
#include "update.h"

typedef struct update_vectors {
  vf x, g, s, t;
} update_vectors;

/// The numbers, in every lane.
typedef struct update_lanes {
  vf rate, alpha, beta, first, second, epsilon, l1, l2, keep, post, scale, clip, low, decay;
} update_lanes;

static inline vf v_sign_or_zero(vf x, vf magnitude) {
  return v_select(v_equal(x, v_set(0)), v_set(0), v_copy_sign(magnitude, x));
}

/// The gradient with all that is added to it. Of a NaN the limits make NaN.
static inline vf whole_gradient(const update_lanes *c, vf x, vf g, bool has_l1) {
  vf own = v_max(c->low, v_mul(c->scale, g));
  own = v_fma(c->l2, x, v_min(c->clip, own));
  return has_l1 ? v_add(own, v_sign_or_zero(x, c->l1)) : own;
}

static inline vf stepped(const update_lanes *c, bool is_plain, vf x, vf direction) {
  if (is_plain)
    return v_fma(-c->rate, direction, x);
  return v_mul(c->post, v_fma(-c->rate, direction, v_mul(c->keep, x)));
}

static inline void moments(const update_lanes *c, update_vectors *v) {
  v->s = v_fma(c->first, v_sub(v->g, v->s), v->s);
  v->t = v_fma(c->beta, v->t, v_mul(c->second, v_mul(v->g, v->g)));
}

static inline vf over_root(vf x, vf square, vf epsilon) {
  return v_near_div(x, v_add(v_sqrt(square), epsilon));
}

/// Inlined for each rule, so that the choice is made outside its loop.
static inline __attribute__((always_inline)) void take_step(maas_update_rule rule, bool is_plain,
                                                            const update_lanes *c, update_vectors *v) {
  switch (rule) {
  case MAAS_UPDATE_DESCENT:
    v->x = stepped(c, is_plain, v->x, v->g);
    break;
  case MAAS_UPDATE_MOMENTUM:
  case MAAS_UPDATE_NESTEROV:
    v->s = v_fma(c->alpha, v->s, v_mul(c->first, v->g));
    v->x = stepped(c, is_plain, v->x, rule == MAAS_UPDATE_MOMENTUM ? v->s : v_fma(c->alpha, v->s, v->g));
    break;
  case MAAS_UPDATE_ADAM:
    moments(c, v);
    v->x = stepped(c, is_plain, v->x, over_root(v->s, v->t, c->epsilon));
    break;
  case MAAS_UPDATE_DIRECTION:
    moments(c, v);
    v->x = v_fma(c->decay, v->x, v_mul(c->rate, over_root(v->s, v->t, c->epsilon)));
    break;
  case MAAS_UPDATE_ADAGRAD:
    v->s = v_fma(v->g, v->g, v->s);
    v->x = stepped(c, is_plain, v->x, over_root(v->g, v->s, c->epsilon));
    break;
  case MAAS_UPDATE_RMSPROP:
    v->s = v_fma(c->beta, v->s, v_mul(c->second, v_mul(v->g, v->g)));
    v->t = v_fma(c->alpha, v->t, over_root(v->g, v->s, c->epsilon));
    v->x = stepped(c, is_plain, v->x, v->t);
    break;
  case MAAS_UPDATE_LION: {
    vf mixed = v_fma(c->alpha, v->s, v_mul(c->first, v->g));
    v->x = stepped(c, is_plain, v->x, v_sign_or_zero(mixed, v_set(1)));
    v->s = v_fma(c->beta, v->s, v_mul(c->second, v->g));
    break;
  }
  case MAAS_UPDATE_AVERAGE:
    v->x = v_fma(c->second, v_sub(v->g, v->x), v->x);
    break;
  }
}

/// The addresses of a piece of one tensor; NULL where there is nothing.
typedef struct update_piece {
  const float *x, *g, *s, *t;
  float *new_x, *new_s, *new_t;
} update_piece;

static inline vf some(const float *from, int64_t i, int64_t n) {
  return !from ? v_set(0) : n >= V_WIDTH ? v_load(from + i) : v_load_tail(from + i, n);
}

static inline void put(float *to, vf value, int64_t i, int64_t n) {
  if (to && n >= V_WIDTH)
    v_store(to + i, value);
  else if (to)
    v_store_tail(to + i, value, n);
}

static inline __attribute__((always_inline)) void update_vector(maas_update_rule rule, bool is_plain,
                                                                bool has_l1, const update_lanes *c,
                                                                const update_piece *p, int64_t i, int64_t n) {
  update_vectors v = {some(p->x, i, n), some(p->g, i, n), some(p->s, i, n), some(p->t, i, n)};
  if (rule != MAAS_UPDATE_AVERAGE && !is_plain)
    v.g = whole_gradient(c, v.x, v.g, has_l1);
  take_step(rule, is_plain, c, &v);
  put(p->new_x, v.x, i, n);
  put(p->new_s, v.s, i, n);
  put(p->new_t, v.t, i, n);
}

/// Numbers and addresses are its own, so that no store can change them.
static inline __attribute__((always_inline)) void update_rows(maas_update_rule rule, bool is_plain,
                                                              bool has_l1, const update_lanes *lanes,
                                                              const update_piece *piece, int64_t n) {
  const update_lanes c = *lanes;
  const update_piece p = *piece;
  int64_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH)
    update_vector(rule, is_plain, has_l1, &c, &p, i, V_WIDTH);
  if (i < n)
    update_vector(rule, is_plain, has_l1, &c, &p, i, n - i);
}

/// The rules that most training takes, without all else, where nothing is left out.
static bool update_plain(maas_update_rule rule, const update_lanes *c, const update_piece *p, int64_t n) {
  bool is_descent = rule == MAAS_UPDATE_DESCENT && p->new_x;
  if (is_descent)
    update_rows(MAAS_UPDATE_DESCENT, true, false, c, &(update_piece){.x = p->x, .g = p->g, .new_x = p->new_x},
                n);
  bool is_adam = rule == MAAS_UPDATE_ADAM && p->s && p->t && p->new_x && p->new_s && p->new_t;
  if (is_adam)
    update_rows(MAAS_UPDATE_ADAM, true, false, c, p, n);
  return is_descent || is_adam;
}

static void update_one(maas_update_rule rule, bool has_l1, const update_lanes *c, const update_piece *p,
                       int64_t n) {
#define MAAS_UPDATE_CASE(name)                                                                               \
  case name:                                                                                                 \
    update_rows(name, false, has_l1, c, p, n);                                                               \
    break;
  switch (rule) {
    MAAS_UPDATE_CASE(MAAS_UPDATE_DESCENT)
    MAAS_UPDATE_CASE(MAAS_UPDATE_MOMENTUM)
    MAAS_UPDATE_CASE(MAAS_UPDATE_NESTEROV)
    MAAS_UPDATE_CASE(MAAS_UPDATE_ADAM)
    MAAS_UPDATE_CASE(MAAS_UPDATE_ADAGRAD)
    MAAS_UPDATE_CASE(MAAS_UPDATE_RMSPROP)
    MAAS_UPDATE_CASE(MAAS_UPDATE_LION)
    MAAS_UPDATE_CASE(MAAS_UPDATE_AVERAGE)
    MAAS_UPDATE_CASE(MAAS_UPDATE_DIRECTION)
  }
#undef MAAS_UPDATE_CASE
}

static update_lanes in_lanes(const maas_update_numbers *n) {
  return (update_lanes){v_set(n->rate),   v_set(n->alpha),   v_set(n->beta),  v_set(n->first),
                        v_set(n->second), v_set(n->epsilon), v_set(n->l1),    v_set(n->l2),
                        v_set(n->keep),   v_set(n->post),    v_set(n->scale), v_set(n->clip),
                        v_set(-n->clip),  v_set(n->decay)};
}

#define AT(i) (at[i] ? (float *)at[i] + offset : NULL)

static update_piece piece_of(void *const *at, int64_t offset) {
  return (update_piece){AT(0), AT(1), AT(2), AT(3), AT(4), AT(5), AT(6)};
}

#undef AT

static __attribute__((noinline)) void update_all(const maas_step *step, int64_t begin, int64_t end) {
  const maas_update_params *params = step->params;
  const int64_t *begins = step->operands[2];
  const float *ratios = step->operands[5];
  maas_update_numbers numbers = maas_update_numbers_of(step);
  bool stays = maas_update_stays(step);
  int64_t tensor = maas_tensor_at(begins, params->tensors, begin);
  for (; begin < end; tensor++) {
    void *const *at = step->operands + MAAS_UPDATE_FIRST + MAAS_UPDATE_EACH * tensor;
    int64_t offset = begin - begins[tensor];
    int64_t n = (end < begins[tensor + 1] ? end : begins[tensor + 1]) - begin;
    maas_update_numbers own = numbers;
    if (ratios)
      own.rate *= ratios[tensor];
    update_lanes lanes = in_lanes(&own);
    update_piece piece = piece_of(at, offset);
    if (stays)
      maas_update_nothing(at, offset, n);
    else if (!own.is_plain || !update_plain(params->rule, &lanes, &piece, n))
      update_one(params->rule, own.l1 != 0, &lanes, &piece, n);
    begin += n;
  }
}

int32_t MAAS_F32_KERNEL(update)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  uint64_t before = maas_flush_subnormal();
  update_all(step, begin, end);
  maas_keep_subnormal(before);
  return MAAS_STEP_OK;
}

/// A vector more. Of what is not finite the sum becomes NaN, whatever a maximum makes of it.
static inline void measure_vector(maas_block_measure measure, vf x, vf *sum, vf *greatest) {
  *sum = v_fma(x, measure == MAAS_BLOCK_SQUARES ? x : v_set(0), *sum);
  if (measure == MAAS_BLOCK_GREATEST)
    *greatest = v_max(*greatest, v_copy_sign(x, v_set(0)));
}

static inline __attribute__((always_inline)) float measure_block(maas_block_measure measure, const float *x,
                                                                 int64_t n) {
  enum { chains = 4 };
  vf sums[chains], greatest[chains];
  for (int j = 0; j < chains; j++)
    sums[j] = greatest[j] = v_set(0);
  int64_t i = 0;
  for (; i + chains * V_WIDTH <= n; i += chains * V_WIDTH)
    for (int j = 0; j < chains; j++)
      measure_vector(measure, v_load(x + i + j * V_WIDTH), &sums[j], &greatest[j]);
  for (; i < n; i += V_WIDTH)
    measure_vector(measure, n - i >= V_WIDTH ? v_load(x + i) : v_load_tail(x + i, n - i), &sums[0],
                   &greatest[0]);
  float sum = v_sum(v_add(v_add(sums[0], sums[1]), v_add(sums[2], sums[3])));
  vf most = v_max(v_max(greatest[0], greatest[1]), v_max(greatest[2], greatest[3]));
  return measure == MAAS_BLOCK_GREATEST ? sum + v_max_lane(most) : sum;
}

int32_t MAAS_F32_KERNEL(square_sums)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_square_sums_params *params = step->params;
  const int64_t *begins = step->operands[0], *counts = step->operands[1];
  float *y = step->operands[2];
  int64_t tensor = maas_tensor_at(begins, params->tensors, begin);
  for (int64_t block = begin; block < end; block++) {
    while (block >= begins[tensor + 1])
      tensor++;
    int64_t first = (block - begins[tensor]) * MAAS_SQUARE_BLOCK, rest = counts[tensor] - first;
    const float *x = (const float *)step->operands[3 + tensor] + first;
    int64_t n = rest < MAAS_SQUARE_BLOCK ? rest : MAAS_SQUARE_BLOCK;
    switch (params->measure) {
    case MAAS_BLOCK_SQUARES:
      y[block] = measure_block(MAAS_BLOCK_SQUARES, x, n);
      break;
    case MAAS_BLOCK_CHECK:
      y[block] = measure_block(MAAS_BLOCK_CHECK, x, n);
      break;
    case MAAS_BLOCK_GREATEST:
      y[block] = measure_block(MAAS_BLOCK_GREATEST, x, n);
    }
  }
  return MAAS_STEP_OK;
}
