// A C++17 program that uses maas through its C header: consumer MODEL
#include <maas.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace {

struct Close {
  void operator()(maas_session *session) const { maas_session_close(session); }
  void operator()(maas_tensor *tensor) const { maas_tensor_close(tensor); }
};

void check(maas_status status) {
  if (status != MAAS_OK)
    throw std::string(maas_error_message());
}

int run(const char *path) {
  maas_session *opened = nullptr;
  check(maas_session_open(path, nullptr, &opened));
  std::unique_ptr<maas_session, Close> session(opened);

  const std::vector<int64_t> shape{1, 1, 8, 8};
  maas_tensor *created = nullptr, *result = nullptr;
  check(maas_tensor_create(MAAS_DTYPE_FLOAT, shape.data(), shape.size(), &created));
  std::unique_ptr<maas_tensor, Close> image(created);

  const maas_tensor *inputs[] = {image.get()};
  check(maas_session_run(session.get(), nullptr, nullptr, inputs, 1, nullptr, &result, 1));
  std::unique_ptr<maas_tensor, Close> probabilities(result);
  size_t elements = 0;
  check(maas_tensor_elements(probabilities.get(), &elements));
  return elements == 10 ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
  try {
    return argc == 2 ? run(argv[1]) : 2;
  } catch (const std::string &message) {
    std::fprintf(stderr, "%s\n", message.c_str());
    return 1;
  }
}
