/* Runs a model for a caller in another language: run-model MODEL THREADS <INPUTS >OUTPUTS
 *
 * Both streams are a line "name dtype rank sizes…" for each tensor, and then its bytes. Tests/models/golden.py
 * writes and reads them. */
#include "check.h"

enum { most_tensors = 64, most_dims = 8 };

static char names[most_tensors][256];
static maas_tensor *inputs[most_tensors], *outputs[most_tensors];

static int read_tensor(int i) {
  int dtype = 0;
  size_t rank = 0, bytes = 0;
  int64_t shape[most_dims];
  void *data = NULL;
  if (scanf("%255s %d %zu", names[i], &dtype, &rank) != 3)
    return 0;
  CHECK(rank <= most_dims);
  for (size_t axis = 0; axis < rank; axis++) {
    long long size = -1;
    CHECK(scanf("%lld", &size) == 1);
    shape[axis] = size;
  }
  CHECK(getchar() == '\n');
  OK(maas_tensor_create((maas_dtype)dtype, shape, rank, &inputs[i]));
  OK(maas_tensor_data(inputs[i], &data, &bytes));
  CHECK(fread(data, 1, bytes, stdin) == bytes);
  return 1;
}

static void write_tensor(const char *name, const maas_tensor *tensor) {
  maas_dtype dtype = MAAS_DTYPE_UNDEFINED;
  size_t rank = 0, bytes = 0;
  const int64_t *shape = NULL;
  void *data = NULL;
  OK(maas_tensor_dtype(tensor, &dtype));
  OK(maas_tensor_shape(tensor, &shape, &rank));
  OK(maas_tensor_data(tensor, &data, &bytes));
  printf("%s %d %zu", name, (int)dtype, rank);
  for (size_t axis = 0; axis < rank; axis++)
    printf(" %lld", (long long)shape[axis]);
  putchar('\n');
  CHECK(fwrite(data, 1, bytes, stdout) == bytes);
}

static void write_outputs(const maas_session *session, size_t count) {
  maas_model *model = NULL;
  OK(maas_session_model(session, &model));
  for (size_t i = 0; i < count; i++) {
    const maas_value_info *value = NULL;
    const char *name = NULL;
    OK(maas_model_output(model, i, &value));
    OK(maas_value_info_name(value, &name));
    write_tensor(name, outputs[i]);
    OK(maas_tensor_close(outputs[i]));
  }
  OK(maas_model_close(model));
}

static size_t output_count(const maas_session *session) {
  maas_model *model = NULL;
  size_t count = 0;
  OK(maas_session_model(session, &model));
  OK(maas_model_output_count(model, &count));
  OK(maas_model_close(model));
  CHECK(count <= most_tensors);
  return count;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: run-model MODEL THREADS <INPUTS >OUTPUTS\n");
    return 2;
  }
  maas_session_options *options = NULL;
  maas_session *session = NULL;
  const char *input_names[most_tensors];
  int count = 0;
  OK(maas_session_options_create(&options));
  OK(maas_session_options_set(options, "threads", argv[2]));
  OK(maas_session_open(argv[1], options, &session));
  while (count < most_tensors && read_tensor(count))
    count++;
  for (int i = 0; i < count; i++)
    input_names[i] = names[i];
  size_t wanted = output_count(session);
  OK(maas_session_run(session, NULL, input_names, (const maas_tensor *const *)inputs, (size_t)count, NULL,
                      outputs, wanted));
  write_outputs(session, wanted);
  for (int i = 0; i < count; i++)
    OK(maas_tensor_close(inputs[i]));
  OK(maas_session_close(session));
  OK(maas_session_options_close(options));
  return 0;
}
