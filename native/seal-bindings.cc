#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>

#include <napi.h>
#include <unistd.h>

#if defined(__linux__) && defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "arguments.h"
#include "bindings.h"
#include "content-io.h"
#include "errno-name.h"
#include "job-loop.h"
#include "sealer.h"
#include "stage-clock.h"

namespace xfer {

namespace {

class SealFile final : public CallbackJob {
 public:
  SealFile(Napi::Function done, const RecordKey& key, const files::ContentFile& file, uint64_t position,
           size_t bodyBytes, const uint8_t* header, uint8_t* out)
      : CallbackJob(done, "pread"), key_(key), file_(file), position_(position), wanted_(bodyBytes), out_(out) {
    std::memcpy(header_, header, kHeaderBytes);
  }

  void Run(Sealer& sealer) override {
    error_ = files::ReadContent(file_, out_ + kBodyAt, wanted_, position_, read_);
    if (error_ != 0) return;
    const StageClock clock(Stage::kSeal);
    if (!sealer.Seal(key_, header_, out_, read_)) error_ = ENOMEM;
  }

 protected:
  Napi::Value Value(Napi::Env env) override { return Napi::Number::New(env, static_cast<double>(read_)); }

 private:
  const RecordKey key_;
  const files::ContentFile file_;
  const uint64_t position_;
  const size_t wanted_;
  uint8_t header_[kHeaderBytes];
  uint8_t* const out_;
  size_t read_ = 0;
};

class OpenFile final : public CallbackJob {
 public:
  OpenFile(Napi::Function done, const RecordKey& key, uint8_t* record, size_t recordBytes,
           const files::ContentFile& file, uint64_t position)
      : CallbackJob(done, "pwrite"),
        key_(key),
        record_(record),
        recordBytes_(recordBytes),
        file_(file),
        position_(position) {}

  void Run(Sealer& sealer) override {
    if (!Open(sealer)) {
      error_ = kTampered;
      return;
    }
    error_ = files::WriteContent(file_, record_ + kBodyAt, recordBytes_ - kOverheadBytes, position_, written_);
  }

 protected:
  Napi::Value Value(Napi::Env env) override { return Napi::Number::New(env, static_cast<double>(written_)); }

 private:
  bool Open(Sealer& sealer) {
    const StageClock clock(Stage::kOpen);
    return sealer.OpenBody(key_, record_, recordBytes_);
  }

  const RecordKey key_;
  uint8_t* const record_;
  const size_t recordBytes_;
  const files::ContentFile file_;
  const uint64_t position_;
  size_t written_ = 0;
};

/** What openDirect gave, as {descriptor, multiple of positions, multiple of addresses}, or nothing. */
files::DirectFile DirectOf(Arguments& arguments, size_t index) {
  size_t length = 0;
  const double* const numbers = arguments.Doubles(index, "direct", length);
  if (arguments.Ok() && length != 0 && length != 3) arguments.OutOfRange("direct must be nothing or three numbers");
  files::DirectFile direct;
  if (!arguments.Ok() || length == 0) return direct;
  direct.fd = static_cast<int>(arguments.IntegerOf(numbers[0], "a descriptor", std::numeric_limits<int>::max()));
  direct.alignBytes = arguments.IntegerOf(numbers[1], "alignBytes", kMaxBodyBytes);
  direct.memoryAlignBytes = arguments.IntegerOf(numbers[2], "memoryAlignBytes", kMaxBodyBytes);
  if (arguments.Ok() && (direct.alignBytes == 0 || direct.memoryAlignBytes == 0))
    arguments.OutOfRange("alignBytes and memoryAlignBytes must not be 0");
  return direct;
}

/** Seals what stands in `out` already. */
class SealBody final : public CallbackJob {
 public:
  SealBody(Napi::Function done, const RecordKey& key, size_t bodyBytes, const uint8_t* header, uint8_t* out)
      : CallbackJob(done, "seal"), key_(key), bodyBytes_(bodyBytes), out_(out) {
    std::memcpy(header_, header, kHeaderBytes);
  }

  void Run(Sealer& sealer) override {
    const StageClock clock(Stage::kSeal);
    if (!sealer.Seal(key_, header_, out_, bodyBytes_)) error_ = ENOMEM;
  }

 protected:
  Napi::Value Value(Napi::Env env) override { return Napi::Number::New(env, static_cast<double>(bodyBytes_)); }

 private:
  const RecordKey key_;
  const size_t bodyBytes_;
  uint8_t header_[kHeaderBytes];
  uint8_t* const out_;
};

/** Seals a body that stands elsewhere. */
class SealFrom final : public CallbackJob {
 public:
  SealFrom(Napi::Function done, const RecordKey& key, Napi::Object held, const uint8_t* body, size_t bodyBytes,
           const uint8_t* header, uint8_t* out)
      : CallbackJob(done, "seal"),
        key_(key),
        held_(Napi::Persistent(held)),
        body_(body),
        bodyBytes_(bodyBytes),
        out_(out) {
    std::memcpy(header_, header, kHeaderBytes);
  }

  void Run(Sealer& sealer) override {
    const StageClock clock(Stage::kSeal);
    if (!sealer.SealFrom(key_, header_, body_, out_, bodyBytes_)) error_ = ENOMEM;
  }

 protected:
  Napi::Value Value(Napi::Env env) override { return Napi::Number::New(env, static_cast<double>(bodyBytes_)); }

 private:
  const RecordKey key_;
  /** The body's, beside that of `out`. */
  const Napi::ObjectReference held_;
  const uint8_t* const body_;
  const size_t bodyBytes_;
  uint8_t header_[kHeaderBytes];
  uint8_t* const out_;
};

/** Verifies and decrypts in place, nothing else. */
class OpenBody final : public CallbackJob {
 public:
  OpenBody(Napi::Function done, const RecordKey& key, uint8_t* record, size_t recordBytes)
      : CallbackJob(done, "open"), key_(key), record_(record), recordBytes_(recordBytes) {}

  void Run(Sealer& sealer) override {
    const StageClock clock(Stage::kOpen);
    if (!sealer.OpenBody(key_, record_, recordBytes_)) error_ = kTampered;
  }

 protected:
  Napi::Value Value(Napi::Env env) override {
    return Napi::Number::New(env, static_cast<double>(recordBytes_ - kOverheadBytes));
  }

 private:
  const RecordKey key_;
  uint8_t* const record_;
  const size_t recordBytes_;
};

/** (cipher, key, counter, plain, fd, position, bodyBytes, header, out, direct, done) */
void SubmitSealFile(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const RecordKey key = arguments.Key(0);
  const int fd = arguments.Fd(4);
  const uint64_t position = arguments.Integer(5, "position", kMaxSafeInteger);
  const size_t bodyBytes = arguments.Integer(6, "bodyBytes", kMaxBodyBytes);
  size_t headerBytes = 0;
  const uint8_t* const header = arguments.Bytes(7, "header", headerBytes);
  size_t outBytes = 0;
  uint8_t* const out = arguments.Bytes(8, "out", outBytes);
  const files::ContentFile file{fd, DirectOf(arguments, 9)};
  const Napi::Function done = arguments.Done(10);
  if (arguments.Ok() && headerBytes != kHeaderBytes) arguments.OutOfRange("header must be 32 bytes");
  if (arguments.Ok() && outBytes < kOverheadBytes + bodyBytes) arguments.OutOfRange("out is too small for the record");
  if (arguments.Ok() && position > kMaxSafeInteger - bodyBytes) arguments.OutOfRange("the record ends past 2^53 - 1");
  if (!arguments.Ok()) return;
  auto job = std::make_unique<SealFile>(done, key, file, position, bodyBytes, header, out);
  job->Hold(info[8].As<Napi::Object>());
  JobLoop::Of(info.Env()).Submit(std::move(job));
}

/** (cipher, key, counter, plain, bodyBytes, header, out, done) */
void SubmitSealBody(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const RecordKey key = arguments.Key(0);
  const size_t bodyBytes = arguments.Integer(4, "bodyBytes", kMaxBodyBytes);
  size_t headerBytes = 0;
  const uint8_t* const header = arguments.Bytes(5, "header", headerBytes);
  size_t outBytes = 0;
  uint8_t* const out = arguments.Bytes(6, "out", outBytes);
  const Napi::Function done = arguments.Done(7);
  if (arguments.Ok() && headerBytes != kHeaderBytes) arguments.OutOfRange("header must be 32 bytes");
  if (arguments.Ok() && outBytes < kOverheadBytes + bodyBytes) arguments.OutOfRange("out is too small for the record");
  if (!arguments.Ok()) return;
  auto job = std::make_unique<SealBody>(done, key, bodyBytes, header, out);
  job->Hold(info[6].As<Napi::Object>());
  JobLoop::Of(info.Env()).Submit(std::move(job));
}

bool Overlap(const uint8_t* a, size_t aBytes, const uint8_t* b, size_t bBytes) {
  // Addresses as numbers: pointers into different memory have no order.
  const auto aAt = reinterpret_cast<uintptr_t>(a);
  const auto bAt = reinterpret_cast<uintptr_t>(b);
  return aAt < bAt + bBytes && bAt < aAt + aBytes;
}

/** (cipher, key, counter, plain, body, header, out, done) */
void SubmitSealFrom(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const RecordKey key = arguments.Key(0);
  size_t bodyBytes = 0;
  const uint8_t* const body = arguments.Bytes(4, "body", bodyBytes);
  size_t headerBytes = 0;
  const uint8_t* const header = arguments.Bytes(5, "header", headerBytes);
  size_t outBytes = 0;
  uint8_t* const out = arguments.Bytes(6, "out", outBytes);
  const Napi::Function done = arguments.Done(7);
  if (arguments.Ok() && bodyBytes > kMaxBodyBytes) arguments.OutOfRange("body must be at most 2^30 bytes");
  if (arguments.Ok() && headerBytes != kHeaderBytes) arguments.OutOfRange("header must be 32 bytes");
  if (arguments.Ok() && outBytes < kOverheadBytes + bodyBytes) arguments.OutOfRange("out is too small for the record");
  if (arguments.Ok() && Overlap(body, bodyBytes, out, outBytes)) arguments.OutOfRange("body must not be a part of out");
  if (!arguments.Ok()) return;
  auto job = std::make_unique<SealFrom>(done, key, info[4].As<Napi::Object>(), body, bodyBytes, header, out);
  job->Hold(info[6].As<Napi::Object>());
  JobLoop::Of(info.Env()).Submit(std::move(job));
}

/** (cipher, key, counter, plain, record, fd, position, direct, done) */
void SubmitOpenFile(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const RecordKey key = arguments.Key(0);
  size_t recordBytes = 0;
  uint8_t* const record = arguments.Bytes(4, "record", recordBytes);
  const int fd = arguments.Fd(5);
  const uint64_t position = arguments.Integer(6, "position", kMaxSafeInteger);
  const files::ContentFile file{fd, DirectOf(arguments, 7)};
  const Napi::Function done = arguments.Done(8);
  if (arguments.Ok() && position > kMaxSafeInteger - recordBytes) arguments.OutOfRange("the record ends past 2^53 - 1");
  if (!arguments.Ok()) return;
  auto job = std::make_unique<OpenFile>(done, key, record, recordBytes, file, position);
  job->Hold(info[4].As<Napi::Object>());
  JobLoop::Of(info.Env()).Submit(std::move(job));
}

/** (cipher, key, counter, plain, record, done) */
void SubmitOpenBody(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const RecordKey key = arguments.Key(0);
  size_t recordBytes = 0;
  uint8_t* const record = arguments.Bytes(4, "record", recordBytes);
  const Napi::Function done = arguments.Done(5);
  if (!arguments.Ok()) return;
  auto job = std::make_unique<OpenBody>(done, key, record, recordBytes);
  job->Hold(info[4].As<Napi::Object>());
  JobLoop::Of(info.Env()).Submit(std::move(job));
}

/** Milliseconds by stage. */
Napi::Value StageTimesValue(const Napi::CallbackInfo& info) {
  Napi::Float64Array value = Napi::Float64Array::New(info.Env(), kStages);
  for (size_t i = 0; i < kStages; i++) value[i] = static_cast<double>(StageTimes()[i].load()) / 1e6;
  return value;
}

/** (bytes): detaches their ArrayBuffer, which they must be all of. */
void FreeMemory(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  size_t length = 0;
  arguments.Bytes(0, "bytes", length);
  if (!arguments.Ok()) return;
  Napi::ArrayBuffer buffer = info[0].As<Napi::Uint8Array>().ArrayBuffer();
  if (buffer.ByteLength() != length) return arguments.OutOfRange("bytes must be all of their ArrayBuffer");
  buffer.Detach();
}

/** (bytes): where their memory lies, below 2^53 on every system that there is. */
Napi::Value AddressOf(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  size_t length = 0;
  const uint8_t* const bytes = arguments.Bytes(0, "bytes", length);
  if (!arguments.Ok()) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), static_cast<double>(reinterpret_cast<uintptr_t>(bytes)));
}

/** It compares with OpenSSL once, which start-up need not wait for. */
Napi::Value HasWideGcm(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), Sealer::HasWideGcm());
}

/** Whether the CPU has instructions for AES and for GCM's multiplication. */
bool HasAes() {
#if defined(__x86_64__) || defined(__i386__)
  return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#elif defined(__linux__) && defined(__aarch64__)
  return (getauxval(AT_HWCAP) & HWCAP_AES) != 0 && (getauxval(AT_HWCAP) & HWCAP_PMULL) != 0;
#elif defined(__APPLE__) && defined(__aarch64__)
  return true;
#else
  return false;
#endif
}

}  // namespace

void AddSealBindings(Napi::Env env, Napi::Object exports) {
  exports.Set("sealFile", Napi::Function::New<SubmitSealFile>(env, "sealFile"));
  exports.Set("sealBody", Napi::Function::New<SubmitSealBody>(env, "sealBody"));
  exports.Set("sealFrom", Napi::Function::New<SubmitSealFrom>(env, "sealFrom"));
  exports.Set("stageTimes", Napi::Function::New<StageTimesValue>(env, "stageTimes"));
  exports.Set("openFile", Napi::Function::New<SubmitOpenFile>(env, "openFile"));
  exports.Set("openBody", Napi::Function::New<SubmitOpenBody>(env, "openBody"));
  exports.Set("freeMemory", Napi::Function::New<FreeMemory>(env, "freeMemory"));
  exports.Set("addressOf", Napi::Function::New<AddressOf>(env, "addressOf"));
  exports.Set("pageBytes", Napi::Number::New(env, static_cast<double>(sysconf(_SC_PAGESIZE))));
  exports.Set("hasAes", Napi::Boolean::New(env, HasAes()));
  exports.Set("hasWideGcm", Napi::Function::New<HasWideGcm>(env, "hasWideGcm"));
}

}  // namespace xfer
