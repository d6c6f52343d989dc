#include "udp-pieces.h"

namespace xfer {

namespace {

/** Room made in advance: an array may say any length. */
constexpr uint32_t kUsualPieces = 1024;

}  // namespace

bool Pieces::Read(Napi::Env env, Napi::Value value) {
  const Napi::HandleScope scope(env);
  uint32_t count = 0;
  bool ok = napi_get_array_length(env, value, &count) == napi_ok;
  // An element may be a getter: it may send by the same socket, or take away the memory of those before it. All of them
  // have run before any memory is looked at.
  std::vector<napi_value> elements;
  elements.reserve(std::min(count, kUsualPieces));
  for (uint32_t i = 0; ok && i < count; i++) {
    napi_value element = nullptr;
    napi_typedarray_type type = napi_int8_array;
    ok = napi_get_element(env, value, i, &element) == napi_ok &&
         napi_get_typedarray_info(env, element, &type, nullptr, nullptr, nullptr, nullptr) == napi_ok &&
         type == napi_uint8_array;
    elements.push_back(element);
  }
  pieces_.clear();
  next_ = used_ = 0;
  for (size_t i = 0; ok && i < elements.size(); i++) {
    void* data = nullptr;
    size_t bytes = 0;
    ok = napi_get_typedarray_info(env, elements[i], nullptr, &bytes, &data, nullptr, nullptr) == napi_ok;
    pieces_.push_back({data, bytes});
  }
  if (!ok) Napi::TypeError::New(env, "pieces must be an array of Uint8Arrays").ThrowAsJavaScriptException();
  return ok;
}

size_t Pieces::Bytes(size_t first, size_t count) const {
  size_t bytes = 0;
  for (size_t i = first; i < first + count; i++) bytes += pieces_[i].iov_len;
  return bytes;
}

}  // namespace xfer
