#include "arguments.h"

#include <cmath>
#include <limits>

namespace xfer {

void Arguments::WrongType(const std::string& message) {
  if (ok_) Napi::TypeError::New(env_, message).ThrowAsJavaScriptException();
  ok_ = false;
}

void Arguments::OutOfRange(const std::string& message) {
  if (ok_) Napi::RangeError::New(env_, message).ThrowAsJavaScriptException();
  ok_ = false;
}

int Arguments::Fd(size_t index) {
  const uint64_t fd = Integer(index, "a descriptor", std::numeric_limits<int>::max());
  return ok_ ? static_cast<int>(fd) : -1;
}

uint64_t Arguments::Integer(size_t index, const char* name, uint64_t most) {
  if (!ok_) return 0;
  if (!info_[index].IsNumber()) {
    WrongType(std::string(name) + " must be a number");
    return 0;
  }
  return IntegerOf(info_[index].As<Napi::Number>().DoubleValue(), name, most);
}

uint64_t Arguments::IntegerOf(double value, const char* name, uint64_t most) {
  if (!ok_) return 0;
  // Written so that NaN fails it.
  if (!(value >= 0 && value <= static_cast<double>(most) && std::trunc(value) == value)) {
    OutOfRange(std::string(name) + " must be an integer from 0 to " + std::to_string(most));
    return 0;
  }
  return static_cast<uint64_t>(value);
}

uint32_t Arguments::Owner(size_t index, const char* name) {
  if (!ok_) return 0;
  if (!info_[index].IsNumber()) {
    WrongType(std::string(name) + " must be a number");
    return 0;
  }
  return OwnerOf(info_[index].As<Napi::Number>().DoubleValue(), name);
}

uint32_t Arguments::OwnerOf(double value, const char* name) {
  // 2^32 - 1 is what -1 is to the system.
  constexpr uint32_t kMostOwner = 0xfffffffe;
  return value == -1 ? static_cast<uint32_t>(-1) : static_cast<uint32_t>(IntegerOf(value, name, kMostOwner));
}

uint8_t* Arguments::Bytes(size_t index, const char* name, size_t& bytes) {
  return static_cast<uint8_t*>(Numbers(index, name, napi_uint8_array, "a Uint8Array", bytes));
}

const int64_t* Arguments::BigInts(size_t index, const char* name, size_t& length) {
  return static_cast<int64_t*>(Numbers(index, name, napi_bigint64_array, "a BigInt64Array", length));
}

const double* Arguments::Doubles(size_t index, const char* name, size_t& length) {
  return static_cast<double*>(Numbers(index, name, napi_float64_array, "a Float64Array", length));
}

void* Arguments::Numbers(size_t index, const char* name, napi_typedarray_type type, const char* typeName,
                         size_t& length) {
  length = 0;
  if (!ok_) return nullptr;
  const Napi::Value value = info_[index];
  napi_typedarray_type found = napi_int8_array;
  void* data = nullptr;
  if (!value.IsTypedArray() ||
      napi_get_typedarray_info(env_, value, &found, &length, &data, nullptr, nullptr) != napi_ok || found != type) {
    length = 0;
    WrongType(std::string(name) + " must be " + typeName);
    return nullptr;
  }
  return data;
}

std::string Arguments::Text(size_t index, const char* name) {
  if (!ok_) return {};
  if (!info_[index].IsString()) {
    WrongType(std::string(name) + " must be a string");
    return {};
  }
  return info_[index].As<Napi::String>().Utf8Value();
}

std::vector<std::string> Arguments::Texts(size_t index, const char* name) {
  std::vector<std::string> texts;
  if (!ok_) return texts;
  if (!info_[index].IsArray()) {
    WrongType(std::string(name) + " must be an array");
    return texts;
  }
  const auto array = info_[index].As<Napi::Array>();
  const uint32_t count = array.Length();
  texts.reserve(count);
  for (uint32_t i = 0; i < count; i++) {
    const Napi::HandleScope scope(env_);
    const Napi::Value text = array[i];
    if (!text.IsString()) {
      WrongType(std::string(name) + " must be strings");
      return {};
    }
    texts.push_back(text.As<Napi::String>().Utf8Value());
  }
  return texts;
}

bool Arguments::Flag(size_t index, const char* name) {
  if (!ok_) return false;
  if (!info_[index].IsBoolean()) {
    WrongType(std::string(name) + " must be a boolean");
    return false;
  }
  return info_[index].As<Napi::Boolean>().Value();
}

int64_t Arguments::Nanoseconds(size_t index, const char* name) {
  if (!ok_) return 0;
  if (!info_[index].IsBigInt()) {
    WrongType(std::string(name) + " must be a bigint");
    return 0;
  }
  bool lossless = false;
  const int64_t value = info_[index].As<Napi::BigInt>().Int64Value(&lossless);
  if (!lossless) OutOfRange(std::string(name) + " must fit in 64 bits");
  return value;
}

Napi::Function Arguments::Done(size_t index) {
  if (ok_ && !info_[index].IsFunction()) WrongType("done must be a function");
  return ok_ ? info_[index].As<Napi::Function>() : Napi::Function();
}

}  // namespace xfer
