/// The seconds until a session of a compiled model is ready: open MODEL.maas
/// special.py compiles and starts this. The model is compiled first, from the ONNX file beside it, where it is not there.
#include "program.h"

int main(int count, char **words) {
  if (count != 2)
    return fprintf(stderr, "usage: open MODEL.maas\n"), 2;
  maas_session_options *options;
  maas_session *session;
  check(maas_session_options_create(&options));
  check(maas_session_options_set(options, "rebuild", "true"));
  double start = now();
  check(maas_session_open(words[1], options, &session));
  printf("%.9f\n", now() - start);
  maas_session_close(session);
  maas_session_options_close(options);
  return 0;
}
