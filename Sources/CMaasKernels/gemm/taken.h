#ifndef MAAS_GEMM_TAKEN_H
#define MAAS_GEMM_TAKEN_H
/// Products of training whose Y is taken, panel by panel, and what products fetch meanwhile. Included by body.h.

static bool takes(const maas_f32_gemm_params *g) { return has_panels && g->take; }

/// The finish of an item that is taken: its panels lie one behind the other at `y`.
static void finish_to_take(const gemm_item *item, real *y, maas_gemm_finish *f) {
  f->y = y;
  f->y_gap = (item->rows - 1) * MAAS_NR;
}

/// The finish of panels from column j on. Where there is one pass all lie where the first ones were, which have been
/// taken.
static maas_gemm_finish finish_of_panels(const maas_f32_gemm_params *g, const maas_gemm_pass *pass,
                                         const maas_gemm_finish *f, int64_t j) {
  return finish_at(f, 0, takes(g) && pass->k == g->k ? 0 : j);
}

/// Has the product of panels from column j on fetch what is wanted when they are taken: `wanted` has room for it.
static void want_taken(const maas_f32_gemm_params *g, const gemm_item *item, int64_t j, const char **wanted,
                       maas_gemm_pass *pass) {
  int64_t count = 0, at = item->y_at + j / MAAS_NR * g->y_panel;
  for (int i = 0; i < MAAS_GEMM_WANTED; i++) {
    const real *own = g->wanted[i] ? item->step->operands[g->wanted[i]] : NULL;
    if (own)
      wanted[count++] = (const char *)(own + at);
  }
  if (g->wanted_elsewhere)
    wanted[count++] = (const char *)(g->wanted_elsewhere + at);
  share_wanted(pass, wanted, count, item->rows * MAAS_NR * (int64_t)sizeof(real));
}

enum { most_wanted = MAAS_GEMM_KC / MAAS_NR + 1 };
_Static_assert(MAAS_GEMM_WANTED < most_wanted, "want_taken has room");

/// Has the product of the panel from column j on fetch what the next one is copied from.
static void want_next(const maas_f32_gemm_params *g, const gemm_item *item, int64_t j, int64_t p,
                      const char **wanted, maas_gemm_pass *pass) {
  const real *b = (const real *)(const void *)item->b + (j + MAAS_NR) * g->b_col;
  int64_t count = 0;
  for (int64_t q = p - p % MAAS_NR; q < p + pass->k && count < most_wanted; q += MAAS_NR)
    wanted[count++] = (const char *)(b + q / MAAS_NR * g->b_panel);
  if (j + MAAS_NR < item->columns)
    share_wanted(pass, wanted, count, MAAS_NR * MAAS_NR * (int64_t)sizeof(real));
}

static void take_panels(const maas_f32_gemm_params *g, const gemm_item *item, int64_t j, int64_t columns,
                        real *panels) {
#if !defined(MAAS_CORE) && !defined(MAAS_DOUBLE)
  for (int64_t end = j + columns, n = item->rows * MAAS_NR; j < end; j += MAAS_NR, panels += n)
    g->take(item->step, item->y_at + j / MAAS_NR * g->y_panel, panels, n);
#else
  (void)g, (void)item, (void)j, (void)columns, (void)panels;
#endif
}

#endif
