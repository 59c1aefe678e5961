/* Reads one handwritten digit: classify digits.onnx 3.npy */
#include "npy.h"
#include <maas.h>

static void check(maas_status status) {
  if (status != MAAS_OK) {
    fprintf(stderr, "%s: %s\n", maas_status_name(status), maas_error_message());
    exit(1);
  }
}

static size_t highest(const float *numbers, size_t count) {
  size_t best = 0;
  for (size_t i = 1; i < count; i++)
    if (numbers[i] > numbers[best])
      best = i;
  return best;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: classify MODEL IMAGE.npy\n");
    return 2;
  }
  float pixels[64];
  npy_read(argv[2], pixels, 64);

  maas_session *session = NULL;
  check(maas_session_open(argv[1], NULL, &session));

  /* The tensor is a view of `pixels`: nothing is copied. */
  const int64_t shape[] = {1, 1, 8, 8};
  maas_tensor *image = NULL;
  check(maas_tensor_borrow(MAAS_DTYPE_FLOAT, shape, 4, pixels, sizeof pixels, NULL, NULL, &image));

  /* An output that is NULL before the run is a new tensor after it. */
  const char *inputs[] = {"image"}, *outputs[] = {"probabilities"};
  const maas_tensor *given[] = {image};
  maas_tensor *result[] = {NULL};
  check(maas_session_run(session, NULL, inputs, given, 1, outputs, result, 1));

  void *data = NULL;
  size_t bytes = 0;
  check(maas_tensor_data(result[0], &data, &bytes));
  const float *probabilities = data;
  size_t digit = highest(probabilities, bytes / sizeof *probabilities);
  printf("%lu (%.1f %%)\n", (unsigned long)digit, 100 * (double)probabilities[digit]);

  maas_tensor_close(result[0]);
  maas_tensor_close(image);
  maas_session_close(session);
  return 0;
}
