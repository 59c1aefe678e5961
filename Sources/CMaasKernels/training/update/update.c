/// The rows of update and square_sums.
#include "update.h"
#include <math.h>
#include <string.h>
#include "../../split.h"
#include "../rows.h"

/// x, s and t among the operands of a tensor: what a step moves.
enum { moves = 3 };
static const int moved[moves] = {0, 2, 3};
_Static_assert(moves <= MAAS_GEMM_WANTED, "products fetch all of them");

MAAS_FAMILY(maas_f32_update)
MAAS_FAMILY(maas_f32_square_sums)

maas_split maas_f32_update_split(const maas_update_params *params) {
  return maas_split_by_cost(params->elements, params->rule <= MAAS_UPDATE_NESTEROV ? 0.2 : 0.4, 0);
}

static void add(float *restrict sum, const float *restrict a, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    sum[i] += a[i];
}

/// Adds what the other ranks have left of a gradient.
static void add_others(const maas_rank_part *part, int64_t at, float *gradient, int64_t n) {
  for (int32_t r = 0; part->left && r < part->ranks; r++)
    if (r != part->rank)
      add(gradient, part->left[r] + part->first + at, n);
}

/// Who sees what is stored from here on then also sees what was stored past the caches.
static void finish_leaving(void) {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#else
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/// Leaves whole rows of a panel to the other ranks, past the caches: theirs have the lines of the step before, and to take
/// those away from them one at a time lasts longer.
static void leave(const maas_rank_part *part, int64_t at, const float *from, int64_t n) {
  if (!part->left)
    return;
  typedef float quad __attribute__((vector_size(16)));
  quad *to = (quad *)(void *)(part->left[part->rank] + part->first + at);
  for (int64_t i = 0; i < n; i += 4) {
    quad q;
    memcpy(&q, from + i, sizeof q);
    __builtin_nontemporal_store(q, to + i / 4);
  }
  finish_leaving();
}

/// Takes the step along elements of the gradient where they are.
static void step_along(const maas_step *step, int64_t at, float *gradient, int64_t n) {
  const maas_product_update_params *params = step->params;
  add_others(&params->part, at, gradient, n);
  const int64_t begins[] = {0, n};
  void *operands[MAAS_UPDATE_FIRST + MAAS_UPDATE_EACH];
  memcpy(operands, step->operands + MAAS_PRODUCT_UPDATE_FIRST, sizeof operands);
  operands[2] = (void *)begins;
  for (int i = MAAS_UPDATE_FIRST; i < MAAS_UPDATE_FIRST + MAAS_UPDATE_EACH; i++)
    operands[i] = operands[i] ? (float *)operands[i] + at : NULL;
  operands[MAAS_UPDATE_FIRST + 1] = (void *)gradient;
  maas_step own = {.operands = operands, .params = &params->update, .items = n, .grain = n};
  maas_f32_update(&own, 0, n, NULL);
  leave(&params->part, at, operands[MAAS_UPDATE_FIRST + 4], n);
}

static void leave_to_others(const maas_step *step, int64_t at, float *gradient, int64_t n) {
  const maas_product_update_params *params = step->params;
  leave(&params->part, at, gradient, n);
}

maas_split maas_f32_product_update_split(maas_product_update_params *params) {
  params->product.take = step_along;
  for (int i = 0; i < moves; i++)
    params->product.wanted[i] = MAAS_PRODUCT_UPDATE_FIRST + MAAS_UPDATE_FIRST + moved[i];
  const maas_rank_part *part = &params->part;
  if (part->left) // Of more than one other rank the next one's.
    params->product.wanted_elsewhere = part->left[(part->rank + 1) % part->ranks] + part->first;
  return maas_f32_gemm_split(&params->product);
}

maas_split maas_f32_product_share_split(maas_product_update_params *params) {
  params->product.take = leave_to_others;
  return maas_f32_gemm_split(&params->product);
}

maas_split maas_f32_square_sums_split(const maas_square_sums_params *params) {
  return maas_split_by_cost(params->blocks, 0.1 * MAAS_SQUARE_BLOCK, 0);
}

maas_update_numbers maas_update_numbers_of(const maas_step *step) {
  const maas_update_params *p = step->params;
  double rate = *(const double *)step->operands[0];
  double n = (double)*(const int64_t *)step->operands[1];
  const float *factor = step->operands[3];
  bool is_momentum = p->rule == MAAS_UPDATE_MOMENTUM || p->rule == MAAS_UPDATE_NESTEROV;
  double epsilon = p->epsilon, decay = p->decay;
  double own = p->rule == MAAS_UPDATE_DIRECTION ? 1 : rate / (1 + n * p->rate_decay);
  double keep = 1 - own * decay;
  double m = n + p->ahead;
  if (p->corrects && m > 0) {
    double root = sqrt(1 - pow(p->beta, m));
    own *= root / (1 - pow(p->alpha, m));
    epsilon *= p->corrects_epsilon ? root : 1;
  }
  float scale = (float)(p->scale * (factor ? *factor : 1));
  return (maas_update_numbers){
      .rate = (float)own,
      .alpha = (float)p->alpha,
      .beta = (float)p->beta,
      .first = (float)(!is_momentum ? 1 - p->alpha
                       : n > 0      ? p->beta
                                    : 1),
      .second = (float)(1 - p->beta),
      .epsilon = (float)epsilon,
      .l1 = (float)p->l1,
      .l2 = (float)p->l2,
      .keep = (float)keep,
      .post = (float)p->post,
      .scale = scale,
      .clip = (float)p->clip,
      .decay = (float)decay,
      .is_plain =
          p->l1 == 0 && p->l2 == 0 && decay == 0 && p->post == 1 && scale == 1 && !(p->clip < INFINITY),
  };
}

#if defined(__x86_64__)
uint64_t maas_flush_subnormal(void) {
  unsigned before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before | 0x8040); // results and operands
  return before;
}
void maas_keep_subnormal(uint64_t before) { __builtin_ia32_ldmxcsr((unsigned)before); }
#elif defined(__aarch64__)
uint64_t maas_flush_subnormal(void) {
  uint64_t before;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  __asm__ volatile("msr fpcr, %0" : : "r"(before | (uint64_t)1 << 24) : "memory");
  return before;
}
void maas_keep_subnormal(uint64_t before) { __asm__ volatile("msr fpcr, %0" : : "r"(before) : "memory"); }
#else
uint64_t maas_flush_subnormal(void) { return 0; }
void maas_keep_subnormal(uint64_t before) { (void)before; }
#endif

int64_t maas_tensor_at(const int64_t *begins, int64_t tensors, int64_t item) {
  int64_t low = 0, high = tensors - 1;
  while (low < high) {
    int64_t middle = (low + high + 1) / 2;
    if (begins[middle] <= item)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

bool maas_update_stays(const maas_step *step) {
  const maas_update_params *params = step->params;
  const float *guard = step->operands[4];
  for (int32_t i = 0; guard && i < params->guards; i++)
    if (!(fabsf(guard[i]) < INFINITY))
      return true;
  return false;
}

void maas_update_nothing(void *const *at, int64_t offset, int64_t n) {
  for (int i = 0; i < moves; i++) {
    const float *old = at[moved[i]];
    float *new = at[4 + i];
    if (old && new &&old != new)
      memcpy(new + offset, old + offset, (size_t)n * sizeof(float));
  }
}
