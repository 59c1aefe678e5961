#include "model.h"
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/message_differencer.h>
#include <climits>
#include <cstdlib>
#include <memory>

namespace {

/// libprotobuf prints to stderr by itself; what is wrong is told by the return values here.
void quiet() {
  static const auto previous = google::protobuf::SetLogHandler(nullptr);
  (void)previous;
}

std::string deterministic(const onnx::ModelProto &proto) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  proto.SerializePartialToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

bool same_message(const onnx::ModelProto &a, const onnx::ModelProto &b) {
  google::protobuf::util::DefaultFieldComparator comparator;
  comparator.set_treat_nan_as_equal(true);
  google::protobuf::util::MessageDifferencer differencer;
  differencer.set_field_comparator(&comparator);
  return differencer.Compare(a, b);
}

} // namespace

maas_onnx_model *maas_onnx_parse(const void *bytes, size_t size) {
  return maas::guarded<maas_onnx_model *>(nullptr, [&]() -> maas_onnx_model * {
    quiet();
    if (size > INT_MAX)
      return nullptr;
    auto model = std::make_unique<maas_onnx_model>();
    google::protobuf::io::CodedInputStream stream(static_cast<const uint8_t *>(bytes),
                                                  static_cast<int>(size));
    stream.SetTotalBytesLimit(INT_MAX);
    if (!model->proto.ParsePartialFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
      return nullptr;
    return model.release();
  });
}

void maas_onnx_free(maas_onnx_model *model) { delete model; }

bool maas_onnx_equal(const maas_onnx_model *a, const maas_onnx_model *b) {
  return maas::guarded(false, [&] {
    return deterministic(a->proto) == deterministic(b->proto) || same_message(a->proto, b->proto);
  });
}

void *maas_onnx_serialize(const maas_onnx_model *model, size_t *size) {
  return maas::guarded<void *>(nullptr, [&]() -> void * {
    std::string bytes = deterministic(model->proto);
    *size = bytes.size();
    void *copy = malloc(bytes.size() + 1);
    return copy ? memcpy(copy, bytes.data(), bytes.size()) : nullptr;
  });
}

void maas_onnx_text_free(void *text) { free(text); }
