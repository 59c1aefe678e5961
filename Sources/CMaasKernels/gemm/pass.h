/// One pass over k for a rectangle of Y: packed (or direct) rows of A against panels of B. Included after
/// gemm/micro.h by files that defined MAAS_MICROS, the micro-kernels for 1 ... MAAS_MR rows.

static micro_kernel *const micros[MAAS_MR] = {MAAS_MICROS};

/// Copies A[rows, k] to groups of MAAS_MR rows, each [k][MAAS_MR]; the last group keeps that stride.
static void pack_a(int64_t rows, int64_t k, left a, float *to) {
  for (int64_t i = 0; i < rows; i += MAAS_MR, to += MAAS_MR * k) {
    int64_t count = rows - i < MAAS_MR ? rows - i : MAAS_MR;
    const float *from = a.a + i * a.row;
    if (count == MAAS_MR)
      for (int64_t p = 0; p < k; p++)
        MAAS_UNROLL
    for (int r = 0; r < MAAS_MR; r++)
      to[p * MAAS_MR + r] = from[r * a.row + p * a.col];
    else for (int64_t p = 0; p < k; p++) for (int64_t r = 0; r < count; r++) to[p * MAAS_MR + r] =
        from[r * a.row + p * a.col];
  }
}

/// Y[rows, columns] op= A[rows, k] B[k, columns]. `group` is the distance between groups of MAAS_MR rows of
/// A, `panel` that between panels of B; `f` is moved over the tiles.
static void run_pass(int64_t rows, int64_t columns, int64_t k, left a, int64_t group, const float *b,
                     int64_t panel, const finish *f) {
  for (int64_t j = 0; j < columns; j += MAAS_NR, b += panel) {
    int64_t width = columns - j < MAAS_NR ? columns - j : MAAS_NR;
    left rows_of_a = a;
    for (int64_t i = 0; i < rows; i += MAAS_MR, rows_of_a.a += group) {
      int64_t height = rows - i < MAAS_MR ? rows - i : MAAS_MR;
      finish tile = *f;
      tile.y += i * f->y_row + j;
      if (f->c)
        tile.c += i * f->c_row + j * f->c_col;
      if (f->residual)
        tile.residual += i * f->y_row + j;
      micros[height - 1](k, rows_of_a, b, width, &tile);
    }
  }
}

/// `whole` for the pass over [p, p + length) of k: C joins in the first pass, the rest in the last.
static finish finish_of_pass(const finish *whole, int64_t p, int64_t length, int64_t k) {
  finish pass = *whole;
  if (p > 0) {
    pass.add = true;
    pass.c = NULL;
  }
  if (p + length < k) {
    pass.residual = NULL;
    pass.activation.op = MAAS_UNARY_IDENTITY;
  }
  return pass;
}
