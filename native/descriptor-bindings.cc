#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include <napi.h>

#include "arguments.h"
#include "bindings.h"
#include "call-job.h"
#include "descriptor-io.h"
#include "descriptor-watch.h"
#include "unique-fd.h"

namespace xfer {

namespace {

/** Told instead of bytes: there is more than is read on the loop. */
constexpr double kMuch = -4096;

Descriptor KindArgument(Arguments& arguments, size_t index) {
  return static_cast<Descriptor>(arguments.Integer(index, "kind", kMostDescriptor));
}

int Outcome(ssize_t n, double& bytes) {
  bytes = static_cast<double>(n);
  return n < 0 ? static_cast<int>(-n) : 0;
}

Napi::Value NumberValue(Napi::Env env, double& value) { return Napi::Number::New(env, value); }

/** (fd, kind, into): bytes, or an errno below zero. */
Napi::Value ReadNow(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  const Descriptor kind = KindArgument(arguments, 1);
  size_t bytes = 0;
  uint8_t* const into = arguments.Bytes(2, "into", bytes);
  if (!arguments.Ok()) return info.Env().Undefined();
  if (bytes > kMostInLoop && BytesThere(fd) > kMostInLoop) return Napi::Number::New(info.Env(), kMuch);
  return Napi::Number::New(info.Env(), static_cast<double>(ReadReady(fd, kind, into, bytes)));
}

/** (fd, kind, from): bytes, or an errno below zero. */
Napi::Value WriteNow(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  const Descriptor kind = KindArgument(arguments, 1);
  size_t bytes = 0;
  const uint8_t* const from = arguments.Bytes(2, "from", bytes);
  if (!arguments.Ok()) return info.Env().Undefined();
  if (bytes > kMostInLoop) return Napi::Number::New(info.Env(), kMuch);
  return Napi::Number::New(info.Env(), static_cast<double>(WriteReady(fd, kind, from, bytes)));
}

/** (fd, kind, into, done) */
void ReadDescriptor(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  const Descriptor kind = KindArgument(arguments, 1);
  size_t bytes = 0;
  uint8_t* const into = arguments.Bytes(2, "into", bytes);
  SubmitCall<double>(
      arguments, 3, "read", NumberValue,
      [fd, kind, into, bytes](double& n) { return Outcome(ReadAllReady(fd, kind, into, bytes), n); },
      info[2].As<Napi::Object>());
}

/** (fd, kind, from, done) */
void WriteDescriptor(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  const Descriptor kind = KindArgument(arguments, 1);
  size_t bytes = 0;
  const uint8_t* const from = arguments.Bytes(2, "from", bytes);
  SubmitCall<double>(
      arguments, 3, "write", NumberValue,
      [fd, kind, from, bytes](double& n) { return Outcome(WriteWhileTaken(fd, kind, from, bytes), n); },
      info[2].As<Napi::Object>());
}

/** (fd, bytes): whether a pipe holds so much now. */
Napi::Value GrowPipe(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  const auto bytes = static_cast<int>(arguments.Integer(1, "bytes", 1 << 30));
  if (!arguments.Ok()) return info.Env().Undefined();
  return Napi::Boolean::New(info.Env(), fcntl(fd, F_GETPIPE_SZ) >= bytes || fcntl(fd, F_SETPIPE_SZ, bytes) >= bytes);
}

/** (fd): what it stood for is let go, and the number stands for /dev/null, in one step: no other open can get it. */
Napi::Value ReplaceByNull(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  if (!arguments.Ok()) return info.Env().Undefined();
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  return Napi::Boolean::New(info.Env(), null.Valid() && dup2(null.Get(), fd) == fd);
}

}  // namespace

void AddDescriptorBindings(Napi::Env env, Napi::Object exports) {
  AddCall<ReadDescriptor>(env, exports, "readDescriptor");
  AddCall<WriteDescriptor>(env, exports, "writeDescriptor");
  exports.Set("readNow", Napi::Function::New<ReadNow>(env, "readNow"));
  exports.Set("writeNow", Napi::Function::New<WriteNow>(env, "writeNow"));
  exports.Set("growPipe", Napi::Function::New<GrowPipe>(env, "growPipe"));
  exports.Set("replaceByNull", Napi::Function::New<ReplaceByNull>(env, "replaceByNull"));
  exports.Set("DescriptorWatch", DescriptorWatch::Class(env));
}

}  // namespace xfer
