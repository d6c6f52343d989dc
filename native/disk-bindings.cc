#include <napi.h>

#include "arguments.h"
#include "batch.h"
#include "bindings.h"
#include "call-job.h"
#include "disk.h"
#include "times.h"

namespace xfer {

namespace {

struct Stamp {
  struct stat found {};
  bool exists = true;
};

/** A FileStamp of src/native/files-api.ts, or undefined. */
Napi::Value StampValue(Napi::Env env, Stamp& stamp) {
  if (!stamp.exists) return env.Undefined();
  const struct stat& found = stamp.found;
  Napi::Object value = Napi::Object::New(env);
  value.Set("dev", Napi::BigInt::New(env, static_cast<uint64_t>(found.st_dev)));
  value.Set("ino", Napi::BigInt::New(env, static_cast<uint64_t>(found.st_ino)));
  value.Set("size", Napi::Number::New(env, static_cast<double>(found.st_size)));
  value.Set("mtimeNs", Napi::BigInt::New(env, files::Nanoseconds(files::ModifiedAt(found))));
  value.Set("ctimeNs", Napi::BigInt::New(env, files::Nanoseconds(files::ChangedAt(found))));
  value.Set("mode", Napi::Number::New(env, found.st_mode));
  value.Set("links", Napi::Number::New(env, static_cast<double>(found.st_nlink)));
  return value;
}

void StampOf(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  SubmitCall<Stamp>(arguments, 1, "fstat", StampValue, [fd](Stamp& stamp) { return files::StampOf(fd, stamp.found); });
}

void StampAt(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  const std::string name = arguments.Text(1, "name");
  SubmitCall<Stamp>(arguments, 2, "fstatat", StampValue, [directory, name](Stamp& stamp) {
    return files::StampAt(directory, name, stamp.found, stamp.exists);
  });
}

void SyncData(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  SubmitCall(arguments, 1, "fdatasync", [fd] { return files::SyncData(fd); });
}

void SyncDirectory(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  SubmitCall(arguments, 1, "fsync", [fd] { return files::Sync(fd); });
}

void SyncFileSystem(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  SubmitCall<bool>(arguments, 1, "syncfs", BooleanValue,
                   [fd](bool& synced) { return files::SyncFileSystem(fd, synced); });
}

void Allocate(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  const uint64_t bytes = arguments.Integer(1, "bytes", kMaxSafeInteger);
  SubmitCall<bool>(arguments, 2, "fallocate", BooleanValue,
                   [fd, bytes](bool& allocated) { return files::Allocate(fd, bytes, allocated); });
}

void Truncate(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  const uint64_t bytes = arguments.Integer(1, "bytes", kMaxSafeInteger);
  SubmitCall(arguments, 2, "ftruncate", [fd, bytes] { return files::Truncate(fd, bytes); });
}

void FreeBytes(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  SubmitCall<double>(
      arguments, 1, "fstatvfs",
      [](Napi::Env env, double& bytes) -> Napi::Value { return Napi::Number::New(env, bytes); },
      [directory](double& bytes) { return files::FreeBytes(directory, bytes); });
}

void WritesUnnamed(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int directory = arguments.Fd(0);
  SubmitCall<bool>(arguments, 1, "openat", BooleanValue, [directory](bool& unnamed) {
    unnamed = files::WritesUnnamed(directory);
    return 0;
  });
}

void Lock(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const int fd = arguments.Fd(0);
  SubmitCall<bool>(arguments, 1, "flock", BooleanValue, [fd](bool& locked) { return files::Lock(fd, locked); });
}

}  // namespace

void AddDiskBindings(Napi::Env env, Napi::Object exports) {
  AddCall<StampOf>(env, exports, "stampOf");
  AddCall<StampAt>(env, exports, "stampAt");
  AddCall<SyncData>(env, exports, "syncData");
  AddCall<SyncDirectory>(env, exports, "syncDirectory");
  AddCall<SyncFileSystem>(env, exports, "syncFileSystem");
  AddCall<Allocate>(env, exports, "allocate");
  AddCall<Truncate>(env, exports, "truncate");
  AddCall<FreeBytes>(env, exports, "freeBytes");
  AddCall<WritesUnnamed>(env, exports, "writesUnnamed");
  AddCall<Lock>(env, exports, "lock");
}

}  // namespace xfer
