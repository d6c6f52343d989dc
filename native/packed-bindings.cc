#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <napi.h>

#include "arguments.h"
#include "batch.h"
#include "bindings.h"
#include "call-job.h"
#include "packed.h"
#include "sealer.h"
#include "small-file.h"
#include "stage-clock.h"
#include "storage.h"

namespace xfer {

namespace {

constexpr size_t kNumbersAFile = 7;
constexpr size_t kStampsAFile = 3;

Napi::Value PackedValue(Napi::Env env, size_t bodyBytes, const std::vector<int32_t>& problems) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("bodyBytes", Napi::Number::New(env, static_cast<double>(bodyBytes)));
  value.Set("problems", Int32ArrayOf(env, problems));
  return value;
}

/** Packs files and seals them as one record. */
class SealPacked final : public CallbackJob {
 public:
  SealPacked(Napi::Function done, const RecordKey& key, std::vector<std::string> paths,
             std::vector<files::PackedStamp> stamps, const uint8_t* header, uint8_t* out)
      : CallbackJob(done, "open"),
        key_(key),
        paths_(std::move(paths)),
        stamps_(std::move(stamps)),
        out_(out),
        problems_(paths_.size()) {
    std::memcpy(header_, header, kHeaderBytes);
  }

  void Run(Sealer& sealer) override {
    {
      const StageClock clock(Stage::kRead);
      bodyBytes_ = files::PackFiles(paths_, stamps_, out_ + kBodyAt, problems_.data());
    }
    const StageClock clock(Stage::kSeal);
    if (!sealer.Seal(key_, header_, out_, bodyBytes_)) error_ = ENOMEM;
  }

 protected:
  Napi::Value Value(Napi::Env env) override { return PackedValue(env, bodyBytes_, problems_); }

 private:
  const RecordKey key_;
  const std::vector<std::string> paths_;
  const std::vector<files::PackedStamp> stamps_;
  uint8_t header_[kHeaderBytes];
  uint8_t* const out_;
  std::vector<int32_t> problems_;
  size_t bodyBytes_ = 0;
};

/** The stamps as they are, checked; `bodyBytes` is what all files together take when packed. */
std::vector<files::PackedStamp> StampsOf(Arguments& arguments, size_t index, size_t count, size_t& bodyBytes) {
  size_t numbers = 0;
  const int64_t* const data = arguments.BigInts(index, "stamps", numbers);
  std::vector<files::PackedStamp> stamps;
  if (arguments.Ok() && (numbers % 6 != 0 || numbers / 6 != count)) arguments.OutOfRange("stamps must be six a file");
  if (!arguments.Ok()) return stamps;
  stamps.reserve(count);
  bodyBytes = files::kPackedCountBytes + files::kPackedEntryBytes * count;
  for (const int64_t* at = data; at != data + numbers; at += 6) {
    const files::PackedStamp stamp{{at[0], at[1], at[2], at[3], at[4]}, at[5]};
    if (stamp.state.size < 0 || static_cast<uint64_t>(stamp.state.size) > files::kMaxPackedFileBytes)
      arguments.OutOfRange("the size of a packed file must be from 0 to 2^20");
    if (stamp.id < 0 || stamp.id > 0xffffffff) arguments.OutOfRange("the id of a packed file must fit in 32 bits");
    if (!arguments.Ok()) return {};
    bodyBytes += static_cast<size_t>(stamp.state.size);
    stamps.push_back(stamp);
  }
  return stamps;
}

/** (cipher, key, counter, plain, paths, stamps, header, out, done) */
void SubmitSealPacked(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const RecordKey key = arguments.Key(0);
  std::vector<std::string> paths = arguments.Texts(4, "paths");
  size_t bodyBytes = 0;
  std::vector<files::PackedStamp> stamps = StampsOf(arguments, 5, paths.size(), bodyBytes);
  size_t headerBytes = 0;
  const uint8_t* const header = arguments.Bytes(6, "header", headerBytes);
  size_t outBytes = 0;
  uint8_t* const out = arguments.Bytes(7, "out", outBytes);
  const Napi::Function done = arguments.Done(8);
  if (arguments.Ok() && headerBytes != kHeaderBytes) arguments.OutOfRange("header must be 32 bytes");
  if (arguments.Ok() && bodyBytes > kMaxBodyBytes) arguments.OutOfRange("the files are too large for one record");
  if (arguments.Ok() && outBytes < kOverheadBytes + bodyBytes) arguments.OutOfRange("out is too small for the record");
  if (!arguments.Ok()) return;
  auto job = std::make_unique<SealPacked>(done, key, std::move(paths), std::move(stamps), header, out);
  job->Hold(info[7].As<Napi::Object>());
  JobLoop::Of(info.Env()).Submit(std::move(job));
}

struct Packed {
  size_t bodyBytes = 0;
  std::vector<int32_t> problems;
};

/** (paths, stamps, out, done) */
void PackFiles(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  std::vector<std::string> paths = arguments.Texts(0, "paths");
  size_t bodyBytes = 0;
  std::vector<files::PackedStamp> stamps = StampsOf(arguments, 1, paths.size(), bodyBytes);
  size_t outBytes = 0;
  uint8_t* const out = arguments.Bytes(2, "out", outBytes);
  if (arguments.Ok() && outBytes < bodyBytes) arguments.OutOfRange("out is too small for the files");
  if (!arguments.Ok()) return;
  SubmitCall<Packed>(
      arguments, 3, "open",
      [](Napi::Env env, Packed& packed) { return PackedValue(env, packed.bodyBytes, packed.problems); },
      [paths = std::move(paths), stamps = std::move(stamps), out](Packed& packed) {
        const StageClock clock(Stage::kRead);
        packed.problems.resize(paths.size());
        packed.bodyBytes = files::PackFiles(paths, stamps, out, packed.problems.data());
        return 0;
      },
      info[2].As<Napi::Object>());
}

struct Written {
  std::vector<int32_t> errors;
  std::vector<files::BatchStamp> stamps;
};

Napi::Value WrittenValue(Napi::Env env, Written& written) {
  Napi::BigInt64Array stamps = Napi::BigInt64Array::New(env, kStampsAFile * written.stamps.size());
  int64_t* to = stamps.Data();
  for (const files::BatchStamp& stamp : written.stamps) {
    *to++ = stamp.dev;
    *to++ = stamp.ino;
    *to++ = stamp.ctimeNs;
  }
  Napi::Object value = Napi::Object::New(env);
  value.Set("errors", Int32ArrayOf(env, written.errors));
  value.Set("stamps", stamps);
  return value;
}

/** The files of a batch, their contents still in `buffer`. */
std::vector<files::BatchFile> BatchOf(Arguments& arguments) {
  size_t bufferBytes = 0;
  const uint8_t* const buffer = arguments.Bytes(0, "buffer", bufferBytes);
  std::vector<std::string> names = arguments.Texts(1, "names");
  size_t numbers = 0;
  const double* at = arguments.Doubles(2, "numbers", numbers);
  size_t times = 0;
  const int64_t* const mtimesNs = arguments.BigInts(3, "mtimesNs", times);
  std::vector<files::BatchFile> batch;
  if (arguments.Ok() && (numbers != kNumbersAFile * names.size() || times != names.size()))
    arguments.OutOfRange("numbers must be seven a file and mtimesNs one");
  if (!arguments.Ok()) return batch;
  batch.reserve(names.size());
  for (size_t i = 0; i < names.size(); i++, at += kNumbersAFile) {
    const uint64_t directory = arguments.IntegerOf(at[0], "a descriptor", 0x7fffffff);
    const uint64_t offset = arguments.IntegerOf(at[1], "an offset", bufferBytes);
    const uint64_t bytes = arguments.IntegerOf(at[2], "the bytes of a file", bufferBytes - offset);
    const uint64_t mode = arguments.IntegerOf(at[3], "mode", 0777);
    const uint32_t uid = arguments.OwnerOf(at[4], "uid");
    const uint32_t gid = arguments.OwnerOf(at[5], "gid");
    const uint64_t replace = arguments.IntegerOf(at[6], "replace", 1);
    if (!arguments.Ok()) return {};
    batch.push_back({static_cast<int>(directory), std::move(names[i]), buffer + offset, static_cast<size_t>(bytes),
                     static_cast<mode_t>(mode), uid, gid, replace == 1, mtimesNs[i]});
  }
  return batch;
}

/** The file that must be what it was, where there is one: its path, and dev, ino, size, mtimeNs and ctimeNs. */
std::optional<files::WatchedFile> WatchedOf(Arguments& arguments, size_t index) {
  std::string path = arguments.Text(index, "the path of a watched file");
  size_t numbers = 0;
  const int64_t* const at = arguments.BigInts(index + 1, "the stamp of a watched file", numbers);
  if (!arguments.Ok() || (path.empty() && numbers == 0)) return std::nullopt;
  if (numbers != 5) {
    arguments.OutOfRange("the stamp of a watched file must be five numbers");
    return std::nullopt;
  }
  return files::WatchedFile{std::move(path), {at[0], at[1], at[2], at[3], at[4]}};
}

struct WriteJob {
  std::vector<files::BatchFile> batch;
  std::string prefix;
  std::optional<files::WatchedFile> watched;

  void Run(Written& written) const {
    const StageClock clock(Stage::kWrite);
    written.stamps.resize(batch.size());
    written.errors.reserve(batch.size());
    for (size_t i = 0; i < batch.size(); i++)
      written.errors.push_back(files::WriteBatchFile(batch[i], prefix + std::to_string(i), written.stamps[i]));
  }
};

/** (buffer, names, numbers, mtimesNs, temporaryPrefix, watched path, watched stamp) */
WriteJob WriteJobOf(Arguments& arguments) {
  return {BatchOf(arguments), arguments.Text(4, "temporaryPrefix"), WatchedOf(arguments, 5)};
}

/** As above, and done. */
void WriteFiles(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  WriteJob job = WriteJobOf(arguments);
  if (!arguments.Ok()) return;
  SubmitCall<Written>(
      arguments, 7, "openat", WrittenValue,
      [job = std::move(job)](Written& written) {
        if (job.watched && !files::IsUnchanged(*job.watched)) return ESTALE;
        job.Run(written);
        return 0;
      },
      info[0].As<Napi::Object>());
}

/** The same at once, where that waits for nothing; else undefined, and nothing was written. */
Napi::Value WriteInMemory(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const WriteJob job = WriteJobOf(arguments);
  if (!arguments.Ok()) return info.Env().Undefined();
  for (const files::BatchFile& file : job.batch)
    if (!files::IsInMemory(file.directory)) return info.Env().Undefined();
  if (job.watched && !files::IsKnownUnchanged(*job.watched)) return info.Env().Undefined();
  Written written;
  job.Run(written);
  return WrittenValue(info.Env(), written);
}

}  // namespace

void AddPackedBindings(Napi::Env env, Napi::Object exports) {
  AddCall<SubmitSealPacked>(env, exports, "sealPacked");
  AddCall<PackFiles>(env, exports, "packFiles");
  AddCall<WriteFiles>(env, exports, "writeFiles");
  exports.Set("writeInMemory", Napi::Function::New<WriteInMemory>(env, "writeInMemory"));
}

}  // namespace xfer
