#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <napi.h>

#include "sealer.h"

namespace xfer {

/**
 * Checks the arguments of one call. The first wrong one leaves a TypeError or RangeError pending; from then on `Ok`
 * is false and every getter gives a harmless value, so a call checks once, at the end.
 */
class Arguments {
 public:
  explicit Arguments(const Napi::CallbackInfo& info) : info_(info), env_(info.Env()) {}

  bool Ok() const { return ok_; }
  Napi::Env Env() const { return env_; }

  /** A descriptor: an integer from 0 to 2^31 − 1. */
  int Fd(size_t index);
  /** An integer from 0 to `most`, itself at most 2^53 − 1. */
  uint64_t Integer(size_t index, const char* name, uint64_t most);
  uint64_t IntegerOf(double value, const char* name, uint64_t most);
  /** A user or group id; −1 leaves it as it is and is (uid_t)-1 here. */
  uint32_t Owner(size_t index, const char* name);
  uint32_t OwnerOf(double value, const char* name);
  /** A cipher, key and counter, and whether the body is plain, at four arguments from `index` on. */
  RecordKey Key(size_t index);
  /** A Uint8Array; `bytes` is its length. The memory lives as long as the array. */
  uint8_t* Bytes(size_t index, const char* name, size_t& bytes);
  /** A BigInt64Array and a Float64Array; `length` in numbers. */
  const int64_t* BigInts(size_t index, const char* name, size_t& length);
  const double* Doubles(size_t index, const char* name, size_t& length);
  std::string Text(size_t index, const char* name);
  std::vector<std::string> Texts(size_t index, const char* name);
  bool Flag(size_t index, const char* name);
  int64_t Nanoseconds(size_t index, const char* name);
  Napi::Function Done(size_t index);

  void WrongType(const std::string& message);
  void OutOfRange(const std::string& message);

 private:
  void* Numbers(size_t index, const char* name, napi_typedarray_type type, const char* typeName, size_t& length);

  const Napi::CallbackInfo& info_;
  Napi::Env env_;
  bool ok_ = true;
};

constexpr uint64_t kMaxSafeInteger = (uint64_t{1} << 53) - 1;

}  // namespace xfer
