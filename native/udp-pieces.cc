#include "udp-pieces.h"

namespace xfer {

bool Pieces::Read(Napi::Env env, Napi::Value value) {
  pieces_.clear();
  next_ = used_ = 0;
  uint32_t count = 0;
  bool ok = napi_get_array_length(env, value, &count) == napi_ok;
  pieces_.reserve(count);
  for (uint32_t i = 0; ok && i < count; i++) {
    const Napi::HandleScope scope(env);
    napi_value element = nullptr;
    napi_typedarray_type type = napi_int8_array;
    void* data = nullptr;
    size_t bytes = 0;
    ok = napi_get_element(env, value, i, &element) == napi_ok &&
         napi_get_typedarray_info(env, element, &type, &bytes, &data, nullptr, nullptr) == napi_ok &&
         type == napi_uint8_array;
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
