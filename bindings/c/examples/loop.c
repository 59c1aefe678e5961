/* Many images, one after the other, through the same memory: loop digits.onnx all.npy
 *
 * A binding is checked once; then a run reads and writes the bound memory and allocates nothing. */
#include "npy.h"
#include <maas.h>

enum { images = 10, pixels_per_image = 64, classes = 10 };

static void check(maas_status status) {
  if (status != MAAS_OK) {
    fprintf(stderr, "%s: %s\n", maas_status_name(status), maas_error_message());
    exit(1);
  }
}

static int highest(const float *numbers, int count) {
  int best = 0;
  for (int i = 1; i < count; i++)
    if (numbers[i] > numbers[best])
      best = i;
  return best;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: loop MODEL IMAGES.npy\n");
    return 2;
  }
  static float source[images][pixels_per_image];
  npy_read(argv[2], source[0], images * pixels_per_image);

  maas_session *session = NULL;
  maas_binding *binding = NULL;
  check(maas_session_open(argv[1], NULL, &session));
  check(maas_binding_create(session, &binding));

  static float image[pixels_per_image], probabilities[classes];
  const int64_t shape[] = {1, 1, 8, 8};
  check(maas_binding_set_input_buffer(binding, "image", MAAS_DTYPE_FLOAT, shape, 4, image, sizeof image));
  check(maas_binding_set_output_buffer(binding, "probabilities", probabilities, sizeof probabilities));

  for (int i = 0; i < images; i++) {
    memcpy(image, source[i], sizeof image); /* a camera would write here */
    check(maas_binding_run(binding, NULL));
    printf("%d\n", highest(probabilities, classes));
  }

  maas_binding_close(binding);
  maas_session_close(session);
  return 0;
}
