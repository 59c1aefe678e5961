/* One session, a thread for each image, all at once: threads digits.onnx 0.npy 1.npy 2.npy …
 *
 * A session may be used by any number of threads without a lock. maas_error_message() is a thread's own. */
#include "npy.h"
#include <maas.h>
#include <pthread.h>

struct job {
  maas_session *session;
  const char *path;
  int64_t label;
  maas_status status;
};

/* Writes the label straight into the job: the output tensor borrows its memory. */
static maas_status classify(maas_session *session, float *pixels, int64_t *label) {
  const int64_t image_shape[] = {1, 1, 8, 8}, label_shape[] = {1};
  const char *inputs[] = {"image"}, *outputs[] = {"label"};
  maas_tensor *image = NULL, *result = NULL;
  maas_status status =
      maas_tensor_borrow(MAAS_DTYPE_FLOAT, image_shape, 4, pixels, 64 * sizeof *pixels, NULL, NULL, &image);
  if (status == MAAS_OK)
    status = maas_tensor_borrow(MAAS_DTYPE_INT64, label_shape, 1, label, sizeof *label, NULL, NULL, &result);
  if (status == MAAS_OK) {
    const maas_tensor *given[] = {image};
    status = maas_session_run(session, NULL, inputs, given, 1, outputs, &result, 1);
  }
  maas_tensor_close(result);
  maas_tensor_close(image);
  return status;
}

static void *work(void *context) {
  struct job *job = context;
  float pixels[64];
  npy_read(job->path, pixels, 64);
  job->status = classify(job->session, pixels, &job->label);
  if (job->status != MAAS_OK)
    fprintf(stderr, "%s: %s\n", job->path, maas_error_message());
  return NULL;
}

enum { maximum = 64 };

int main(int argc, char **argv) {
  int count = argc - 2;
  if (count < 1 || count > maximum) {
    fprintf(stderr, "usage: threads MODEL IMAGE.npy… (at most %d)\n", maximum);
    return 2;
  }
  maas_session *session = NULL;
  if (maas_session_open(argv[1], NULL, &session) != MAAS_OK) {
    fprintf(stderr, "%s\n", maas_error_message());
    return 1;
  }

  struct job jobs[maximum];
  pthread_t threads[maximum];
  int started = 0;
  for (; started < count; started++) {
    jobs[started] = (struct job){session, argv[started + 2], -1, MAAS_OK};
    if (pthread_create(&threads[started], NULL, work, &jobs[started]) != 0)
      break;
  }

  int failed = count - started;
  for (int i = 0; i < started; i++) {
    pthread_join(threads[i], NULL);
    failed += jobs[i].status != MAAS_OK;
    if (jobs[i].status == MAAS_OK)
      printf("%s: %d\n", jobs[i].path, (int)jobs[i].label);
  }
  maas_session_close(session);
  return failed != 0;
}
