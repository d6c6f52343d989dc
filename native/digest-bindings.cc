#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <napi.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "arguments.h"
#include "bindings.h"
#include "call-job.h"

namespace xfer {

namespace {

constexpr size_t kDigestBytes = 32;
constexpr size_t kReadBytes = size_t{1} << 18;
/** About a second; a process that ends waits for what runs. */
constexpr uint64_t kMaxDigestedBytes = uint64_t{1} << 30;

struct Digest {
  uint8_t digest[kDigestBytes] = {};
  uint64_t bytesRead = 0;
};

using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

/** ENOMEM for what OpenSSL refuses. */
int DigestFile(int fd, uint64_t position, uint64_t bytes, Digest& result) {
  const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  const std::unique_ptr<uint8_t[]> buffer(new uint8_t[kReadBytes]);
  bool ok = context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  while (ok && result.bytesRead < bytes) {
    const size_t wanted = std::min<uint64_t>(bytes - result.bytesRead, kReadBytes);
    const ssize_t n = pread(fd, buffer.get(), wanted, static_cast<off_t>(position + result.bytesRead));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) break;
    result.bytesRead += static_cast<uint64_t>(n);
    ok = EVP_DigestUpdate(context.get(), buffer.get(), static_cast<size_t>(n)) == 1;
  }
  ok = ok && EVP_DigestFinal_ex(context.get(), result.digest, nullptr) == 1;
  if (!ok) ERR_clear_error();
  return ok ? 0 : ENOMEM;
}

Napi::Value BareValue(Napi::Env env, Digest& result) {
  Napi::Uint8Array digest = Napi::Uint8Array::New(env, kDigestBytes);
  std::copy(result.digest, result.digest + kDigestBytes, digest.Data());
  return digest;
}

/** {digest, bytesRead} */
Napi::Value DigestValue(Napi::Env env, Digest& result) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("digest", BareValue(env, result));
  value.Set("bytesRead", Napi::Number::New(env, static_cast<double>(result.bytesRead)));
  return value;
}

/** (fd, position, bytes, done) */
void SubmitDigestFile(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  const uint64_t position = arguments.Integer(1, "position", kMaxSafeInteger);
  const uint64_t bytes = arguments.Integer(2, "bytes", kMaxDigestedBytes);
  if (arguments.Ok() && position > kMaxSafeInteger - bytes) arguments.OutOfRange("the region ends past 2^53 - 1");
  SubmitCall<Digest>(arguments, 3, "pread", DigestValue, [fd, position, bytes](Digest& result) {
    return DigestFile(fd, position, bytes, result);
  });
}

int DigestBytes(const uint8_t* bytes, size_t count, Digest& result) {
  if (EVP_Digest(bytes, count, result.digest, nullptr, EVP_sha256(), nullptr) == 1) return 0;
  ERR_clear_error();
  return ENOMEM;
}

/** (bytes, done) */
void SubmitDigestBytes(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  size_t count = 0;
  const uint8_t* const bytes = arguments.Bytes(0, "bytes", count);
  if (arguments.Ok() && count > kMaxDigestedBytes) arguments.OutOfRange("bytes must be at most 2^30");
  const Napi::Object held = arguments.Ok() ? info[0].As<Napi::Object>() : Napi::Object();
  SubmitCall<Digest>(
      arguments, 1, "digest", BareValue,
      [bytes, count](Digest& result) { return DigestBytes(bytes, count, result); }, held);
}

}  // namespace

void AddDigestBindings(Napi::Env env, Napi::Object exports) {
  AddCall<SubmitDigestFile>(env, exports, "digestFile");
  AddCall<SubmitDigestBytes>(env, exports, "digestBytes");
}

}  // namespace xfer
