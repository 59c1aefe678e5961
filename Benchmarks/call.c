/// The seconds that a run of a model takes when C calls it, inputs and outputs bound: call MODEL WIDTH
/// special.py compiles and starts this; the input is named x and has the shape [1, WIDTH]. Prints a number a burst.
/// Without WIDTH: the seconds from the path to a checked graph.
#include "program.h"

enum { bursts = 40, runs = 20000, most = 4096 };

static double burst(maas_binding *binding) {
  double start = now();
  for (int i = 0; i < runs; i++)
    check(maas_binding_run(binding, NULL));
  return (now() - start) / runs;
}

static int parse(const char *path) {
  maas_model *model;
  double start = now();
  check(maas_model_open(path, NULL, &model));
  printf("%.9f\n", now() - start);
  maas_model_close(model);
  return 0;
}

int main(int count, char **words) {
  static float x[most];
  if (count == 2)
    return parse(words[1]);
  const int64_t shape[] = {1, count == 3 ? atoll(words[2]) : 0};
  if (shape[1] < 1 || shape[1] > most)
    return fprintf(stderr, "usage: call MODEL [WIDTH]\n"), 2;
  maas_session *session;
  maas_binding *binding;
  check(maas_pool_set_threads(1));
  check(maas_session_open(words[1], NULL, &session));
  check(maas_binding_create(session, &binding));
  check(maas_binding_set_input_buffer(binding, "x", MAAS_DTYPE_FLOAT, shape, 2, x,
                                      (size_t)shape[1] * sizeof(float)));
  for (int i = 0; i < bursts; i++)
    printf("%.12f\n", burst(binding));
  maas_binding_close(binding);
  maas_session_close(session);
  return 0;
}
