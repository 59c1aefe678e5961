/* A program linked with maas that embeds Python: embed MODEL PYTHON-ARGUMENT… Runs the model before and after. */
#include <maas.h>
#include <stdio.h>
#include <stdlib.h>

int Py_BytesMain(int argc, char **argv); /* of libpython's stable ABI */

static void check(maas_status status) {
  if (status == MAAS_OK)
    return;
  fprintf(stderr, "%s\n", maas_error_message());
  exit(2);
}

static void run(maas_session *session) {
  const int64_t shape[] = {1, 1, 8, 8};
  maas_tensor *input = NULL, *output = NULL;
  check(maas_tensor_create(MAAS_DTYPE_FLOAT, shape, 4, &input));
  const maas_tensor *inputs[] = {input};
  check(maas_session_run(session, NULL, NULL, inputs, 1, NULL, &output, 1));
  maas_tensor_close(output);
  maas_tensor_close(input);
}

int main(int argc, char **argv) {
  maas_session *session = NULL;
  if (argc < 2)
    return 2;
  check(maas_session_open(argv[1], NULL, &session));
  run(session);
  int result = Py_BytesMain(argc - 1, argv + 1);
  run(session);
  maas_session_close(session);
  return result;
}
