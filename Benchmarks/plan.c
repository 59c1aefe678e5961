/// What a new shape costs: plan MODEL DIMENSION. special.py compiles and starts this. The dimension of that name is 2,
/// 3, and so on, every other symbol 1, and all inputs are zeros. Prints for each size the seconds that the first run
/// takes beyond the fastest of the next ones.
#include <string.h>
#include "program.h"

enum { sizes = 16, again = 5, most_rank = 8 };

static double run(maas_binding *binding) {
  double start = now();
  check(maas_binding_run(binding, NULL));
  return now() - start;
}

static int64_t dimension(const maas_value_info *value, size_t axis, const char *name, int64_t size) {
  int64_t known;
  const char *symbol;
  check(maas_value_info_dim(value, axis, &known, &symbol));
  return symbol == NULL ? known : strcmp(symbol, name) == 0 ? size : 1;
}

/// Binds zeros, which are never given back: the binding reads them.
static void bind(maas_binding *binding, const maas_value_info *value, const char *dimension_name,
                 int64_t size) {
  const char *name;
  maas_dtype dtype;
  int64_t rank, shape[most_rank], count = 1;
  check(maas_value_info_name(value, &name));
  check(maas_value_info_dtype(value, &dtype));
  check(maas_value_info_rank(value, &rank));
  if (rank < 0 || rank > most_rank)
    exit(1);
  for (int64_t i = 0; i < rank; i++) {
    shape[i] = dimension(value, (size_t)i, dimension_name, size);
    count *= shape[i];
  }
  size_t bytes = (size_t)count * maas_dtype_bits(dtype) / 8;
  void *zeros = calloc(bytes ? bytes : 1, 1);
  if (zeros == NULL)
    exit(1);
  check(maas_binding_set_input_buffer(binding, name, dtype, shape, (size_t)rank, zeros, bytes));
}

static double first_run(maas_binding *binding) {
  double first = run(binding), least = run(binding);
  for (int i = 1; i < again; i++) {
    double next = run(binding);
    least = next < least ? next : least;
  }
  return first > least ? first - least : 0;
}

int main(int count, char **words) {
  if (count != 3)
    return fprintf(stderr, "usage: plan MODEL DIMENSION\n"), 2;
  maas_session *session;
  maas_model *model;
  maas_binding *binding;
  size_t inputs;
  check(maas_pool_set_threads(1));
  check(maas_session_open(words[1], NULL, &session));
  check(maas_session_model(session, &model));
  check(maas_model_input_count(model, &inputs));
  check(maas_binding_create(session, &binding));
  for (int64_t size = 2; size < 2 + sizes; size++) {
    for (size_t i = 0; i < inputs; i++) {
      const maas_value_info *value;
      check(maas_model_input(model, i, &value));
      bind(binding, value, words[2], size);
    }
    printf("%.9f\n", first_run(binding));
  }
  maas_binding_close(binding);
  maas_model_close(model);
  maas_session_close(session);
  return 0;
}
